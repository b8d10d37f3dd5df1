/** The transposed convolutional layer. */
import { convTranspose, pad, type Tensor } from "../index.js";
import { invalidArgument, isNatural } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import {
  checkForm,
  checkLayerOptions,
  checkSize,
  startWeights,
  type WeightOptions,
  weightOptionNames,
} from "./arguments.js";
import type { Module } from "./module.js";
import { described, describedPadding, perAxis, withBias } from "./windows.js";

/** How a transposed convolution spreads its input, and how it starts. */
export interface ConvTransposeLayerOptions extends WeightOptions {
  /** Distance between input elements in the output, for all axes or each. Default 1. */
  readonly stride?: number | readonly number[];
  /** Elements cut from the output on every side. Default 0. */
  readonly padding?: number;
  /**
   * Elements added at the end of each axis, less than the stride: which of the extents that a convolution of this
   * stride maps to the input's is meant. Default 0.
   */
  readonly outputPadding?: number;
}

const transposeOptionNames = [
  ...weightOptionNames,
  "stride",
  "padding",
  "outputPadding",
] as const satisfies readonly (keyof ConvTransposeLayerOptions)[];

/**
 * Transposed convolution, which undoes the shape of a convolution: every input element adds a multiple of the window
 * to the output. `weight` is [in, out, height, width], `bias` [out] or null. There are no groups and no dilation; use
 * `conv` on an upsampled input where they are needed.
 *
 * @example
 * const layer = new nn.ConvTranspose2d(8, 4, 2, { stride: 2 });
 * layer.forward(ones([5, 8, 7, 7])).shape; // → 5,4,14,14
 */
export class ConvTranspose2d implements Module {
  /** [in, out, height, width] */
  readonly weight: Tensor;
  /** [out], or null without one */
  readonly bias: Tensor | null;
  /** Distance between input elements in the output, for each axis. */
  readonly stride: readonly number[];
  /** Elements cut from the output on every side. */
  readonly padding: number;
  /** Elements added at the end of each axis. */
  readonly outputPadding: number;

  /** @throws AdjointError `invalid-argument`, `shape-mismatch` for an init that gives another shape */
  constructor(
    inChannels: number,
    outChannels: number,
    size: number | readonly number[],
    options: ConvTransposeLayerOptions = {},
  ) {
    const name = "ConvTranspose2d";
    checkLayerOptions(options, transposeOptionNames, name);
    checkSize(inChannels, name, "inChannels");
    checkSize(outChannels, name, "outChannels");
    const extents = perAxis(size, 2, name, "size");
    const { padding = 0, outputPadding = 0 } = options;
    this.stride = perAxis(options.stride ?? 1, 2, name, "stride");
    if (!isNatural(padding))
      throw invalidArgument(name, "padding", "an integer of at least 0", formatReceived(padding));
    if (!isNatural(outputPadding) || this.stride.some((step) => outputPadding >= step))
      throw invalidArgument(
        name,
        "outputPadding",
        "an integer of at least 0 and less than the stride",
        formatReceived(outputPadding),
      );
    this.padding = padding;
    this.outputPadding = outputPadding;
    const { weight, bias } = startWeights(
      [inChannels, outChannels, ...extents],
      [outChannels],
      options,
      name,
    );
    this.weight = weight;
    this.bias = bias;
  }

  /**
   * @param x [batch, in, height, width]
   * @returns [batch, out, …(extent − 1) · stride − 2 · padding + size + outputPadding]
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor
   */
  forward(x: Tensor): Tensor {
    const { weight, stride, padding, outputPadding } = this;
    checkForm(x, ["batch", weight.shape[0], "height", "width"], "ConvTranspose2d");
    // what is added was cut off as padding before, or lies beyond every window and is 0
    const after = Math.max(0, padding - outputPadding);
    const beyond = Math.max(0, outputPadding - padding);
    const y = convTranspose(x, weight, {
      stride,
      padding: [
        [padding, after],
        [padding, after],
      ],
    });
    const whole =
      beyond === 0
        ? y
        : pad(y, [
            [0, 0],
            [0, 0],
            [0, beyond],
            [0, beyond],
          ]);
    return withBias(whole, this.bias);
  }

  /** `ConvTranspose2d(8 → 4, 2×2, stride 2)`: what a summary calls it, and what Node prints. */
  toString(): string {
    const [inChannels, outChannels, ...size] = this.weight.shape;
    return `ConvTranspose2d(${[
      `${inChannels} → ${outChannels}`,
      size.join("×"),
      ...described("stride", this.stride, 1),
      ...describedPadding(this.padding),
      ...(this.outputPadding === 0 ? [] : [`output padding ${this.outputPadding}`]),
      ...(this.bias === null ? ["no bias"] : []),
    ].join(", ")})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
