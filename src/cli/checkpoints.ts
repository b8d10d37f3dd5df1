/** Checkpoints on the command line: their options, and what is said when a run was interrupted and can be resumed. */
import { type Command, Option } from "commander";
import { AdjointError } from "../index.js";
import type { FitOptions, Notice, Run } from "../train/index.js";
import { integerOption, usage } from "./arguments.js";
import { interrupted } from "./interrupt.js";
import { grouped, printEvent, printNotice } from "./output.js";

/** How often: after so many updates, or seconds. */
type Interval = { readonly everySteps: number } | { readonly everySeconds: number };

export interface CheckpointCommandOptions {
  readonly checkpoint?: string;
  readonly checkpointEvery?: Interval;
  readonly keep?: number;
  readonly resume?: boolean;
}

/** The names of the options, as the parser gives them. */
export const checkpointOptionNames = [
  "checkpoint",
  "checkpointEvery",
  "keep",
  "resume",
] as const satisfies readonly (keyof CheckpointCommandOptions)[];

/** Adds the options to a command that trains. */
export function addCheckpointOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--checkpoint <directory>",
        "keep the run there after every epoch, so that it can be resumed after whatever stops it",
      ),
    )
    .addOption(
      new Option(
        "--checkpoint-every <n>",
        "also after every so many updates, or seconds with an s: 500, 60s",
      ).argParser(parseInterval),
    )
    .addOption(
      new Option("--keep <n>", "how many of the latest checkpoints are kept (default: 3)").argParser(
        integerOption("--keep", 1),
      ),
    )
    .addOption(
      new Option("--resume", "go on from the latest checkpoint, bit for bit as if it had never stopped"),
    );
}

/** @throws AdjointError `usage` */
function parseInterval(text: string): Interval {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(s?)$/.exec(text) ?? [];
  const value = Number(digits);
  if (unit === "s" && value > 0) return { everySeconds: value };
  if (unit === "" && Number.isSafeInteger(value) && value > 0) return { everySteps: value };
  throw usage(
    `--checkpoint-every must be a number of updates such as 500, or of seconds such as 60s, received ${text}`,
    "--checkpoint-every",
  );
}

/**
 * What `fit` is told of them.
 * @throws AdjointError `usage` where they have no directory
 */
export function checkpointFitOptions(
  { checkpoint, checkpointEvery, keep, resume }: CheckpointCommandOptions,
  json: boolean,
): Pick<FitOptions, "checkpoint" | "resume" | "onNotice"> {
  const onNotice = (notice: Notice): void => {
    if (json) printEvent({ event: "notice", ...notice });
    printNotice(notice.message);
  };
  if (checkpoint === undefined) {
    const given = Object.entries({
      "--checkpoint-every": checkpointEvery,
      "--keep": keep,
      "--resume": resume,
    });
    const [name] = given.find(([, value]) => value !== undefined) ?? [];
    if (name !== undefined) throw usage(`${name} needs the directory: --checkpoint DIRECTORY`, name);
    return { onNotice };
  }
  return {
    checkpoint: { directory: checkpoint, ...checkpointEvery, ...(keep !== undefined && { keep }) },
    ...(resume !== undefined && { resume }),
    onNotice,
  };
}

/** What is said of a run that was stopped: where it was, and how it goes on if it can. */
export function interruptedRun(
  { history, steps, checkpoint }: Pick<Run<unknown>, "history" | "steps" | "checkpoint">,
  epochs: number,
  signal: AbortSignal,
): AdjointError {
  const where = `in epoch ${history.length + 1} of ${epochs}`;
  if (checkpoint === undefined) return interrupted(where, signal);
  return new AdjointError(
    "interrupted",
    `interrupted ${where}, after ${grouped(steps)} updates; go on with: adjoint ${resumeLine(process.argv.slice(2))}`,
    { file: checkpoint, received: String(signal.reason) },
  );
}

/** The same command with `--resume`. */
function resumeLine(words: readonly string[]): string {
  const quoted = words.map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  return (words.includes("--resume") ? quoted : [...quoted, "--resume"]).join(" ");
}
