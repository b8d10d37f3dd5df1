/** Reverse mode, forward mode and differences: what each takes to all derivatives, counted and measured. */
import { graphOf, jit, jvp, type Tensor, valueAndGrad, zeros } from "../../index.js";
import type { MethodCost } from "./document.js";

/** A function of its floating-point tensors alone. */
export type FlatFunction = (...leaves: Tensor[]) => Tensor;

/** Seconds each of the three is measured at most, and how often at least. */
const longest = 0.05;
const fewest = 3;
const most = 200;

/**
 * @param flops of one pass forward, and of one forward and back
 */
export function methodCosts(
  f: FlatFunction,
  leaves: readonly Tensor[],
  flops: { readonly forward: number; readonly reverse: number },
  isMeasured: boolean,
): MethodCost[] {
  const parameters = leaves.reduce((sum, { size }) => sum + size, 0);
  const directions = leaves.map(({ shape, dtype }) => zeros(shape, { dtype }).add(1));
  const along = (...given: Tensor[]): readonly Tensor[] => jvp(f, given, directions);
  const reverse = valueAndGrad(f, { argnums: leaves.map((_, i) => i) }) as (...given: Tensor[]) => unknown;
  const row = (
    method: MethodCost["method"],
    runs: number,
    flopsPerRun: number,
    run: (...given: Tensor[]) => unknown,
  ): MethodCost => {
    const secondsPerRun = isMeasured ? secondsOf(run, leaves) : null;
    return {
      method,
      runs,
      flopsPerRun,
      flops: runs * flopsPerRun,
      ratio: (runs * flopsPerRun) / flops.reverse,
      secondsPerRun,
      seconds: secondsPerRun === null ? null : secondsPerRun * runs,
    };
  };
  return [
    row("reverse", 1, flops.reverse, reverse),
    row("forward", parameters, graphOf(along, ...leaves).cost().flops, along),
    row("centredDifferences", 2 * parameters, flops.forward, f),
  ];
}

/** The median of several runs of the compiled function. */
function secondsOf(run: (...given: Tensor[]) => unknown, leaves: readonly Tensor[]): number {
  const compiled = jit(run);
  // the first call compiles, the next ones find out which arguments come again and again
  for (let i = 0; i < 5; i++) compiled(...leaves);
  const times: number[] = [];
  const end = performance.now() + longest * 1000;
  while (times.length < fewest || (times.length < most && performance.now() < end)) {
    const start = performance.now();
    compiled(...leaves);
    times.push((performance.now() - start) / 1000);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}
