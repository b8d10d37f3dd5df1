/**
 * donate: pairs outputs with inputs the caller gives up, so that state stays where it is from call to call.
 *
 * Requires: lowered kernels. Guarantees: each pair's output ends in its input's buffer: written there directly where every
 * reader of the old contents has run or reads the very element being replaced, copied there by a last kernel otherwise.
 */

import { type LoadExpr, mapLoads } from "../loops/expr.js";
import type { Expr, Kernel } from "../loops/ir.js";
import type { Lowered } from "./lower.js";
import { buffersOf } from "./memory.js";

export interface Donation {
  readonly lowered: Lowered;
  /** For each graph output the graph input whose memory holds it after a run, or −1. */
  readonly inputOfOutput: readonly number[];
  readonly resident: ReadonlySet<number>;
}

export function donate(lowered: Lowered, donated: readonly boolean[]): Donation {
  const inputOfOutput = lowered.outputs.map(() => -1);
  const { buffers } = lowered;
  lowered.inputs.forEach((input, i) => {
    if (donated[i] !== true) return;
    const partner = lowered.outputs.findIndex((output, o) => {
      if (inputOfOutput[o] >= 0 || buffers[output].constant !== undefined) return false;
      const twice = lowered.outputs.indexOf(output) !== lowered.outputs.lastIndexOf(output);
      const isOtherInput = lowered.inputs.includes(output) && output !== input;
      // an input that is itself an output must still hold its old contents at the end
      const isGivenBack = lowered.outputs.includes(input) && output !== input;
      return (
        !twice &&
        !isOtherInput &&
        !isGivenBack &&
        buffers[output].dtype === buffers[input].dtype &&
        buffers[output].length === buffers[input].length
      );
    });
    if (partner >= 0) inputOfOutput[partner] = i;
  });

  let kernels: Kernel[] = lowered.kernels;
  const outputs = [...lowered.outputs];
  const copies: Kernel[] = [];
  inputOfOutput.forEach((input, o) => {
    if (input < 0) return;
    const from = outputs[o];
    const to = lowered.inputs[input];
    outputs[o] = to;
    if (from === to) return;
    if (canReplace(kernels, from, to)) kernels = kernels.map((kernel) => renameBuffer(kernel, from, to));
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
  const resident = new Set(inputOfOutput.filter((i) => i >= 0).map((i) => lowered.inputs[i]));
  return { lowered: { ...lowered, kernels: [...kernels, ...copies], outputs }, inputOfOutput, resident };
}

/** May the kernel that writes `from` write into `to` instead? */
function canReplace(kernels: readonly Kernel[], from: number, to: number): boolean {
  const writers = kernels
    .filter((kernel) => kernel.kind === "loops" || kernel.kind === "dot")
    .filter((kernel) => writes(kernel, from));
  if (kernels.some((kernel) => kernel.kind !== "loops" && kernel.kind !== "dot" && writes(kernel, from)))
    return false;
  const [writer] = writers;
  if (writers.length !== 1 || writer.stores.length !== 1) return false;
  // what is multiplied or reduced is read more than once: the old contents must not be among it
  if (writer.kind === "dot") {
    if (writer.a.buffer === to || writer.b.buffer === to) return false;
  } else if (writer.reductions.some(({ value }) => loadsOf(value).some((load) => load.buffer === to)))
    return false;
  const at = kernels.indexOf(writer);
  // another donation may already have made `to` an output
  if (kernels.some((kernel) => writes(kernel, to))) return false;
  if (kernels.some((kernel, i) => i > at && buffersOf(kernel).has(to))) return false;
  const [store] = writer.stores;
  if (store.accumulate === true || store.at !== undefined) return false;
  return loadsOf(store.value).every(
    (load) =>
      load.buffer !== to ||
      (load.at === undefined &&
        load.offset === store.offset &&
        store.strides.every((stride, loop) => stride === load.strides[loop])),
  );
}

function writes(kernel: Kernel, buffer: number): boolean {
  if (kernel.kind === "loops" || kernel.kind === "dot")
    return kernel.stores.some((store) => store.buffer === buffer);
  return kernel.output === buffer;
}

function loadsOf(root: Expr): LoadExpr[] {
  const loads: LoadExpr[] = [];
  mapLoads(root, (load) => {
    loads.push(load);
    return load;
  });
  return loads;
}

function renameBuffer(kernel: Kernel, from: number, to: number): Kernel {
  const name = (buffer: number): number => (buffer === from ? to : buffer);
  const inExpr = (expr: Expr): Expr => mapLoads(expr, (load) => ({ ...load, buffer: name(load.buffer) }));
  const inStores = (stores: Extract<Kernel, { kind: "loops" }>["stores"]) =>
    stores.map((store) => ({
      ...store,
      buffer: name(store.buffer),
      value: inExpr(store.value),
      ...(store.at === undefined ? {} : { at: inExpr(store.at) }),
    }));
  switch (kernel.kind) {
    case "loops":
      return {
        ...kernel,
        reductions: kernel.reductions.map((reduction) => ({ ...reduction, value: inExpr(reduction.value) })),
        stores: inStores(kernel.stores),
      };
    case "dot":
      return {
        ...kernel,
        a: { ...kernel.a, buffer: name(kernel.a.buffer) },
        b: { ...kernel.b, buffer: name(kernel.b.buffer) },
        stores: inStores(kernel.stores),
      };
    case "cumsum":
    case "argsort":
      return { ...kernel, input: name(kernel.input), output: name(kernel.output) };
    case "randomBits":
      return { ...kernel, keys: name(kernel.keys), output: name(kernel.output) };
  }
}
