/**
 * memory: gives every buffer an address. Constants and resident state live in the static space; the rest share one arena,
 * where buffers whose lives do not overlap may lie on top of each other.
 *
 * Requires: kernels in order, those of scans, choices and loops inside them. Guarantees: addresses are multiples of 64; two arena
 * buffers that are alive at the same time do not overlap; inputs are alive before the first kernel, outputs after the last.
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
  const placed = new Placed(transient.length);
  for (const buffer of transient.sort((a, b) => sizeIn(b) - sizeIn(a) || first[a] - first[b])) {
    const size = sizeIn(buffer);
    const address = placed.place(size, first[buffer], last[buffer]);
    plans[buffer] = { dtype: buffers[buffer].dtype, length: buffers[buffer].length, space: "arena", address };
    arenaBytes = Math.max(arenaBytes, address + size);
  }
  return { buffers: plans, kernels, staticBytes, arenaBytes };
}

/**
 * Buffers that have an address, by their addresses. Finding the next place looks at those below it, in flat arrays: programs whose
 * thousands of values are all alive at once take milliseconds.
 */
class Placed {
  private count = 0;
  private readonly starts: Float64Array;
  private readonly ends: Float64Array;
  private readonly first: Float64Array;
  private readonly last: Float64Array;

  constructor(most: number) {
    [this.starts, this.ends, this.first, this.last] = [most, most, most, most].map(
      (length) => new Float64Array(length),
    );
  }

  /** Takes the lowest address with so many bytes that nobody uses from `first` to `last`. */
  place(size: number, first: number, last: number): number {
    let address = 0;
    for (let i = 0; i < this.count && this.starts[i] < address + size; i++)
      if (this.first[i] <= last && first <= this.last[i]) address = Math.max(address, this.ends[i]);
    this.insert(address, size, first, last);
    return address;
  }

  private insert(start: number, size: number, first: number, last: number): void {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.starts[middle] < start) low = middle + 1;
      else high = middle;
    }
    const values = [start, start + size, first, last];
    [this.starts, this.ends, this.first, this.last].forEach((list, i) => {
      list.copyWithin(low + 1, low, this.count);
      list[low] = values[i];
    });
    this.count++;
  }
}
