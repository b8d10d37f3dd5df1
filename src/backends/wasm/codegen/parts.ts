/**
 * Loop nests in parts for several threads: along one output loop, each part so many of its iterations.
 *
 * Where and how a kernel is cut follows from the kernel alone, never from the threads there are, so that neither do its
 * bits. Requires: nothing. Guarantees: no part writes what another reads or writes.
 */
import { operandsOf } from "../../../loops/expr.js";
import type { Expr, LoopKernel, Store } from "../../../loops/ir.js";
import { sizeOf } from "../../../types/shape.js";
import { expressions } from "./expressions.js";
import { isLaneFunction } from "./lane-functions.js";
import { normalise, regroup } from "./normalise.js";
import { rangeOf, splitLoop } from "./split.js";

/**
 * Estimated times in nanoseconds on one thread. To start and join takes about 1 µs of threads that are awake, and to wake
 * one about 5 µs of the one that calls and 20 until it comes.
 */
export const worthwhile = {
  /** A part takes about as long: enough to pay for being fetched, little enough that nobody waits long for the last. */
  part: 8_000,
  /** Below, a kernel is not cut at all. */
  split: 20_000,
  /** From here on sleeping threads are woken. */
  wake: 50_000,
};

/** Iterations of a part are a multiple of this where there are many: whole vectors, whole cache lines. */
const grain = 64;
/** The same where points store by index (rows of 64 at 8192 indices, on one thread: 0.95 → 0.20 ms). */
const scatterGrain = 32;

export interface KernelParts {
  /** Loop 0 counts parts. */
  readonly main: LoopKernel;
  readonly parts: number;
  /** What is left over, without the loop of parts: one part more. */
  readonly rest: LoopKernel | undefined;
  /** Of all parts, in nanoseconds. */
  readonly time: number;
}

/** The parts of a kernel, or undefined where it had better stay whole. */
export function planParts(given: LoopKernel): KernelParts | undefined {
  if (given.loops.includes(0)) return undefined;
  const kernel = normalise(given);
  const time = timeOf(kernel);
  if (time < worthwhile.split || !readsOnlyItsOwn(kernel)) return undefined;
  const wanted = Math.ceil(time / worthwhile.part);
  const loop = loopToSplit(kernel, wanted);
  if (loop === undefined) return undefined;
  const extent = kernel.loops[loop];
  const exact = Math.ceil(extent / wanted);
  // the loop whose iterations may become lanes, where cutting it fine would cost vectors their fill
  const contiguous = kernel.stores.some(({ strides }) => strides[loop] === 1);
  // every part of a scatter looks up all indices again: two cache lines at least for each of them
  const step = contiguous && isOrdered(kernel) ? scatterGrain : contiguous && extent >= 2 * grain ? grain : 1;
  const size = Math.ceil(exact / step) * step;
  const parts = Math.floor(extent / size);
  if (parts < 2) return undefined;
  const outermost = moveLoop(kernel, loop, 0);
  const whole = parts * size;
  const main = splitLoop(rangeOf(outermost, 0, 0, whole), 0, size);
  const rest = whole < extent ? rangeOf(outermost, 0, whole, extent - whole) : undefined;
  if (!isOrdered(kernel)) return { main, parts, rest, time };
  // Nobody may change this order later on, and lanes need the loop inside, where it was (it is independent, so each element's sum
  // keeps its order).
  return { main: moveLoop(main, 1, loop + 1), parts, rest: rest && moveLoop(rest, 0, loop), time };
}

/** Whether points are taken in the order of the loops, because several may store to one place. */
function isOrdered(kernel: LoopKernel): boolean {
  return kernel.stores.some(({ at, accumulate }) => at !== undefined || accumulate === true);
}

/** The outermost output loop that is long enough, or the longest, of those whose iterations are independent. */
function loopToSplit(kernel: LoopKernel, wanted: number): number | undefined {
  const outputs = kernel.loops.slice(0, kernel.loops.length - kernel.reducedLoops);
  const possible = outputs
    .map((extent, loop) => ({ extent, loop }))
    .filter(({ loop }) => kernel.stores.every((store) => isIndependent(kernel, store, loop)));
  const enough = possible.find(({ extent }) => extent >= Math.min(wanted, 16));
  if (enough !== undefined) return enough.loop;
  const [longest] = possible.sort((a, b) => b.extent - a.extent);
  return longest === undefined || longest.extent < 2 ? undefined : longest.loop;
}

