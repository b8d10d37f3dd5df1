/** Convolutional layers. */
import { conv, type Padding, type Tensor } from "../index.js";
import { invalidArgument } from "../util/checks.js";
import {
  checkForm,
  checkLayerOptions,
  checkSize,
  startWeights,
  type WeightOptions,
  weightOptionNames,
} from "./arguments.js";
import type { Module } from "./module.js";
import { checkPadding, described, describedPadding, perAxis, withBias } from "./windows.js";

/** How a convolution moves over its input, and how it starts. */
export interface ConvLayerOptions extends WeightOptions {
  /** Step between windows, for all axes or each. Default 1. */
  readonly stride?: number | readonly number[];
  /** On every side, [before, after] for each axis, "same" or "valid". Default 0. */
  readonly padding?: Padding;
  /** Step between the elements of a window. Default 1. */
  readonly dilation?: number | readonly number[];
  /** Channels are split in this many independent groups, which must divide both numbers of them. Default 1. */
  readonly groups?: number;
}

const convOptionNames = [
  ...weightOptionNames,
  "stride",
  "padding",
  "dilation",
  "groups",
] as const satisfies readonly (keyof ConvLayerOptions)[];

const axisNames = [["length"], ["height", "width"]] as const;

/** What convolutions of one and two dimensions have in common. */
abstract class Convolution implements Module {
  /** [out, in / groups, …size] */
  readonly weight: Tensor;
  /** [out], or null without one */
  readonly bias: Tensor | null;
  /** Step between windows, for each axis. */
  readonly stride: readonly number[];
  /** As it was given. */
  readonly padding: Padding;
  /** Step between the elements of a window, for each axis. */
  readonly dilation: readonly number[];
  /** Independent groups of channels. */
  readonly groups: number;

  /** @throws AdjointError `invalid-argument`, `shape-mismatch` for an init that gives another shape */
  protected constructor(
    name: string,
    spatial: number,
    inChannels: number,
    outChannels: number,
    size: number | readonly number[],
    options: ConvLayerOptions,
  ) {
    checkLayerOptions(options, convOptionNames, name);
    checkSize(inChannels, name, "inChannels");
    checkSize(outChannels, name, "outChannels");
    const extents = perAxis(size, spatial, name, "size");
    const { padding = 0, groups = 1 } = options;
    this.stride = perAxis(options.stride ?? 1, spatial, name, "stride");
    this.dilation = perAxis(options.dilation ?? 1, spatial, name, "dilation");
    checkPadding(padding, spatial, name);
    this.padding = padding;
    this.groups = checkGroups(groups, inChannels, outChannels, name);
    const { weight, bias } = startWeights(
      [outChannels, inChannels / groups, ...extents],
      [outChannels],
      options,
      name,
    );
    this.weight = weight;
    this.bias = bias;
  }

  /**
   * @param x [batch, in, …extents]
   * @returns [batch, out, …positions], ⌊(extent + padding − dilation · (size − 1) − 1) / stride⌋ + 1 of them along
   * each axis
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor
   */
  forward(x: Tensor): Tensor {
    const { weight, stride, padding, dilation, groups } = this;
    const axes = axisNames[weight.rank - 3];
    checkForm(x, ["batch", weight.shape[1] * groups, ...axes], nameOf(this));
    return withBias(conv(x, weight, { stride, padding, dilation, groups }), this.bias);
  }

  /** `Conv2d(1 → 6, 5×5)`: what a summary calls it, and what Node prints. */
  toString(): string {
    const { weight, groups } = this;
    const [out, perGroup, ...size] = weight.shape;
    return `${nameOf(this)}(${[
      `${perGroup * groups} → ${out}`,
      size.join("×"),
      ...described("stride", this.stride, 1),
      ...describedPadding(this.padding),
      ...described("dilation", this.dilation, 1),
      ...(groups === 1 ? [] : [`groups ${groups}`]),
      ...(this.bias === null ? ["no bias"] : []),
    ].join(", ")})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/**
 * Convolution over sequences: every output is a weighted sum of a window of `size` positions over all channels of its
 * group, plus a bias. `weight` is [out, in / groups, size], `bias` [out] or null.
 *
 * @example
 * const layer = new nn.Conv1d(4, 8, 3, { padding: 1 });
 * layer.forward(ones([5, 4, 20])).shape; // → 5,8,20
 */
export class Conv1d extends Convolution {
  /** @throws AdjointError `invalid-argument`, `shape-mismatch` for an init that gives another shape */
  constructor(
    inChannels: number,
    outChannels: number,
    size: number | readonly number[],
    options: ConvLayerOptions = {},
  ) {
    super("Conv1d", 1, inChannels, outChannels, size, options);
  }
}

/**
 * Convolution over images: every output is a weighted sum of a window of pixels over all channels of its group, plus
 * a bias. `weight` is [out, in / groups, height, width], `bias` [out] or null; `size` is one number for square
 * windows.
 *
 * @example
 * const layer = new nn.Conv2d(1, 6, 5, { padding: "same" });
 * layer.forward(ones([10, 1, 28, 28])).shape; // → 10,6,28,28
 */
export class Conv2d extends Convolution {
  /** @throws AdjointError `invalid-argument`, `shape-mismatch` for an init that gives another shape */
  constructor(
    inChannels: number,
    outChannels: number,
    size: number | readonly number[],
    options: ConvLayerOptions = {},
  ) {
    super("Conv2d", 2, inChannels, outChannels, size, options);
  }
}

/** A class minified, or extended, is still called by what it is. */
function nameOf(layer: Convolution): string {
  return layer instanceof Conv1d ? "Conv1d" : "Conv2d";
}

function checkGroups(groups: unknown, inChannels: number, outChannels: number, operation: string): number {
  checkSize(groups, operation, "groups");
  const count = Number(groups);
  if (inChannels % count === 0 && outChannels % count === 0) return count;
  throw invalidArgument(
    operation,
    "groups",
    `a divisor of both ${inChannels} and ${outChannels} channels`,
    String(count),
  );
}
