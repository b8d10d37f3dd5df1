/** How a run ended, as plain JSON: `result.json`. */
import type { EpochRecord, Run } from "../run.js";

/** What `result.json` holds. */
export interface RunResult {
  /** "finished", "stopped" and the like as in `Run`; "failed" with an error. */
  readonly ended: string;
  readonly error: string | null;
  /** Finished. */
  readonly epochs: number;
  readonly steps: number;
  /** Wall time of the run, and of its updates alone. */
  readonly seconds: number;
  readonly trainingSeconds: number;
  readonly last: { readonly loss: number; readonly validation: Readonly<Record<string, number>> } | null;
}

/** What a recorder is told at the end. */
export type End = Run<unknown> | { readonly error: unknown; readonly history: readonly EpochRecord[] };

/** @param known the updates and seconds a failed run had made at its last epoch's end */
export function resultOf(
  end: End,
  history: readonly EpochRecord[],
  known: { readonly steps: number; readonly seconds: number },
): RunResult {
  const last = history.at(-1);
  return {
    ended: "error" in end ? "failed" : end.ended,
    error: "error" in end ? (end.error instanceof Error ? end.error.message : String(end.error)) : null,
    epochs: last?.epoch ?? 0,
    steps: "error" in end ? known.steps : end.steps,
    seconds: "error" in end ? known.seconds : end.seconds,
    trainingSeconds: history.reduce((sum, { seconds }) => sum + seconds, 0),
    last: last === undefined ? null : { loss: last.loss, validation: last.validation },
  };
}
