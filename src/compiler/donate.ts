/**
 * donate: pairs outputs with inputs the caller gives up, so that state stays where it is from call to call.
 *
 * Requires: lowered kernels. Guarantees: each pair's output ends in its input's buffer: written there directly where every
 * reader of the old contents has run or reads the very element being replaced, copied there by a last kernel otherwise.
 */

import { expressionsUnder, type LoadExpr, rewriter } from "../loops/expr.js";
import type { Expr, Kernel, LoopKernel, MatrixView, RowsKernel, Store } from "../loops/ir.js";
import { buffersOf, isNest, mapNest, mayStop, type Nest, outputsOf, pointsOf, rootsOf } from "./kernels.js";
import type { Lowered } from "./lower.js";
import { mapControl } from "./nested.js";
import { KernelOrder } from "./order.js";
import { readsOwnRow } from "./rows.js";

export interface Donation {
  readonly lowered: Lowered;
  /** For each graph output the graph input whose memory holds it after a run, or −1. */
  readonly inputOfOutput: readonly number[];
  readonly resident: ReadonlySet<number>;
}

export function donate(lowered: Lowered, donated: readonly boolean[]): Donation {
  const { inputs } = lowered;
  const inputOfOutput = pairUp(lowered, donated);
  const resident = new Set(inputOfOutput.filter((i) => i >= 0).map((i) => inputs[i]));
  return { lowered: writeInPlace(lowered, inputOfOutput), inputOfOutput, resident };
}

/** The same kernels, which leave each output in the buffer of its input; `inputOfOutput` is −1 for one that has none. */
export function writeInPlace(lowered: Lowered, inputOfOutput: readonly number[]): Lowered {
  const { buffers, inputs } = lowered;
  const kernels = updatesEarly(lowered, inputOfOutput);
  const uses = new Uses(kernels);
  const outputs = [...lowered.outputs];
  const copies: Kernel[] = [];
  const renamed = new Map<number, number>();
  inputOfOutput.forEach((input, o) => {
    if (input < 0) return;
    const from = outputs[o];
    const to = inputs[input];
    outputs[o] = to;
    if (from === to) return;
    if (canReplace(uses, from, to)) renamed.set(from, to);
    else {
      const { dtype, length } = buffers[from];
      const value: Expr = { kind: "load", dtype, buffer: from, offset: 0, strides: [1] };
      copies.push({
        kind: "loops",
        name: "keep",
        loops: [length],
        reducedLoops: 0,
        reductions: [],
        stores: [{ buffer: to, offset: 0, strides: [1], value }],
      });
    }
  });
  const rename = renamer(renamed);
  return {
    ...lowered,
    kernels: [...kernels.map(rename), ...copies],
    outputs: outputs.map((buffer) => renamed.get(buffer) ?? buffer),
  };
}

/** For each output the donated input it takes the place of, or −1. */
function pairUp({ buffers, inputs, outputs }: Lowered, donated: readonly boolean[]): number[] {
  const inputOfOutput = outputs.map(() => -1);
  const given = new Set(inputs);
  const times = new Map<number, number>();
  for (const output of outputs) times.set(output, (times.get(output) ?? 0) + 1);
  inputs.forEach((input, i) => {
    if (donated[i] !== true) return;
    const partner = outputs.findIndex((output, o) => {
      if (inputOfOutput[o] >= 0 || buffers[output].constant !== undefined) return false;
      // an input that is itself an output must still hold its old contents at the end
      const isOther = output !== input && (given.has(output) || times.has(input));
      return (
        !isOther &&
        times.get(output) === 1 &&
        buffers[output].dtype === buffers[input].dtype &&
        buffers[output].length === buffers[input].length
      );
    });
    if (partner >= 0) inputOfOutput[partner] = i;
  });
  return inputOfOutput;
}

/**
 * Kernels that do nothing but update state run as soon as what they need is there and the old state is not needed any more:
 * right after the gradient is known, while it is in the cache, and its parts need not be kept until the end.
 */
function updatesEarly(
  { kernels, inputs, outputs }: Lowered,
  inputOfOutput: readonly number[],
): readonly Kernel[] {
  const oldOf = new Map<number, number>();
  inputOfOutput.forEach((input, o) => {
    if (input >= 0) oldOf.set(outputs[o], inputs[input]);
  });
  const order = new KernelOrder();
  const places: Kernel[][] = [];
  // a run that stops there must not have changed anything
  let lastStop = -1;
  for (const kernel of kernels) {
    const written = [...outputsOf(kernel)];
    let place = places.length;
    if (written.every((buffer) => oldOf.has(buffer))) {
      const replaced = written.map((buffer) => oldOf.get(buffer) ?? buffer);
      place = Math.max(lastStop, order.earliest(kernel), ...replaced.map((buffer) => order.lastUse(buffer)));
    }
    // after all that is at its place, or in front of everything
    const there = places[Math.max(0, place)];
    if (there === undefined) places.push([kernel]);
    else there.push(kernel);
    order.put(kernel, Math.max(0, place));
    if (mayStop(kernel)) lastStop = Math.max(0, place);
  }
  return places.flat();
}

