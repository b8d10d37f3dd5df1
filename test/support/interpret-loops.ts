/**
 * The loop IR in plain TypeScript, one number at a time: the oracle of the backends. It shares no code with any of
 * them. float32 is computed in double precision and rounded after every operation.
 */

import { type DotLoop, loopsOfDot } from "../../src/loops/dot.js";
import type {
  ArgsortKernel,
  ControlKernel,
  CumsumKernel,
  DotKernel,
  Expr,
  Kernel,
  LoopKernel,
  RandomBitsKernel,
  RowsKernel,
  Schedule,
  Store,
} from "../../src/loops/ir.js";
import { allocate, type TypedArray } from "../../src/types/dtype.js";
import { interpretFactor, interpretSubstitute } from "./interpret-factors.js";
import { applyBinary, applyCast, applyCompare, applyUnary, round } from "./interpret-scalars.js";

/** What an index out of range stops with. */
export class OutOfRange extends Error {
  readonly kernel: number;
  readonly value: number;
  readonly size: number;

  constructor(kernel: number, value: number, size: number) {
    super(`index ${value} for size ${size} in kernel ${kernel}`);
    this.kernel = kernel;
    this.value = value;
    this.size = size;
  }
}

/** Runs a schedule on buffers of its own, filled from `inputs` where given; gives all buffers as they are left. */
export function interpret(schedule: Schedule, inputs: ReadonlyMap<number, TypedArray>): TypedArray[] {
  const buffers = schedule.buffers.map(({ dtype, length }, i) => {
    const buffer = allocate(dtype, length);
    const given = inputs.get(i);
    if (given !== undefined) buffer.set(given);
    return buffer;
  });
  schedule.kernels.forEach((kernel, number) => {
    interpretKernel(kernel, buffers, number);
  });
  return buffers;
}

function interpretKernel(kernel: Kernel, buffers: TypedArray[], number: number): void {
  switch (kernel.kind) {
    case "scan":
    case "cond":
    case "while":
      interpretControl(kernel, buffers, number);
      break;
    case "loops":
      interpretLoops(kernel, buffers, number);
      break;
    case "rows":
      interpretRows(kernel, buffers, number);
      break;
    case "dot":
      interpretDot(kernel, buffers, number);
      break;
    case "cumsum":
      interpretCumsum(kernel, buffers);
      break;
    case "argsort":
      interpretArgsort(kernel, buffers);
      break;
    case "factor":
      interpretFactor(kernel, buffers);
      break;
    case "substitute":
      interpretSubstitute(kernel, buffers);
      break;
    case "randomBits":
      interpretRandomBits(kernel, buffers);
      break;
  }
}

/** A failure inside names the scan, choice or loop. */
function interpretControl(kernel: ControlKernel, buffers: TypedArray[], number: number): void {
  const runAll = (kernels: readonly Kernel[]): void => {
    for (const inner of kernels) interpretKernel(inner, buffers, number);
  };
  switch (kernel.kind) {
    case "cond":
      runAll(buffers[kernel.predicate][0] !== 0 ? kernel.onTrue : kernel.onFalse);
      break;
    case "while":
      for (runAll(kernel.condition); buffers[kernel.predicate][0] !== 0; runAll(kernel.condition))
        runAll(kernel.body);
      break;
    case "scan":
      for (let at = 0; at < kernel.length; at++) {
        const step = kernel.reverse ? kernel.length - 1 - at : at;
        for (const { sequence, window } of kernel.reads) {
          const { length } = buffers[window];
          buffers[window].set(buffers[sequence].subarray(step * length, (step + 1) * length));
        }
        runAll(kernel.body);
        for (const { sequence, window } of kernel.writes)
          buffers[sequence].set(buffers[window], step * buffers[window].length);
      }
  }
}

interface Point {
  readonly counters: readonly number[];
  readonly buffers: readonly TypedArray[];
  readonly reduced: readonly number[];
  readonly kernel: number;
}

