/**
 * memory: gives every buffer an address. Constants and resident state live in the static space; the rest share one arena,
 * where buffers whose lives do not overlap may lie on top of each other.
 *
 * Requires: kernels in order, those of scans, choices and loops inside them. Guarantees: addresses are multiples of 64; two arena buffers that are alive at the same
 * time do not overlap; inputs are alive before the first kernel, outputs after the last.
 */

import type { BufferPlan, Kernel, Schedule } from "../loops/ir.js";
import { bytesPerElement } from "../types/dtype.js";
import { lifetimesOf } from "./lifetimes.js";
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

export function planMemory({ buffers, kernels, inputs, outputs, resident }: MemoryRequest): Schedule {
  const { first, last } = lifetimesOf(buffers.length, kernels, inputs, outputs);

  const plans = new Array<BufferPlan>(buffers.length);
  let staticBytes = 0;
  const transient: number[] = [];
  buffers.forEach(({ dtype, length, constant }, buffer) => {
    if (constant !== undefined || resident.has(buffer)) {
      plans[buffer] = { dtype, length, space: "static", address: staticBytes };
      staticBytes += aligned(length * bytesPerElement(dtype));
    } else if (first[buffer] > last[buffer]) {
      // nobody uses it, as what was written to it is written elsewhere now: it needs no memory
      plans[buffer] = { dtype, length: 0, space: "arena", address: 0 };
    } else transient.push(buffer);
  });

  // largest first, each at the lowest address free for its whole life
  const sizeIn = (buffer: number): number =>
    aligned(buffers[buffer].length * bytesPerElement(buffers[buffer].dtype));
  let arenaBytes = 0;
  const placed = new Neighbours(first, last);
  for (const buffer of transient.sort((a, b) => sizeIn(b) - sizeIn(a) || first[a] - first[b])) {
    const size = sizeIn(buffer);
    const neighbours = placed.overlapping(buffer).sort((a, b) => plans[a].address - plans[b].address);
    let address = 0;
    for (const other of neighbours) {
      if (plans[other].address >= address + size) break;
      address = Math.max(address, plans[other].address + sizeIn(other));
    }
    plans[buffer] = { dtype: buffers[buffer].dtype, length: buffers[buffer].length, space: "arena", address };
    placed.add(buffer);
    arenaBytes = Math.max(arenaBytes, address + size);
  }
  return { buffers: plans, kernels, staticBytes, arenaBytes };
}

/** Buffers by when they are alive: time in spans of so many kernels, so that the short-lived meet only few others. */
const kernelsPerSpan = 32;

class Neighbours {
  private readonly first: readonly number[];
  private readonly last: readonly number[];
  private readonly spans: number[][] = [];

  constructor(first: readonly number[], last: readonly number[]) {
    this.first = first;
    this.last = last;
  }

  add(buffer: number): void {
    for (const span of this.spansOf(buffer)) span.push(buffer);
  }

  /** Those added whose lives overlap. */
  overlapping(buffer: number): number[] {
    const found = new Set<number>();
    for (const span of this.spansOf(buffer))
      for (const other of span)
        if (this.first[other] <= this.last[buffer] && this.first[buffer] <= this.last[other])
          found.add(other);
    return [...found];
  }

  private spansOf(buffer: number): number[][] {
    const spanOf = (kernel: number): number => Math.floor((kernel + 1) / kernelsPerSpan);
    const spans: number[][] = [];
    for (let span = spanOf(this.first[buffer]); span <= spanOf(this.last[buffer]); span++) {
      this.spans[span] ??= [];
      spans.push(this.spans[span]);
    }
    return spans;
  }
}
