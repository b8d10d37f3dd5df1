/** A run's folder, read again. */
import { AdjointError } from "../../index.js";
import { invalidArgument } from "../../util/checks.js";
import { formatReceived } from "../../util/errors.js";
import { parseConfig, type RunConfig } from "./describe.js";
import { files } from "./folder-options.js";
import { type JournalEntry, parseJournal } from "./journal.js";
import type { RunResult } from "./result.js";
import { exists, readText } from "./run-files.js";

/** What a folder says of its run. */
export interface RecordedRun {
  readonly config: RunConfig;
  /** The finished epochs, in order. */
  readonly epochs: readonly JournalEntry[];
  /** Null while it goes, or where it was killed. */
  readonly result: RunResult | null;
}

/**
 * What `runFolder` wrote of a run, also of one that still goes or was killed: what a crash left of a last line is left out.
 *
 * @throws AdjointError `file-not-found`, `file-format`
 * @example
 * const recorder = train.runFolder("runs/read", { title: "xor" });
 * const xor = { x: tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), y: tensor([0, 1, 1, 0], { dtype: "int32" }) };
 * const optimizer = optim.sgd({ learningRate: 0.5 });
 * await train.fit(new nn.Linear(2, 2), { data: xor, loss: "softmaxCrossEntropy", optimizer, epochs: 2, record: recorder });
 * const { config, epochs, result } = await train.readRun("runs/read");
 * [config.title, epochs.length, result.ended]; // → xor,2,finished
 */
export async function readRun(directory: string): Promise<RecordedRun> {
  if (typeof directory !== "string" || directory === "")
    throw invalidArgument("readRun", "directory", "a path", formatReceived(directory));
  const path = (name: keyof typeof files): string => `${directory}/${files[name]}`;
  const config = parseConfig(await readText(path("config"), "readRun"));
  if (config === undefined) throw notOfRun(path("config"), "a run's settings as JSON");
  const journal = parseJournal(await readText(path("journal"), "readRun"), path("journal"), "readRun");
  if (!(await exists(path("result")))) return { config, epochs: journal, result: null };
  try {
    // written whole, by us
    const result = JSON.parse(await readText(path("result"), "readRun")) as RunResult;
    return { config, epochs: journal, result };
  } catch {
    throw notOfRun(path("result"), "a run's result as JSON");
  }
}

function notOfRun(file: string, expected: string): AdjointError {
  return new AdjointError("file-format", `readRun: ${file} is not ${expected}`, {
    operation: "readRun",
    file,
    expected,
  });
}
