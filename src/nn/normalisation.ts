/** Layers that normalise each example by itself: they are the same in training and after it, and keep no statistics. */
import { type DType, mean, ones, rsqrt, type Tensor, zeros } from "../index.js";
import { invalidArgument, isList, isNatural } from "../util/checks.js";
import { formatList, formatShape } from "../util/errors.js";
import {
  checkFlag,
  checkFloatDtype,
  checkLayerOptions,
  checkPositive,
  checkSize,
  refuseShape,
} from "./arguments.js";
import { checkInput } from "./input.js";
import type { Module } from "./module.js";

/** How a normalisation goes. */
export interface NormOptions {
  /** ε: added to the variance under the root, above 0. Default 1e-5. */
  readonly epsilon?: number;
  /** Whether every feature has a weight and a bias of its own, which start as 1 and 0. Default true. */
  readonly affine?: boolean;
  /** Whether there is a bias beside the weight. Default true. */
  readonly bias?: boolean;
  /** Of weight and bias: float32 (default) or float64. */
  readonly dtype?: DType;
}

const normOptionNames = [
  "epsilon",
  "affine",
  "bias",
  "dtype",
] as const satisfies readonly (keyof NormOptions)[];

/** Weight and bias as they start, and ε. */
export function startNorm(shape: readonly number[], options: NormOptions, name: string) {
  const { epsilon = 1e-5, affine = true, bias = true } = options;
  checkPositive(epsilon, name, "epsilon");
  checkFlag(affine, name, "affine");
  checkFlag(bias, name, "bias");
  const dtype = checkFloatDtype(options.dtype, name);
  return {
    epsilon,
    weight: affine ? ones(shape, { dtype }) : null,
    bias: affine && bias ? zeros(shape, { dtype }) : null,
  };
}

/** (x − mean) / √(variance + ε) over some axes; the variance is that of the numbers themselves (ddof 0). */
export function standardise(x: Tensor, axes: readonly number[], epsilon: number): Tensor {
  const centred = x.sub(mean(x, [...axes], { keepDims: true }));
  const variance = mean(centred.mul(centred), [...axes], { keepDims: true });
  return centred.mul(rsqrt(variance.add(epsilon)));
}

/** x · weight + bias, with either left out where it is null. */
export function affine(x: Tensor, weight: Tensor | null, bias: Tensor | null): Tensor {
  const scaled = weight === null ? x : x.mul(weight);
  return bias === null ? scaled : scaled.add(bias);
}

/** A per-channel tensor [channels] beside x [batch, channels, …]. */
export function perChannel(values: Tensor | null, x: Tensor): Tensor | null {
  return values === null ? null : values.reshape([values.size, ...x.shape.slice(2).map(() => 1)]);
}

/** The extents the last axes of an input must have, checked. */
function checkExtents(shape: unknown, name: string): number[] {
  const list = typeof shape === "number" ? [shape] : shape;
  if (isList(list, isNatural) && list.length > 0 && list.every((extent) => extent > 0)) return [...list];
  throw invalidArgument(
    name,
    "shape",
    "the extents of the last axes, such as 64 or [8, 8]",
    formatList(shape),
  );
}

/** The last axes of x, which must have these extents. */
function lastAxes(x: Tensor, shape: readonly number[], name: string): number[] {
  checkInput(x, name);
  const lead = x.rank - shape.length;
  if (lead < 0 || formatShape(x.shape.slice(lead)) !== formatShape(shape))
    throw refuseShape(name, `[batch…, ${shape.join(", ")}]`, x);
  return shape.map((_, i) => lead + i);
}

/**
 * Layer normalisation (Ba, Kiros and Hinton 2016): every example is brought to mean 0 and variance 1 over its last
 * axes, then y = x̂ · weight + bias. `weight` and `bias` have the extents given, or are null.
 *
 * @example
 * const y = new nn.LayerNorm(2).forward(tensor([[1, 3], [10, 20]]));
 * y.round().array(); // → -1,1,-1,1
 */
export class LayerNorm implements Module {
  /** The extents of the last axes, or null where there is none */
  readonly weight: Tensor | null;
  /** As the weight */
  readonly bias: Tensor | null;
  /** The extents of the axes that are normalised. */
  readonly shape: readonly number[];
  /** Added to the variance. */
  readonly epsilon: number;

  /**
   * @param shape the extents of the last axes, or the extent of the last
   * @throws AdjointError `invalid-argument`
   */
  constructor(shape: number | readonly number[], options: NormOptions = {}) {
    checkLayerOptions(options, normOptionNames, "LayerNorm");
    this.shape = checkExtents(shape, "LayerNorm");
    const { weight, bias, epsilon } = startNorm(this.shape, options, "LayerNorm");
    this.weight = weight;
    this.bias = bias;
    this.epsilon = epsilon;
  }

