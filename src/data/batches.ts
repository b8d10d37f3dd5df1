/** Batches: a sequence that can be walked any number of times, computed as it is walked. */
import type { Tensor } from "../index.js";
import { checkCount, invalidArgument, isNatural } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";

/** Some examples as tensors. */
export interface Batch {
  /** [n, ...inputShape], float32 or float64. */
  readonly x: Tensor;
  /** [n, ...targetShape]; int32 labels for classification. */
  readonly y: Tensor;
}

/**
 * A sequence of batches, for `for … of` and `for await … of`; each walk starts anew.
 *
 * @example
 * const points = data.arrays([[0, 0], [0, 1], [1, 0]], [[0], [1], [1]]);
 * [...points.batch(2)].map(({ x }) => x.shape.join("×")); // → 2×2,1×2
 */
export class Batches<T> implements Iterable<T>, AsyncIterable<Awaited<T>> {
  /** The number of batches. */
  readonly length: number;
  private readonly at: (index: number) => T;

  /** @throws AdjointError `invalid-argument` */
  constructor(length: number, at: (index: number) => T) {
    checkCount(length, "Batches", "length");
    if (typeof at !== "function") throw invalidArgument("Batches", "at", "a function", formatReceived(at));
    this.length = length;
    this.at = at;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Awaited<T>> {
    for (let i = 0; i < this.length; i++) yield await this.at(i);
  }

  /** Applies `f` to every batch, when it is walked to; with an async `f`, walk by `for await`. */
  map<R>(f: (value: T, index: number) => R): Batches<R> {
    if (typeof f !== "function") throw invalidArgument("batches.map", "f", "a function", formatReceived(f));
    return new Batches(this.length, (i) => f(this.at(i), i));
  }

  /**
   * Keeps `k` batches under way beyond the one the caller works on, so that the waiting of an async `map` (for files, a
   * decoder, a worker) overlaps with that work. Batches come in their order.
   *
   * What computes without waiting is only done earlier, not beside: JavaScript has one thread. Batches of arrays in memory
   * gain nothing.
   * @throws AdjointError `invalid-argument` unless k is an integer of at least 1
   */
  prefetch(k: number): AsyncIterable<Awaited<T>> {
    if (!isNatural(k) || k === 0)
      throw invalidArgument("prefetch", "k", "an integer of at least 1", formatReceived(k));
    const { at, length } = this;
    return {
      async *[Symbol.asyncIterator]() {
        const ahead: Promise<Awaited<T>>[] = [];
        let next = 0;
        while (next < length || ahead.length > 0) {
          // the one that is asked for now, and k more
          while (next < length && ahead.length <= k) ahead.push(started(at, next++));
          const first = ahead.shift();
          if (first !== undefined) yield await first;
        }
      },
    };
  }
}

/** The value as a promise that may fail before anyone waits for it. */
function started<T>(at: (index: number) => T, index: number): Promise<Awaited<T>> {
  const promise = (async (): Promise<Awaited<T>> => await at(index))();
  promise.catch(() => {});
  return promise;
}
