/** Rows of a table for integers. */
import { type DType, isTensor, random, type Tensor, take } from "../index.js";
import { invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import { checkFloatDtype, checkInit, checkInitFunction, checkLayerOptions, checkSize } from "./arguments.js";
import { type Init, normal } from "./init.js";
import type { Module } from "./module.js";

/** How an Embedding starts. */
export interface EmbeddingOptions {
  /** The random key the table is drawn from. Default: the next of the sequence that `setSeed` restarts. */
  readonly key?: Tensor;
  /** How the table starts. Default `init.normal`: mean 0, variance 1, as PyTorch. */
  readonly init?: Init;
  /** float32 (default) or float64. */
  readonly dtype?: DType;
}

/**
 * A table with a learned vector for each of `count` integers: the words of a vocabulary, say. `weight` is [count,
 * features].
 *
 * @example
 * const layer = new nn.Embedding(10, 4);
 * layer.forward(tensor([[1, 2, 9]], { dtype: "int32" })).shape; // → 1,3,4
 */
export class Embedding implements Module {
  /** [count, features] */
  readonly weight: Tensor;

  /** @throws AdjointError `invalid-argument`, `shape-mismatch` for an init that gives another shape */
  constructor(count: number, features: number, options: EmbeddingOptions = {}) {
    const shape = [checkSize(count, "Embedding", "count"), checkSize(features, "Embedding", "features")];
    checkLayerOptions(options, ["key", "init", "dtype"] satisfies (keyof EmbeddingOptions)[], "Embedding");
    const { init = normal } = options;
    checkInitFunction(init, "Embedding");
    const dtype = checkFloatDtype(options.dtype, "Embedding");
    this.weight = checkInit(init(options.key ?? random.next(), shape, dtype), shape, "Embedding");
  }

  /**
   * @param x int32 [batch…]: rows of the table
   * @returns [batch…, features]
   * @throws AdjointError `dtype-mismatch` for other numbers, `index-out-of-range`
   */
  forward(x: Tensor): Tensor {
    if (!isTensor(x)) throw invalidArgument("Embedding", "x", "a tensor of int32", formatReceived(x));
    if (x.dtype !== "int32")
      throw new AdjointError(
        "dtype-mismatch",
        `Embedding: x must be int32, the rows of the table, received ${x.dtype}; convert it with x.cast("int32")`,
        { operation: "Embedding", argument: "x", expected: "int32", received: x.dtype },
      );
    return take(this.weight, x, 0);
  }

  /** `Embedding(10 × 4)`: what a summary calls it, and what Node prints. */
  toString(): string {
    return `Embedding(${this.weight.shape.join(" × ")})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
