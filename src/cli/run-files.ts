/**
 * What `adjoint train` writes beside a model: settings, a line of numbers an epoch, the result, and a page about the run. They are
 * written where the run is not yet in anybody's way, and come to the model when there is one: a run that fails or is stopped leaves
 * what was in the directory before as it was.
 */
import { copyFile, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { explain } from "../explain/index.js";
import { AdjointError } from "../index.js";
import { type FitOptions, runFolder } from "../train/index.js";
import { print, printEvent } from "./output.js";

/** Options of what is written. */
export interface RunFilesOptions {
  readonly tensorboard?: boolean;
  /** Look at the network's health while it learns. */
  readonly health?: boolean;
}

/** What is known of a run. */
export interface RunAbout {
  readonly title: string;
  /** Settings to be written down. */
  readonly config: object;
  /** Of the whole run, where the number of examples is known. */
  readonly updates?: number;
  /** A monitor the run has already. */
  readonly health?: NonNullable<FitOptions["health"]> | undefined;
}

/** Of --health, in a whole run. */
const looks = 10;

/** The files of a run that is going on. */
export interface RunFiles {
  /** For `fit`. */
  readonly fitOptions: Pick<FitOptions, "record" | "health">;
  /** The run is done: they come to the model. */
  keep(): Promise<void>;
  /** It is not: they go, unless the run can be resumed. */
  drop(): Promise<void>;
  /** Findings on its health, for people or programs. */
  showHealth(json: boolean): void;
}

/**
 * Begins to write down a run.
 *
 * @param directory of the model
 * @param checkpoints where the run is kept to be resumed: its files are kept there too until it is done
 */
export function openRunFiles(
  directory: string,
  checkpoints: Pick<FitOptions, "checkpoint">,
  options: RunFilesOptions,
  about: RunAbout,
): RunFiles {
  const { checkpoint } = checkpoints;
  const kept = typeof checkpoint === "object" ? checkpoint.directory : checkpoint;
  const folder = kept === undefined ? join(directory, ".unfinished") : join(kept, "run");
  const every = about.updates === undefined ? undefined : Math.max(1, Math.ceil(about.updates / looks));
  const watch =
    options.health === true ? explain.health.during(every === undefined ? {} : { every }) : undefined;
  const health = watch ?? about.health;
  const record = runFolder(folder, {
    title: about.title,
    config: { ...about.config },
    existing: "replace",
    tensorBoard: options.tensorboard === true,
    ...(hasReports(health) ? { health } : {}),
  });
  return {
    fitOptions: { record, ...(health === undefined ? {} : { health }) },
    async keep() {
      await mkdir(directory, { recursive: true });
      // of an earlier run
      for (const name of await readdir(directory))
        if (eventFile.test(name)) await rm(join(directory, name), { force: true });
      for (const name of await readdir(folder)) {
        // the command's own says how the weights are used
        if (name !== "model.safetensors") await move(join(folder, name), join(directory, name));
      }
      await rm(folder, { recursive: true, force: true });
    },
    async drop() {
      if (kept === undefined) await rm(folder, { recursive: true, force: true });
    },
    showHealth(json) {
      if (watch === undefined) return;
      const findings = new Map(
        watch.reports.flatMap((report) => report.findings).map((finding) => [finding.code, finding]),
      );
      if (json) {
        for (const report of watch.reports) printEvent({ event: "health", report: report.toJSON() });
        return;
      }
      const { length } = watch.reports;
      print(
        `health   ${length} ${length === 1 ? "look" : "looks"}: ${findings.size === 0 ? "nothing found" : `${[...findings.keys()].join(", ")}; report.html has the remedies`}`,
      );
    },
  };
}

const eventFile = /^events\.out\.tfevents\./;

type Monitor = NonNullable<FitOptions["health"]>;

/** A monitor of the library keeps what it found. */
function hasReports(health: Monitor | undefined): health is ReturnType<typeof explain.health.during> {
  return health !== undefined && Array.isArray((health as { readonly reports?: unknown }).reports);
}

/** Moves a file, to another file system too. */
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to).catch(async (cause: NodeJS.ErrnoException) => {
      if (cause.code !== "EXDEV") throw cause;
      await copyFile(from, to);
      await rm(from);
    });
  } catch (cause) {
    throw new AdjointError(
      "unwritable-output",
      `cannot write ${to}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { file: to },
      { cause },
    );
  }
}
