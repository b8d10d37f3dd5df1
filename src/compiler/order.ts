/**
 * Where a kernel may run at the earliest, while kernels are put into another order or into others. Kernels have places,
 * counted from 0; a kernel that joins another takes its place.
 */
import type { Kernel } from "../loops/ir.js";
import { buffersOf, outputsOf } from "./kernels.js";

export class KernelOrder {
  private readonly lastWriter = new Map<number, number>();
  private readonly lastUser = new Map<number, number>();

  /** The last place with a kernel that must not run after this one, or −1: the kernel may take that place only by joining what is there. */
  earliest(kernel: Kernel): number {
    let place = -1;
    for (const buffer of buffersOf(kernel)) place = Math.max(place, this.lastWriter.get(buffer) ?? -1);
    for (const buffer of outputsOf(kernel)) place = Math.max(place, this.lastUser.get(buffer) ?? -1);
    return place;
  }

  /** The last place with a kernel that uses a buffer, or −1. */
  lastUse(buffer: number): number {
    return this.lastUser.get(buffer) ?? -1;
  }

  /** Notes that this kernel, or a part of what is there, runs at `place`. */
  put(kernel: Kernel, place: number): void {
    const note = (places: Map<number, number>, buffer: number): void => {
      places.set(buffer, Math.max(places.get(buffer) ?? -1, place));
    };
    for (const buffer of buffersOf(kernel)) note(this.lastUser, buffer);
    for (const buffer of outputsOf(kernel)) note(this.lastWriter, buffer);
  }
}

/**
 * How far up a kernel may move to join another: what it makes lives that much longer, and one that recomputes what was forgotten on
 * purpose must not come next to where it was made first.
 */
const reach = 8;

export function nearby(place: number, end: number): boolean {
  return end - place <= reach;
}