function position(offset: number, strides: readonly number[], { counters }: Point, at: number): number {
  return strides.reduce((sum, stride, loop) => sum + stride * counters[loop], offset + at);
}

function element(buffer: TypedArray, index: number): number {
  if (!Number.isInteger(index) || index < 0 || index >= buffer.length)
    throw new Error(`address ${index} outside of a buffer of ${buffer.length}`);
  return buffer[index];
}

function evaluate(e: Expr, point: Point): number {
  switch (e.kind) {
    case "constant":
      return round(e.dtype, e.value);
    case "load": {
      const at = e.at === undefined ? 0 : evaluate(e.at, point);
      return element(point.buffers[e.buffer], position(e.offset, e.strides, point, at));
    }
    case "index":
      return point.counters[e.loop];
    case "reduced":
      return point.reduced[e.index];
    case "unary":
      return applyUnary(e.op, e.dtype, evaluate(e.x, point));
    case "binary":
      return applyBinary(e.op, e.dtype, evaluate(e.x, point), evaluate(e.y, point));
    case "compare":
      return applyCompare(e.op, evaluate(e.x, point), evaluate(e.y, point));
    case "select": {
      const [x, y] = [evaluate(e.x, point), evaluate(e.y, point)];
      return evaluate(e.condition, point) !== 0 ? x : y;
    }
    case "cast":
      return applyCast(e.x.dtype, e.dtype, evaluate(e.x, point));
    case "bounded": {
      const index = evaluate(e.x, point);
      if (index < -e.size || index >= e.size) throw new OutOfRange(point.kernel, index, e.size);
      return index < 0 ? index + e.size : index;
    }
  }
}

/** Calls `body` with every point of these loops, the last fastest. */
function forEachPoint(loops: readonly number[], body: (counters: readonly number[]) => void): void {
  const counters: number[] = [];
  const enter = (loop: number): void => {
    if (loop === loops.length) {
      body([...counters]);
      return;
    }
    for (counters[loop] = 0; counters[loop] < loops[loop]; counters[loop]++) enter(loop + 1);
    counters.length = loop;
  };
  enter(0);
}

/** With `row`, only the points whose first counters these are. */
function interpretLoops(
  kernel: LoopKernel,
  buffers: TypedArray[],
  number: number,
  row: readonly number[] = [],
): void {
  const outputs = kernel.loops.length - kernel.reducedLoops;
  const reducedLoops = kernel.loops.slice(outputs);
  forEachPoint(kernel.loops.slice(row.length, outputs), (within) => {
    const outer = [...row, ...within];
    const results = kernel.reductions.map(({ op, value }) => {
      let flat = 0;
      let best = -1;
      let result =
        op === "sum" ? 0 : value.dtype === "bool" ? 0 : value.dtype === "int32" ? -(2 ** 31) : -Infinity;
      forEachPoint(reducedLoops, (inner) => {
        const x = evaluate(value, { counters: [...outer, ...inner], buffers, reduced: [], kernel: number });
        // Sums in double: the tests' tolerance is for the order of float32 sums.
        if (op === "sum") result = value.dtype === "int32" ? (result + x) | 0 : result + x;
        else if (op === "max") result = Math.max(result, x);
        else if (best < 0 || x > result || (Number.isNaN(x) && !Number.isNaN(result))) {
          result = x;
          best = flat;
        }
        flat++;
      });
      return op === "argmax" ? Math.max(best, 0) : round(value.dtype, result);
    });
    // Loads in stores have a stride for the reduced loops, too: it is 0.
    const counters = [...outer, ...reducedLoops.map(() => 0)];
    runStores(kernel.stores, { counters, buffers, reduced: results, kernel: number });
  });
}

function interpretRows({ rows, parts }: RowsKernel, buffers: TypedArray[], number: number): void {
  forEachPoint(rows, (row) => {
    for (const part of parts) interpretLoops(part, buffers, number, row);
  });
}

