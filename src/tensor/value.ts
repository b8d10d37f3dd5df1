/** What a tensor is besides its operations: how its value is read, printed and given up. */
import { Node, readValue } from "../graph/node.js";
import type { DType, TypedArray } from "../types/dtype.js";
import { sizeOf } from "../types/shape.js";
import { AdjointError, formatShape } from "../util/errors.js";
import { formatTensor, nest } from "./format.js";

/** What `array()` gives: a number (or boolean) for rank 0, else nested arrays. */
export type Nested = number | boolean | Nested[];

/** A node whose value people read. */
export class TensorValue extends Node {
  get rank(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  // The readers are no async functions: a refusal is thrown at the user's line, not into a promise nobody awaits.

  /** A copy of the elements, row-major, in the typed array of the dtype (Uint8Array for bool). */
  data(): Promise<TypedArray> {
    return Promise.resolve(this.dataSync());
  }

  /** The elements as nested arrays; name the type where the rank is known: `array<number[][]>()`. */
  array<T = Nested>(): Promise<T> {
    return Promise.resolve(this.arraySync<T>());
  }

  /** The only element. */
  item(): Promise<number> {
    return Promise.resolve(this.itemSync());
  }

  /** `data()` at once; the devices of this version are all synchronous. */
  dataSync(): TypedArray {
    return readValue(this, "data").slice();
  }

  arraySync<T = Nested>(): T {
    // the nesting follows the rank, which the caller may know and types do not
    return nest(readValue(this, "array"), this.shape, this.dtype) as T;
  }

  /** @throws AdjointError `shape-mismatch` unless there is exactly one element */
  itemSync(): number {
    if (this.size !== 1)
      throw new AdjointError(
        "shape-mismatch",
        `item: expected a tensor with one element, received shape ${formatShape(this.shape)}; reduce it first, or use array()`,
        { operation: "item", expected: "one element", received: formatShape(this.shape) },
      );
    return readValue(this, "item")[0];
  }

  override toString(): string {
    // printing must not fail where reading does: people print to find out
    const missing = this.storage === null ? "abstract" : this.storage.gone;
    if (missing !== undefined) return `tensor(${missing}, shape ${formatShape(this.shape)}, ${this.dtype})`;
    return formatTensor(readValue(this), this.shape, this.dtype);
  }

  /** JavaScript's operators do not work on tensors: `x * 2` must be `x.mul(2)`. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return this.toString();
    throw new AdjointError(
      "invalid-argument",
      "a tensor cannot be used with JavaScript's operators; use methods (x.mul(2), x.gt(0)) or await x.item() for its number",
      { operation: "conversion to a primitive" },
    );
  }

  /** What JSON.stringify writes: shape, dtype and, where there is a value, the elements row-major (NaN as null, as in all JSON). */
  toJSON(): { shape: readonly number[]; dtype: DType; data?: number[] } {
    const { shape, dtype, storage } = this;
    if (storage === null || storage.gone !== undefined) return { shape, dtype };
    return { shape, dtype, data: Array.from(storage.read()) };
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /**
   * Says that the value is not needed again. Optional: memory is reclaimed without it. What it saves is the copy of a large
   * result of a compiled function that nobody reads (`using y = f(x)` disposes of y at the end of its block); such a result
   * cannot be read afterwards. Tensors that a transform still needs, and all others, stay readable.
   *
   * @example
   * const y = jit((x) => x.exp())(tensor([0, 1]));
   * y.dispose();
   * y.shape; // → 2
   */
  dispose(): void {
    this.storage?.dispose?.();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
