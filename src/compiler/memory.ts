/**
 * memory: gives every buffer an address. Constants and resident state live in the static space; the rest share one arena,
 * where buffers whose lives do not overlap may lie on top of each other.
 *
 * Requires: kernels in order. Guarantees: addresses are multiples of 64; two arena buffers that are alive at the same
 * time do not overlap; inputs are alive before the first kernel, outputs after the last.
 */

import type { BufferPlan, Expr, Kernel, Schedule } from "../loops/ir.js";
import { bytesPerElement } from "../types/dtype.js";
import type { BufferSpec } from "./lower.js";

const alignment = 64;
const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

export interface MemoryRequest {
  readonly buffers: readonly BufferSpec[];
  readonly kernels: readonly Kernel[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Buffers that keep their contents from run to run. */
  readonly resident: ReadonlySet<number>;
}

/** Buffers a kernel reads or writes. */
export function buffersOf(kernel: Kernel): Set<number> {
  const used = new Set<number>();
  const seen = new Set<Expr>();
  const visit = (expr: Expr): void => {
    if (seen.has(expr)) return;
    seen.add(expr);
    if (expr.kind === "load") {
      used.add(expr.buffer);
      if (expr.at !== undefined) visit(expr.at);
    }
    for (const key of ["x", "y", "condition"] as const) {
      const child = (expr as { [K in typeof key]?: Expr })[key];
      if (child !== undefined) visit(child);
    }
  };
  switch (kernel.kind) {
    case "loops":
      for (const reduction of kernel.reductions) visit(reduction.value);
      break;
    case "dot":
      used.add(kernel.a.buffer);
      used.add(kernel.b.buffer);
      break;
    case "cumsum":
    case "argsort":
      return new Set([kernel.input, kernel.output]);
    case "randomBits":
      return new Set([kernel.keys, kernel.output]);
  }
  for (const store of kernel.stores) {
    used.add(store.buffer);
    visit(store.value);
    if (store.at !== undefined) visit(store.at);
  }
  return used;
}

/** Buffers a kernel writes. */
export function outputsOf(kernel: Kernel): Set<number> {
  if (kernel.kind === "loops" || kernel.kind === "dot")
    return new Set(kernel.stores.map((store) => store.buffer));
  return new Set([kernel.output]);
}

export function planMemory({ buffers, kernels, inputs, outputs, resident }: MemoryRequest): Schedule {
  const first = new Array<number>(buffers.length).fill(Number.POSITIVE_INFINITY);
  const last = new Array<number>(buffers.length).fill(Number.NEGATIVE_INFINITY);
  const touch = (buffer: number, at: number): void => {
    first[buffer] = Math.min(first[buffer], at);
    last[buffer] = Math.max(last[buffer], at);
  };
  kernels.forEach((kernel, at) => {
    for (const buffer of buffersOf(kernel)) touch(buffer, at);
  });
  for (const buffer of inputs) touch(buffer, -1);
  for (const buffer of outputs) touch(buffer, kernels.length);

  const plans = new Array<BufferPlan>(buffers.length);
  let staticBytes = 0;
  const transient: number[] = [];
  buffers.forEach(({ dtype, length, constant }, buffer) => {
    if (constant !== undefined || resident.has(buffer)) {
      plans[buffer] = { dtype, length, space: "static", address: staticBytes };
      staticBytes += aligned(length * bytesPerElement(dtype));
    } else transient.push(buffer);
  });

  // largest first, each at the lowest address free for its whole life
  const sizeIn = (buffer: number): number =>
    aligned(buffers[buffer].length * bytesPerElement(buffers[buffer].dtype));
  let arenaBytes = 0;
  const placed: number[] = [];
  for (const buffer of transient.sort((a, b) => sizeIn(b) - sizeIn(a) || first[a] - first[b])) {
    const size = sizeIn(buffer);
    const neighbours = placed
      .filter((other) => first[other] <= last[buffer] && first[buffer] <= last[other])
      .sort((a, b) => plans[a].address - plans[b].address);
    let address = 0;
    for (const other of neighbours) {
      if (plans[other].address >= address + size) break;
      address = Math.max(address, plans[other].address + sizeIn(other));
    }
    plans[buffer] = { dtype: buffers[buffer].dtype, length: buffers[buffer].length, space: "arena", address };
    placed.push(buffer);
    arenaBytes = Math.max(arenaBytes, address + size);
  }
  return { buffers: plans, kernels, staticBytes, arenaBytes };
}