  /**
   * @param x [batch…, …shape]
   * @returns the same shape
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor
   */
  forward(x: Tensor): Tensor {
    const axes = lastAxes(x, this.shape, "LayerNorm");
    return affine(standardise(x, axes, this.epsilon), this.weight, this.bias);
  }

  /** `LayerNorm(64)`: what a summary calls it, and what Node prints. */
  toString(): string {
    return `LayerNorm(${this.shape.join(", ")})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/**
 * Group normalisation (Wu and He 2018): the channels of every example are brought to mean 0 and variance 1 group by
 * group, then scaled and shifted channel by channel. `weight` and `bias` are [channels], or null.
 *
 * @example new nn.GroupNorm(2, 4).forward(ones([5, 4, 8, 8])).shape; // → 5,4,8,8
 */
export class GroupNorm implements Module {
  /** [channels], or null without one */
  readonly weight: Tensor | null;
  /** [channels], or null without one */
  readonly bias: Tensor | null;
  /** How many groups the channels are in. */
  readonly groups: number;
  /** How many there are. */
  readonly channels: number;
  /** Added to the variance. */
  readonly epsilon: number;

  /** @throws AdjointError `invalid-argument` */
  constructor(groups: number, channels: number, options: NormOptions = {}) {
    checkLayerOptions(options, normOptionNames, "GroupNorm");
    this.channels = checkSize(channels, "GroupNorm", "channels");
    this.groups = checkSize(groups, "GroupNorm", "groups");
    if (channels % groups !== 0)
      throw invalidArgument("GroupNorm", "groups", `a divisor of the ${channels} channels`, String(groups));
    const { weight, bias, epsilon } = startNorm([channels], options, "GroupNorm");
    this.weight = weight;
    this.bias = bias;
    this.epsilon = epsilon;
  }

  /**
   * @param x [batch, channels, …]
   * @returns the same shape
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor
   */
  forward(x: Tensor): Tensor {
    checkInput(x, "GroupNorm");
    if (x.rank < 2 || x.shape[1] !== this.channels)
      throw refuseShape("GroupNorm", `[batch, ${this.channels}, …]`, x);
    const [batch, channels, ...extents] = x.shape;
    // [batch, groups, channels / groups, …], of which all axes from the third on are one example's group
    const grouped = x.reshape([batch, this.groups, channels / this.groups, ...extents]);
    const axes = grouped.shape.map((_, i) => i).slice(2);
    const y = standardise(grouped, axes, this.epsilon).reshape(x.shape);
    return affine(y, perChannel(this.weight, x), perChannel(this.bias, x));
  }

  /** `GroupNorm(2 groups of 4)`: what a summary calls it, and what Node prints. */
  toString(): string {
    return `GroupNorm(${this.groups} groups of ${this.channels / this.groups})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** How a root-mean-square normalisation goes. */
export interface RmsNormOptions {
  /** ε: added to the mean square under the root, above 0. Default: the spacing of numbers at 1, 1.19e-7 in float32. */
  readonly epsilon?: number;
  /** Whether every feature has a weight of its own, which starts as 1. Default true. */
  readonly affine?: boolean;
  /** Of the weight: float32 (default) or float64. */
  readonly dtype?: DType;
}

/**
 * Root-mean-square normalisation (Zhang and Sennrich 2019): y = x / √(mean(x²) + ε) · weight over the last axes.
 * `weight` has the extents given, or is null.
 *
 * @example new nn.RMSNorm(2).forward(tensor([[1, 7]])).mul(10).round().array(); // → 2,14
 */
export class RMSNorm implements Module {
  /** The extents of the last axes, or null where there is none */
  readonly weight: Tensor | null;
  /** The extents of the axes that are normalised. */
  readonly shape: readonly number[];
  /** Added to the mean square; null stands for the spacing of the input's numbers at 1. */
  readonly epsilon: number | null;

  /**
   * @param shape the extents of the last axes, or the extent of the last
   * @throws AdjointError `invalid-argument`
   */
  constructor(shape: number | readonly number[], options: RmsNormOptions = {}) {
    checkLayerOptions(options, ["epsilon", "affine", "dtype"] satisfies (keyof RmsNormOptions)[], "RMSNorm");
    this.shape = checkExtents(shape, "RMSNorm");
    const { weight } = startNorm(this.shape, options, "RMSNorm");
    this.weight = weight;
    this.epsilon = options.epsilon ?? null;
  }

  /**
   * @param x [batch…, …shape]
   * @returns the same shape
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor
   */
  forward(x: Tensor): Tensor {
    const axes = lastAxes(x, this.shape, "RMSNorm");
    const epsilon = this.epsilon ?? (x.dtype === "float64" ? 2 ** -52 : 2 ** -23);
    const square = mean(x.mul(x), axes, { keepDims: true });
    return affine(x.mul(rsqrt(square.add(epsilon))), this.weight, null);
  }

  /** `RMSNorm(64)`: what a summary calls it, and what Node prints. */
  toString(): string {
    return `RMSNorm(${this.shape.join(", ")})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
