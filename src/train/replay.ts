/**
 * The way back to a step that went wrong. The program updates in place, so what a step was given is gone after it; a copy is
 * kept from time to time with the batches since, and the steps from there are made again. They give the same bits.
 */
import { type DType, type Tensor, type TypedArray, tensor } from "../index.js";
import type { Structure } from "../util/tree.js";
import { type Progress, type Step, type Trained, trainedOf } from "./step.js";

/** What a step is given besides what is learned. */
export interface Taken {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly rate: Tensor | undefined;
  /** Whether the step ends with an update; otherwise it only adds to the gradient. */
  readonly applies: boolean;
}

/** A step that is about to be made again. */
export interface Again {
  /** Copies: the step does not use them up. */
  readonly trained: Trained;
  /** Steps whose loss was finite: what layers draw by. */
  readonly finite: Tensor;
  readonly taken: Taken;
  /** Batches since the run began, before this one. */
  readonly calls: number;
}

/** Steps between copies: a copy costs some two steps' traffic of memory, and as many are made again at most. */
const stepsPerCopy = 256;
/** Bytes of a stream's batches that may be kept for that. */
const mostKept = 2 ** 26;

interface Copied {
  readonly values: readonly TypedArray[];
  readonly types: readonly Pick<Tensor, "shape" | "dtype">[];
  readonly structure: Structure;
  readonly tally: { readonly total: number; readonly finite: number; readonly dtype: DType };
}

export class Replay {
  private copied: Copied | undefined;
  /** Batches before the copy. */
  private calls = 0;
  private taken: Taken[] = [];
  private bytes = 0;

  /** Before each step: a copy where one is due, and a note of what the step is given. */
  before(progress: Progress, calls: number, taken: Taken, bytes: number): void {
    if (this.copied === undefined || this.taken.length >= stepsPerCopy || this.bytes > mostKept) {
      this.copied = copyOf(progress);
      this.calls = calls;
      this.taken = [];
      this.bytes = 0;
    }
    this.taken.push(taken);
    this.bytes += bytes;
  }

  /** The last steps that were made, up to `count`, as they were before each. */
  async *last(count: number, step: Step): AsyncGenerator<Again> {
    if (this.copied === undefined) return;
    const { taken, calls } = this;
    let progress = restored(this.copied);
    for (const [i, given] of taken.entries()) {
      if (i >= taken.length - count) {
        const held = copyOf(progress);
        const { tally } = restored(held);
        yield { trained: trainedOf(restored(held)), finite: tally.finite, taken: given, calls: calls + i };
        progress = restored(held);
      }
      if (i + 1 < taken.length) [progress] = step(progress, given);
    }
  }
}

/** The arrays themselves: nobody writes them, and what is read of a program's memory is read once. */
function copyOf({ leaves, structure, tally: { total, finite } }: Progress): Copied {
  return {
    values: leaves.map((leaf) => leaf.storage?.read() ?? leaf.dataSync()),
    types: leaves.map(({ shape, dtype }) => ({ shape, dtype })),
    structure,
    tally: { total: total.itemSync(), finite: finite.itemSync(), dtype: total.dtype },
  };
}

function restored({ values, types, structure, tally }: Copied): Progress {
  return {
    leaves: types.map(({ shape, dtype }, i) => tensor(values[i], { shape, dtype })),
    structure,
    tally: {
      total: tensor(tally.total, { dtype: tally.dtype }),
      finite: tensor(tally.finite, { dtype: "int32" }),
    },
  };
}