/** The kernel with the output loop at `from` at place `to`. */
function moveLoop(kernel: LoopKernel, from: number, to: number): LoopKernel {
  if (from === to) return kernel;
  const order = kernel.loops.map((_, loop) => loop);
  order.splice(to, 0, ...order.splice(from, 1));
  return regroup(
    kernel,
    order.map((loop) => [loop]),
    kernel.loops.length - kernel.reducedLoops,
  );
}

/** Whether every buffer has one store, and a point reads of it only what it writes there itself. */
function readsOnlyItsOwn(kernel: LoopKernel): boolean {
  const { stores } = kernel;
  const written = new Map(stores.map((store) => [store.buffer, store]));
  if (written.size < stores.length) return false;
  return expressions(kernel).every((e) => {
    const store = e.kind === "load" ? written.get(e.buffer) : undefined;
    if (e.kind !== "load" || store === undefined) return true;
    const fits = store.strides.every((stride, loop) => stride === e.strides[loop]);
    return fits && e.offset === store.offset && e.at === undefined && store.at === undefined;
  });
}

/** What moves a store: by so many elements, so many times. */
interface Step {
  readonly stride: number;
  readonly extent: number;
}

/**
 * Whether different iterations of a loop store to different elements, whatever the other loops are at: it steps farther
 * than all that moves less can reach, and whatever moves more steps farther than all before it together.
 */
function isIndependent(kernel: LoopKernel, { strides, at }: Store, loop: number): boolean {
  const scattered = at === undefined ? [] : stepsOf(at, kernel, strides.length);
  if (strides[loop] === 0 || scattered === undefined) return false;
  const own = { stride: Math.abs(strides[loop]), extent: kernel.loops[loop] };
  const others = strides
    .map((stride, other) => ({ stride: Math.abs(stride), extent: other === loop ? 1 : kernel.loops[other] }))
    .concat(scattered)
    .filter(({ stride, extent }) => stride !== 0 && extent > 1);
  const span = (steps: readonly Step[]): number =>
    steps.reduce((sum, { stride, extent }) => sum + stride * (extent - 1), 0);
  const below = span(others.filter(({ stride }) => stride <= own.stride));
  if (own.stride <= below) return false;
  const above = others.filter(({ stride }) => stride > own.stride).sort((a, b) => a.stride - b.stride);
  let reach = below + span([own]);
  for (const step of above) {
    if (step.stride <= reach) return false;
    reach += span([step]);
  }
  return true;
}

/** How far a computed index may move: sums of bounded indices, each times a constant. Undefined for any other. */
function stepsOf(at: Expr, kernel: LoopKernel, loops: number): readonly Step[] | undefined {
  if (at.kind === "constant") return [];
  if (at.kind === "bounded") return [{ stride: 1, extent: at.size }];
  if (at.kind === "index" && at.loop < loops) return [{ stride: 1, extent: kernel.loops[at.loop] }];
  if (at.kind !== "binary") return undefined;
  const [x, y] = [stepsOf(at.x, kernel, loops), stepsOf(at.y, kernel, loops)];
  if (x === undefined || y === undefined) return undefined;
  if (at.op === "add") return [...x, ...y];
  if (at.op !== "mul" || at.y.kind !== "constant") return undefined;
  const factor = Math.abs(at.y.value);
  return x.map(({ stride, extent }) => ({ stride: stride * factor, extent }));
}

/** About how long a kernel takes, in nanoseconds: what it computes and what it moves, with vectors and in cache. */
function timeOf(kernel: LoopKernel): number {
  const outputs = kernel.loops.length - kernel.reducedLoops;
  const points = sizeOf(kernel.loops.slice(0, outputs));
  const all = sizeOf(kernel.loops);
  const inReductions = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (inReductions.has(e)) return;
    inReductions.add(e);
    operandsOf(e).forEach(visit);
  };
  for (const { value } of kernel.reductions) visit(value);
  let time = kernel.reductions.length * all * 0.1 + kernel.stores.length * points * 0.3;
  for (const e of expressions(kernel)) time += (inReductions.has(e) ? all : points) * timeOfExpression(e);
  return time;
}

function timeOfExpression(e: Expr): number {
  const wide = e.dtype === "float64" ? 2 : 1;
  switch (e.kind) {
    case "constant":
    case "index":
    case "reduced":
      return 0;
    case "load":
      return e.at === undefined ? 0.2 * wide : 1;
    case "unary":
      return wide * (isLaneFunction(e.op) ? 1.2 : 0.1);
    case "binary":
      return wide * (e.op === "pow" || e.op === "atan2" ? 4 : 0.1);
    case "compare":
    case "select":
    case "cast":
    case "bounded":
      return wide * 0.1;
  }
}