/** Which kernels write a buffer, and which is the last to use it. */
class Uses {
  private readonly writers = new Map<number, Kernel[]>();
  private readonly last = new Map<number, Kernel>();
  private readonly places: ReadonlyMap<Kernel, number>;

  constructor(kernels: readonly Kernel[]) {
    for (const kernel of kernels) {
      for (const buffer of buffersOf(kernel)) this.last.set(buffer, kernel);
      for (const buffer of outputsOf(kernel))
        this.writers.set(buffer, [...(this.writers.get(buffer) ?? []), kernel]);
    }
    this.places = new Map(kernels.map((kernel, place) => [kernel, place]));
  }

  writersOf(buffer: number): readonly Kernel[] {
    return this.writers.get(buffer) ?? [];
  }

  /** Is the buffer used by no kernel after this one? */
  endsBy(buffer: number, kernel: Kernel): boolean {
    const last = this.last.get(buffer);
    return last === undefined || (this.places.get(last) ?? 0) <= (this.places.get(kernel) ?? 0);
  }
}

/** May the kernel that writes `from` write into `to`, the buffer of an input, instead? */
function canReplace(uses: Uses, from: number, to: number): boolean {
  const writers = uses.writersOf(from);
  const [writer] = writers;
  if (writers.length !== 1 || uses.writersOf(to).length > 0 || !uses.endsBy(to, writer)) return false;
  if (writer.kind === "rows") return canReplaceInRows(writer, from, to);
  return isNest(writer) && canReplaceInNest(writer, from, to);
}

function canReplaceInNest(writer: Nest, from: number, to: number): boolean {
  const stores = writer.stores.filter(({ buffer }) => buffer === from);
  const [store] = stores;
  if (stores.length !== 1 || store.accumulate === true || store.at !== undefined) return false;
  // what is multiplied or reduced is read more than once: the old contents must not be among it
  if (writer.kind === "dot") {
    if (writer.a.buffer === to || writer.b.buffer === to) return false;
  } else if (loadsOf(writer.reductions.map(({ value }) => value)).some(({ buffer }) => buffer === to))
    return false;
  // all values of a point are there before any is stored: whatever reads the old contents must do so where they are replaced
  const points = pointsOf(writer);
  return loadsOf(rootsOf(writer)).every(
    (load) =>
      load.buffer !== to ||
      (load.at === undefined &&
        load.offset === store.offset &&
        points.every((extent, loop) => extent === 1 || store.strides[loop] === load.strides[loop])),
  );
}

/** Parts before the one that writes may read the old contents of their own row; those after it may not. */
function canReplaceInRows({ rows, parts }: RowsKernel, from: number, to: number): boolean {
  const writing = parts.findIndex((part) => outputsOf(part).has(from));
  const writer = parts[writing];
  if (!canReplaceInNest(writer, from, to)) return false;
  const [store] = writer.stores.filter(({ buffer }) => buffer === from);
  return parts.every((part, i) => {
    if (i === writing) return true;
    const loads = loadsOf(rootsOf(part)).filter(({ buffer }) => buffer === to);
    if (i > writing) return loads.length === 0;
    return loads.every(
      (load) =>
        load.at === undefined &&
        store.offset === 0 &&
        readsOwnRow(load, part.loops, store, pointsOf(writer), rows.length),
    );
  });
}

function loadsOf(roots: readonly Expr[]): LoadExpr[] {
  return [...expressionsUnder(roots)].filter((expr) => expr.kind === "load");
}

/** A function that gives kernels their buffers' new names. */
export function renamer(names: ReadonlyMap<number, number>): (kernel: Kernel) => Kernel {
  const name = (buffer: number): number => names.get(buffer) ?? buffer;
  const inExpr = rewriter((expr) => (expr.kind === "load" ? { ...expr, buffer: name(expr.buffer) } : expr));
  const inStore = (store: Store): Store => ({ ...store, buffer: name(store.buffer) });
  const inLoops = (loops: LoopKernel): LoopKernel => ({
    ...mapNest(loops, inExpr, inStore),
    ...(loops.after === undefined ? {} : { after: loops.after.map(name) }),
  });
  const view = (matrix: MatrixView): MatrixView => ({ ...matrix, buffer: name(matrix.buffer) });
  const inKernel = (kernel: Kernel): Kernel => {
    switch (kernel.kind) {
      case "scan":
      case "cond":
      case "while":
        return mapControl(kernel, (kernels) => kernels.map(inKernel), name);
      case "loops":
        return inLoops(kernel);
      case "rows":
        return { ...kernel, parts: kernel.parts.map(inLoops) };
      case "dot":
        return { ...mapNest(kernel, inExpr, inStore), a: view(kernel.a), b: view(kernel.b) };
      case "cumsum":
      case "argsort":
      case "factor":
        return { ...kernel, input: name(kernel.input), output: name(kernel.output) };
      case "substitute":
        return {
          ...kernel,
          factors: name(kernel.factors),
          input: name(kernel.input),
          output: name(kernel.output),
        };
      case "randomBits":
        return { ...kernel, keys: name(kernel.keys), output: name(kernel.output) };
    }
  };
  return inKernel;
}
