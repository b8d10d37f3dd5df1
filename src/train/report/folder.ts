/**
 * A run written down while it goes, in a folder: what it was told, how it went, what it learned, and a page about it. All but the page,
 * the model and the result is there after every epoch, whatever happens next.
 */
import { type Module, stateDict } from "../../nn/index.js";
import { AdjointError } from "../../util/errors.js";
import { confusion } from "../confusion.js";
import { thresholdOf } from "../objective.js";
import type { RunRecorder, RunStart } from "../recorder.js";
import type { EpochRecord } from "../run.js";
import { confusionHtml } from "./confusion-section.js";
import { describeExamples, describeRun, parseConfig, type RunConfig } from "./describe.js";
import { restartEvent, scalarsEvent, versionEvent } from "./event-file.js";
import { examplesHtml, pictureShapeOf } from "./examples-section.js";
import { files, type RunFolderOptions } from "./folder-options.js";
import { healthHtml } from "./health-section.js";
import { type JournalEntry, journalLine, parseJournal, toJson } from "./journal.js";
import { reportHtml } from "./page.js";
import { type End, type RunResult, resultOf } from "./result.js";
import {
  append,
  exists,
  makeDirectory,
  namesIn,
  readText,
  removeFiles,
  sizeOf,
  writeText,
} from "./run-files.js";
import { worstExamples } from "./worst.js";

/** Event files of TensorBoard: its reader asks for this in the name. */
const eventFileName = /^events\.out\.tfevents\.\d+\.adjoint/;

/** A folder of one run after the other; what it was told is checked. */
export class Folder implements RunRecorder {
  private readonly directory: string;
  private readonly options: RunFolderOptions;
  private run: RunStart | undefined;
  private config: RunConfig | undefined;
  private events: string | undefined;
  private entries: JournalEntry[] = [];
  private model: Module | undefined;
  /** Bytes of the journal as this run wrote it. */
  private journalSize = 0;

  constructor(directory: string, options: RunFolderOptions) {
    this.directory = directory;
    this.options = options;
  }

  async start(run: RunStart): Promise<void> {
    if (this.run !== undefined) throw this.sharedFolder();
    this.run = run;
    try {
      await this.begin(run);
    } catch (refusal) {
      this.run = undefined;
      throw refusal;
    }
  }

  private async begin(run: RunStart): Promise<void> {
    await makeDirectory(this.directory);
    const resumed = run.resumed;
    if (resumed === undefined) await this.clear();
    const title = this.options.title ?? titleOf(run, this.directory);
    const described = await describeRun(run, title, this.options.config ?? null);
    this.config = resumed === undefined ? described : await this.continued(described, resumed);
    await writeText(this.path("config"), `${toJson(this.config, 2)}\n`);
    this.entries = resumed === undefined ? [] : await this.keptEntries(resumed.epochs);
    const journal = this.entries.map(journalLine).join("");
    await writeText(this.path("journal"), journal);
    this.journalSize = bytesOf(journal);
    if (this.options.tensorBoard === false) return;
    const now = Date.now() / 1000;
    // a name of its own for each part of a run: readers take them in this order
    const parts = this.config.resumed.length;
    const name = `events.out.tfevents.${String(Math.floor(now)).padStart(10, "0")}.adjoint.${String(parts).padStart(4, "0")}`;
    this.events = `${this.directory}/${name}`;
    await append(this.events, versionEvent(now));
    if (resumed !== undefined) await append(this.events, restartEvent(now, resumed.epochs + 1));
  }

  async epoch(record: Parameters<RunRecorder["epoch"]>[0]): Promise<void> {
    const { epoch, loss, validation, seconds, steps, model } = record;
    this.model = model;
    const entry: JournalEntry = { epoch, steps, loss, validation, seconds, time: new Date().toISOString() };
    // two runs in one folder would make one of both that nobody ran
    if ((await sizeOf(this.path("journal"))) !== this.journalSize) {
      this.run = undefined;
      throw this.sharedFolder();
    }
    this.entries.push(entry);
    const line = journalLine(entry);
    await append(this.path("journal"), line);
    this.journalSize += bytesOf(line);
    if (this.events === undefined) return;
    const measured = Object.entries(validation).map(([name, value]) => ({
      tag: `${name}/validation`,
      value,
    }));
    const scalars = [
      { tag: "loss/train", value: loss },
      ...measured,
      { tag: "seconds/epoch", value: seconds },
    ];
    await append(this.events, scalarsEvent(Date.now() / 1000, epoch, scalars));
  }

  async end(end: End): Promise<void> {
    await this.written(end).finally(() => {
      this.run = undefined;
    });
  }

