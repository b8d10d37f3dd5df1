/**
 * Random numbers as pure functions of a key: the same key gives the same bits, on every device, at once and compiled, in any order.
 * Split a key to get independent ones; using one key twice gives the same numbers twice.
 */

import { shr } from "../primitives/binary.js";
import { cast } from "../primitives/select.js";
import { iota, randomBits, threefry2x32 } from "../primitives/source.js";
import { fill } from "../primitives/support.js";
import { type DType, isFloating } from "../types/dtype.js";
import { broadcastShapes, checkShape, normalizeAxis, range, sameShape, sizeOf } from "../types/shape.js";
import { checkCount, checkFinite, checkOptionNames, invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { adopt, asFloat, asTensor, fromNode, isTensor, type TensorLike } from "./convert.js";
import { add, cast as castTo, clip, lt, mul, sqrt, sub } from "./elementwise.js";
import { exactCosineOfTurns, exactLog } from "./exact-functions.js";
import { argsort } from "./indexing.js";
import { reshape } from "./movement.js";
import { inOneProgram } from "./one-program.js";
import { argmax, max } from "./reductions.js";
import type { Tensor } from "./tensor.js";

/** What the random tensors have in common. */
export interface RandomOptions {
  /** Default []. */
  readonly shape?: readonly number[];
  /** float32 (default) or float64. */
  readonly dtype?: DType;
}

/** A key from a seed: any integer up to 2⁵³. @example random.key(7).shape; // → 2 */
function key(seed: number): Tensor {
  return keyOf(seed, "random.key");
}

function keyOf(seed: unknown, operation: string): Tensor {
  if (typeof seed !== "number" || !Number.isSafeInteger(seed))
    throw invalidArgument(operation, "seed", "an integer", formatReceived(seed));
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
  const source = checkKey(parent, "random.split");
  const bits = randomBits(
    source,
    checkShape([checkCount(count, "random.split", "count"), 2], "random.split"),
  );
  return range(count).map((i) => fromNode(bits).slice(i));
}

function floatOptions(
  options: RandomOptions,
  operation: string,
  further: readonly string[],
): { shape: number[]; dtype: DType } {
  checkOptionNames(options, ["shape", "dtype", ...further], operation);
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
  const operation = "random.uniform";
  const from = checkKey(source, operation);
  const { shape, dtype } = floatOptions(options, operation, ["low", "high"]);
  const low = checkFinite(options.low ?? 0, operation, "low");
  const high = checkFinite(options.high ?? 1, operation, "high");
  const value = unit(from, shape, dtype);
  return low === 0 && high === 1 ? value : value.mul(high - low).add(low);
}

/** Two by `pairs` independent standard normal numbers (Box & Muller 1958), in float64, as precise as `dtype` needs. */
function normalPairs(source: Tensor, pairs: number, dtype: DType): Tensor {
  const uniforms = unit(source, [2, pairs], dtype);
  // 1 − u is in (0, 1]: its logarithm is finite; √(−2 ln(1 − u)) is the radius of both numbers
  const radius = sqrt(mul(-2, fromNode(exactLog(sub(1, uniforms.slice(0))))));
  // the angles of a pair are three quarters of a turn apart
  const second = uniforms.slice(1).expandDims(0);
  const turns = sub(second, mul(fromNode(iota(2, dtype)).expandDims(1), 0.75));
  return mul(radius, fromNode(exactCosineOfTurns(turns)));
}

/** From so many pairs on, one program of all operations is worth its compilation (some 50 ms): 13 ns a number against 120. */
const pairsForProgram = 2 ** 18;

function manyNormalPairs(source: Tensor, pairs: number, dtype: DType): Tensor {
  const make = (from: Tensor): Tensor => normalPairs(from, pairs, dtype);
  return pairs < pairsForProgram ? make(source) : inOneProgram(`normal ${pairs} ${dtype}`, source, make);
}

/**
 * Normal with the given mean and standard deviation, default 0 and 1.
 * @example random.normal(random.key(0), { shape: [3] }).shape; // → 3
 */
function normal(source: Tensor, options: RandomOptions & { mean?: number; std?: number } = {}): Tensor {
  const operation = "random.normal";
  const from = checkKey(source, operation);
  const { shape, dtype } = floatOptions(options, operation, ["mean", "std"]);
  const mean = checkFinite(options.mean ?? 0, operation, "mean");
  const std = checkFinite(options.std ?? 1, operation, "std");
  const size = sizeOf(shape);
  const pairs = Math.ceil(size / 2);
  const numbers = manyNormalPairs(from, pairs, dtype).flatten();
  const value = castTo(reshape(size % 2 === 0 ? numbers : numbers.slice([0, size]), shape), dtype);
  return mean === 0 && std === 1 ? value : add(mul(value, std), mean);
}

/**
 * true with probability p (default ½; a tensor p broadcasts to the shape).
 * @throws AdjointError `invalid-argument` unless a number p is from 0 to 1, `shape-mismatch`
 * @example random.bernoulli(random.key(0), 1).array(); // → true
 */
function bernoulli(source: Tensor, p: TensorLike = 0.5, options: { shape?: readonly number[] } = {}): Tensor {
  const operation = "random.bernoulli";
  const from = checkKey(source, operation);
  if (typeof p === "number" && !(p >= 0 && p <= 1))
    throw invalidArgument(operation, "p", "from 0 to 1", String(p));
  const probability = asTensor(p, operation, "p");
  checkOptionNames(options, ["shape"], operation);
  const shape = checkShape(options.shape ?? probability.shape, operation);
  if (!sameShape(broadcastShapes(probability.shape, shape, operation), shape))
    throw new AdjointError(
      "shape-mismatch",
      `${operation}: p ${formatShape(probability.shape)} does not broadcast to shape ${formatShape(shape)}`,
      { operation, argument: "p", expected: formatShape(shape), received: formatShape(probability.shape) },
    );
  return lt(unit(from, shape, "float32"), probability);
}

/**
 * An int32 class for each row of logits […, classes], with probability softmax(logits).
 * @throws AdjointError `axis-out-of-range` for logits without an axis, `empty-reduction` without classes
 * @example random.categorical(random.key(0), tensor([[0, -Infinity]])).array(); // → 0
 */
function categorical(source: Tensor, logits: TensorLike): Tensor {
  const operation = "random.categorical";
  const from = checkKey(source, operation);
  const given = asTensor(logits, operation, "logits");
  const classes = given.shape[normalizeAxis(-1, given.shape, operation)];
  if (classes === 0)
    throw new AdjointError(
      "empty-reduction",
      `${operation}: logits ${formatShape(given.shape)} have no classes to choose from`,
      { operation, argument: "logits", expected: "at least one class", received: formatShape(given.shape) },
    );
  const x = asFloat(given, operation, "logits");
  const { dtype } = x;
  // less the largest, so that large logits do not swallow the noise; neither operation differs between devices
  const scores = sub(x, max(x, -1, { keepDims: true }));
  // the Gumbel trick: the largest of score − log(−log u) is distributed as asked; −log u is below 32
  const u = castTo(clip(unit(from, scores.shape, dtype), 2 ** -25), "float64");
  const logarithm = fromNode(exactLog(u, dtype));
  const noise = sub(-5 * Math.LN2, fromNode(exactLog(mul(logarithm, -1 / 32), dtype)));
  return argmax(add(scores, castTo(noise, dtype)), -1);
}

/**
 * 0 … n − 1 in random order (int32), or the rows of a tensor shuffled.
 * @throws AdjointError `invalid-argument`, `shape-mismatch` for a tensor of rank 0
 * @example random.permutation(random.key(1), 4).sort().array(); // → 0,1,2,3
 */
function permutation(source: Tensor, n: number | Tensor): Tensor {
  const operation = "random.permutation";
  const from = checkKey(source, operation);
  if (isTensor(n) && n.rank === 0)
    throw new AdjointError("shape-mismatch", `${operation}: n is a tensor of shape [], which has no rows`, {
      operation,
      argument: "n",
      expected: "rank 1 or more",
      received: "[]",
    });
  const length = isTensor(n) ? n.shape[0] : checkCount(n, operation, "n");
  // random words in random order; the sort is stable, and equal words are rare enough (n² / 2³³) not to show
  const order = argsort(fromNode(randomBits(from, [length])));
  return isTensor(n) ? n.take(order) : order;
}

/** Random numbers as pure functions of a key. @example random.uniform(random.key(0)).shape.length; // → 0 */
export const random = { key, split, next, uniform, normal, bernoulli, categorical, permutation };

let defaultKey: [number, number] = [0, 0];
let drawn = 0;

/**
 * Restarts the sequence of default keys that layers draw from when they are given none.
 * @example setSeed(1);
 */
export function setSeed(seed: number): void {
  const words = keyOf(seed, "setSeed").dataSync();
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
