/**
 * Random numbers as pure functions of a key: the same key gives the same numbers, on every backend, in any order. Split
 * a key to get independent ones; using one key twice gives the same numbers twice.
 */

import { shr } from "../primitives/binary.js";
import { cast } from "../primitives/select.js";
import { randomBits, threefry2x32 } from "../primitives/source.js";
import { fill } from "../primitives/support.js";
import { type DType, isFloating } from "../types/dtype.js";
import { checkShape, range, sizeOf } from "../types/shape.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { adopt, asTensor, fromNode, type TensorLike } from "./convert.js";
import { add, clip, cos, log, log1p, lt, mul, neg, sqrt } from "./elementwise.js";
import { argsort } from "./indexing.js";
import { reshape } from "./movement.js";
import { argmax, logSoftmax } from "./reductions.js";
import type { Tensor } from "./tensor.js";

/** How random numbers are drawn. */
export interface RandomOptions {
  /** Default []. */
  readonly shape?: readonly number[];
  /** float32 (default) or float64. */
  readonly dtype?: DType;
}

/** A key from a seed: any integer up to 2⁵³. @example random.key(7).shape; // → 2 */
function key(seed: number): Tensor {
  if (!Number.isSafeInteger(seed))
    throw new AdjointError(
      "invalid-argument",
      `random.key: seed must be an integer, received ${formatReceived(seed)}`,
      {
        operation: "random.key",
        argument: "seed",
        expected: "an integer",
        received: formatReceived(seed),
      },
    );
  return adopt(Int32Array.of(Math.floor(seed / 2 ** 32), seed | 0), [2], "int32");
}

function checkKey(value: Tensor, operation: string): Tensor {
  const x = asTensor(value, operation, "key");
  if (x.dtype !== "int32" || x.rank !== 1 || x.size !== 2)
    throw new AdjointError(
      "invalid-argument",
      `${operation}: key must be one from random.key or random.split, received ${x.dtype}${formatShape(x.shape)}`,
      { operation, argument: "key", expected: "int32[2]", received: `${x.dtype}${formatShape(x.shape)}` },
    );
  return x;
}

/** Independent keys from one (default 2), which is used up. @example random.split(random.key(0), 3).length; // → 3 */
function split(parent: Tensor, count = 2): Tensor[] {
  const bits = randomBits(checkKey(parent, "random.split"), [count, 2]);
  return range(count).map((i) => fromNode(bits).slice(i));
}

function floatOptions(options: RandomOptions, operation: string): { shape: number[]; dtype: DType } {
  const dtype = options.dtype ?? "float32";
  if (!isFloating(dtype))
    throw new AdjointError(
      "dtype-mismatch",
      `${operation}: dtype must be float32 or float64, received ${formatReceived(dtype)}`,
      {
        operation,
        argument: "dtype",
        expected: "float32 | float64",
        received: formatReceived(dtype),
      },
    );
  return { shape: checkShape(options.shape ?? [], operation), dtype };
}

/** Uniform in [0, 1): 24 random bits for float32, 53 for float64. */
function unit(source: Tensor, shape: readonly number[], dtype: DType): Tensor {
  if (dtype === "float32") {
    const bits = randomBits(source, shape);
    return fromNode(cast(shr(bits, fill(bits, 8)), dtype)).mul(2 ** -24);
  }
  const words = fromNode(randomBits(source, [2, sizeOf(shape)]));
  const high = fromNode(cast(shr(words.slice(0), fill(words.slice(0), 5)), dtype));
  const low = fromNode(cast(shr(words.slice(1), fill(words.slice(1), 6)), dtype));
  return reshape(
    high
      .mul(2 ** 26)
      .add(low)
      .mul(2 ** -53),
    shape,
  );
}

/**
 * Uniform in [low, high), default [0, 1).
 * @example random.uniform(random.key(0), { shape: [3] }).shape; // → 3
 */
function uniform(source: Tensor, options: RandomOptions & { low?: number; high?: number } = {}): Tensor {
  const { shape, dtype } = floatOptions(options, "random.uniform");
  const { low = 0, high = 1 } = options;
  const value = unit(checkKey(source, "random.uniform"), shape, dtype);
  return low === 0 && high === 1 ? value : value.mul(high - low).add(low);
}

/**
 * Normal with the given mean and standard deviation, default 0 and 1 (Box–Muller).
 * @example random.normal(random.key(0), { shape: [3] }).shape; // → 3
 */
function normal(source: Tensor, options: RandomOptions & { mean?: number; std?: number } = {}): Tensor {
  const { shape, dtype } = floatOptions(options, "random.normal");
  const uniforms = unit(checkKey(source, "random.normal"), [2, sizeOf(shape)], dtype);
  // 1 − u is in (0, 1]: its logarithm is finite
  const radius = sqrt(mul(-2, log1p(neg(uniforms.slice(0)))));
  const angle = uniforms.slice(1).mul(2 * Math.PI);
  const value = reshape(mul(radius, cos(angle)), shape);
  const { mean = 0, std = 1 } = options;
  return mean === 0 && std === 1 ? value : add(mul(value, std), mean);
}

/** true with probability p (default ½; a tensor p broadcasts to the shape). @example random.bernoulli(random.key(0), 1).item(); // → 1 */
function bernoulli(source: Tensor, p: TensorLike = 0.5, options: { shape?: readonly number[] } = {}): Tensor {
  const probability = asTensor(p, "random.bernoulli", "p");
  const shape = options.shape ?? probability.shape;
  return lt(uniform(source, { shape, dtype: "float32" }), probability);
}

/**
 * An int32 class for each row of logits […, classes], with probability softmax(logits).
 * @example random.categorical(random.key(0), tensor([[0, -Infinity]])).array(); // → 0
 */
function categorical(source: Tensor, logits: TensorLike): Tensor {
  const scores = logSoftmax(asTensor(logits, "random.categorical", "logits"));
  // the Gumbel trick: the largest of score − log(−log u) is distributed as asked
  const u = clip(uniform(source, { shape: scores.shape, dtype: scores.dtype }), 2 ** -25);
  return argmax(add(scores, neg(log(neg(log(u))))), -1);
}

/**
 * 0 … n − 1 in random order (int32), or the rows of a tensor shuffled.
 * @example random.permutation(random.key(1), 4).sort().array(); // → 0,1,2,3
 */
function permutation(source: Tensor, n: number | Tensor): Tensor {
  const count = typeof n === "number" ? n : (n.shape[0] ?? 0);
  const [length] = checkShape([count], "random.permutation");
  // random words in random order; the sort is stable, and equal words are rare enough (n² / 2³³) not to show
  const order = argsort(fromNode(randomBits(checkKey(source, "random.permutation"), [length])));
  return typeof n === "number" ? order : n.take(order);
}

/** Random numbers as pure functions of a key. */
export const random = { key, split, next, uniform, normal, bernoulli, categorical, permutation };

let defaultKey: [number, number] = [0, 0];
let drawn = 0;

/**
 * Restarts the sequence of default keys that layers draw from when they are given none.
 * @example setSeed(1);
 */
export function setSeed(seed: number): void {
  const words = key(seed).dataSync();
  defaultKey = [words[0], words[1]];
  drawn = 0;
}

/**
 * The next key of the default sequence that `setSeed` restarts: what layers use when they are given none.
 * @example random.next().shape; // → 2
 */
function next(): Tensor {
  const [first, second] = threefry2x32(defaultKey[0], defaultKey[1], drawn++, 1);
  return adopt(Int32Array.of(first, second), [2], "int32");
}