  private async written(end: End): Promise<void> {
    // it failed before it began, or the folder is another run's
    if (this.run === undefined || this.config === undefined) return;
    // a run that is written down only since it was taken up knows more than the folder does
    const history = end.history.length > this.entries.length ? end.history : this.entries;
    const known = {
      steps: this.entries.at(-1)?.steps ?? 0,
      seconds: (Date.now() - Date.parse(this.config.resumed.at(-1)?.time ?? this.config.started)) / 1000,
    };
    const result = resultOf(end, history, known);
    const model = "error" in end ? this.model : (end.model as Module);
    if (!("error" in end)) return this.conclude(result, model, history);
    // the run's own error is the one to be told
    await this.conclude(result, model, history).catch(() => {});
  }

  private async conclude(
    result: RunResult,
    model: Module | undefined,
    history: readonly EpochRecord[],
  ): Promise<void> {
    if (this.run === undefined || this.config === undefined) return;
    await writeText(this.path("result"), `${toJson(result, 2)}\n`);
    if (model !== undefined) {
      const { saveSafetensors } = await import("../../io/index.js");
      await saveSafetensors(this.path("model"), stateDict(model));
    }
    const measured =
      model === undefined ? { confusion: "", examples: "" } : await this.measured(this.run, model);
    const html = reportHtml({
      config: this.config,
      result,
      history,
      ...measured,
      health: this.options.health === undefined ? "" : healthHtml(this.options.health),
    });
    await writeText(this.path("report"), html);
  }

  /** What the page shows of the model at work, on the validation data where there are any. */
  private async measured(run: RunStart, model: Module): Promise<{ confusion: string; examples: string }> {
    const data = run.validation ?? run.data;
    const of = run.validation === undefined ? "training" : "validation";
    const { inputShape, classes } = describeExamples(data);
    const names = classes ?? undefined;
    const count = this.options.worst ?? 12;
    const worst = count === 0 ? undefined : await worstExamples(model, data, run.loss, count);
    const examples =
      worst === undefined
        ? ""
        : await examplesHtml(worst, {
            picture: pictureShapeOf(inputShape),
            classes: names,
            threshold: thresholdOf(run.loss),
            of,
          });
    if (!(worst?.areLabels ?? names !== undefined)) return { confusion: "", examples };
    const counts = await confusion(model, data, { loss: run.loss }).catch(notOfClasses);
    return { confusion: counts === undefined ? "" : confusionHtml(counts, names, of), examples };
  }

  private sharedFolder(): AdjointError {
    return new AdjointError(
      "unwritable-output",
      `runFolder: another run writes into ${this.directory}; give each run a folder of its own`,
      { operation: "runFolder", file: this.directory, expected: "a folder of its own" },
    );
  }

  /** A folder for a new run. */
  private async clear(): Promise<void> {
    if (!(await exists(this.path("config")))) return;
    if (parseConfig(await readText(this.path("config"), "runFolder")) === undefined)
      throw new AdjointError(
        "unwritable-output",
        `runFolder: ${this.path("config")} is no run's, and would be overwritten; name another folder`,
        { operation: "runFolder", file: this.path("config"), expected: "an empty or new folder" },
      );
    // one that ended before its first epoch did has nothing to lose
    const isBegun = (await exists(this.path("journal"))) && (await this.keptEntries(Infinity)).length > 0;
    if (isBegun && this.options.existing !== "replace")
      throw new AdjointError(
        "unwritable-output",
        `runFolder: ${this.directory} holds another run; name another folder, resume that run, or replace it with { existing: "replace" }`,
        { operation: "runFolder", file: this.directory, expected: "an empty or new folder" },
      );
    const events = (await namesIn(this.directory)).filter((name) => eventFileName.test(name));
    await removeFiles(this.directory, [...Object.values(files), ...events]);
  }

  /** The description of the whole run: begun when its first part was, with all the places where it was taken up. */
  private async continued(
    described: RunConfig,
    { epochs, steps }: { readonly epochs: number; readonly steps: number },
  ): Promise<RunConfig> {
    const again = { time: described.started, epochs, steps };
    if (!(await exists(this.path("config")))) return { ...described, resumed: [again] };
    const earlier = parseConfig(await readText(this.path("config"), "runFolder"));
    return {
      ...described,
      started: earlier?.started ?? described.started,
      resumed: [...(earlier?.resumed ?? []), again],
    };
  }

  private async keptEntries(epochs: number): Promise<JournalEntry[]> {
    const file = this.path("journal");
    if (!(await exists(file))) return [];
    const entries = parseJournal(await readText(file, "runFolder"), file, "runFolder");
    return entries.filter(({ epoch }) => epoch <= epochs);
  }

  private path(file: keyof typeof files): string {
    return `${this.directory}/${files[file]}`;
  }
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** A page about a run whose targets are no classes has no matrix. */
function notOfClasses(error: unknown): undefined {
  if (error instanceof AdjointError) return undefined;
  throw error;
}

function titleOf({ data }: RunStart, directory: string): string {
  const { name } = describeExamples(data);
  return name ?? directory.split(/[\\/]/).findLast((part) => part !== "" && part !== ".") ?? "A run";
}