function runStores(stores: readonly Store[], point: Point): void {
  const values = stores.map(({ value }) => evaluate(value, point));
  stores.forEach((store, i) => {
    const buffer = point.buffers[store.buffer];
    const at = store.at === undefined ? 0 : evaluate(store.at, point);
    const index = position(store.offset, store.strides, point, at);
    const old = element(buffer, index);
    buffer[index] =
      store.accumulate === true ? applyBinary("add", store.value.dtype, old, values[i]) : values[i];
  });
}

function interpretDot(kernel: DotKernel, buffers: TypedArray[], number: number): void {
  const { a, b, dtype } = kernel;
  const { batch, rows, columns, summed } = loopsOfDot(kernel);
  const outer = [...batch, ...rows, ...columns];
  const extents = (loops: readonly DotLoop[]): number[] => loops.map(({ extent }) => extent);
  const at = (loops: readonly DotLoop[], counters: readonly number[], which: "a" | "b"): number =>
    loops.reduce((sum, loop, i) => sum + loop[which] * counters[i], 0);
  forEachPoint(extents(outer), (counters) => {
    const startA = a.offset + at(outer, counters, "a");
    const startB = b.offset + at(outer, counters, "b");
    let sum = 0;
    forEachPoint(extents(summed), (steps) => {
      const x = element(buffers[a.buffer], startA + at(summed, steps, "a"));
      const y = element(buffers[b.buffer], startB + at(summed, steps, "b"));
      sum = dtype === "int32" ? (sum + Math.imul(x, y)) | 0 : sum + x * y;
    });
    runStores(kernel.stores, { counters, buffers, reduced: [round(dtype, sum)], kernel: number });
  });
}

function interpretCumsum(kernel: CumsumKernel, buffers: TypedArray[]): void {
  const { rows, length, inner, reverse, dtype } = kernel;
  forEachPoint([rows, inner], ([row, column]) => {
    let sum = 0;
    for (let step = 0; step < length; step++) {
      const place = reverse ? length - 1 - step : step;
      const index = (row * length + place) * inner + column;
      sum += buffers[kernel.input][index];
      buffers[kernel.output][index] = round(dtype, sum);
    }
  });
}

function interpretArgsort({ rows, length, input, output }: ArgsortKernel, buffers: TypedArray[]): void {
  for (let row = 0; row < rows; row++) {
    const keys = Array.from(buffers[input].subarray(row * length, (row + 1) * length));
    const rank = (x: number): number => (Number.isNaN(x) ? 1 : 0);
    const order = keys.map((_, i) => i);
    order.sort(
      (i, j) => rank(keys[i]) - rank(keys[j]) || (keys[i] < keys[j] ? -1 : Number(keys[i] > keys[j])),
    );
    buffers[output].set(order, row * length);
  }
}

function interpretRandomBits(kernel: RandomBitsKernel, buffers: TypedArray[]): void {
  const { keyCount, count, keys, output } = kernel;
  for (let key = 0; key < keyCount; key++)
    for (let word = 0; word < count; word++) {
      const block = threefry(buffers[keys][2 * key], buffers[keys][2 * key + 1], word >> 1, 0);
      buffers[output][key * count + word] = block[word % 2];
    }
}

/** threefry2x32-20 as its paper writes it. */
export function threefry(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const schedule = [key0, key1, key0 ^ key1 ^ 0x1bd11bda];
  const rotations = [13, 15, 26, 6, 17, 29, 16, 24];
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  for (let round = 0; round < 20; round++) {
    const distance = rotations[round % 8];
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << distance) | (x1 >>> (32 - distance))) ^ x0;
    if (round % 4 < 3) continue;
    const injection = (round + 1) / 4;
    x0 = (x0 + schedule[injection % 3]) | 0;
    x1 = (x1 + schedule[(injection + 1) % 3] + injection) | 0;
  }
  return [x0, x1];
}
