/** Pooling layers. */
import { avgPool, maxPool, type Padding, type Tensor } from "../index.js";
import { checkForm, checkLayerOptions } from "./arguments.js";
import type { Module } from "./module.js";
import { checkPadding, described, describedPadding, perAxis } from "./windows.js";

/** How pooling moves over its input. */
export interface PoolLayerOptions {
  /** Step between windows, for all axes or each. Default: the size. */
  readonly stride?: number | readonly number[];
  /** On every side, [before, after] for each axis, "same" or "valid". Default 0. */
  readonly padding?: Padding;
}

/** What both kinds of pooling have in common. */
abstract class Pool implements Module {
  /** [height, width] of the window */
  readonly size: readonly number[];
  /** Step between windows, for each axis. */
  readonly stride: readonly number[];
  /** As it was given. */
  readonly padding: Padding;

  /** @throws AdjointError `invalid-argument` */
  protected constructor(name: string, size: number | readonly number[], options: PoolLayerOptions) {
    checkLayerOptions(options, ["stride", "padding"] satisfies (keyof PoolLayerOptions)[], name);
    const { padding = 0 } = options;
    this.size = perAxis(size, 2, name, "size");
    this.stride = perAxis(options.stride ?? this.size, 2, name, "stride");
    checkPadding(padding, 2, name);
    this.padding = padding;
  }

  /** @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor */
  abstract forward(x: Tensor): Tensor;

  protected describe(name: string): string {
    const isUsual = this.stride.every((step, i) => step === this.size[i]);
    return `${name}(${[
      this.size.join("×"),
      ...(isUsual ? [] : described("stride", this.stride, Number.NaN)),
      ...describedPadding(this.padding),
    ].join(", ")})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/**
 * The largest element of each window of an image; padding never wins. Where several are largest they share the gradient.
 *
 * @example new nn.MaxPool2d(2).forward(ones([5, 6, 24, 24])).shape; // → 5,6,12,12
 */
export class MaxPool2d extends Pool {
  /** @throws AdjointError `invalid-argument` */
  constructor(size: number | readonly number[], options: PoolLayerOptions = {}) {
    super("MaxPool2d", size, options);
  }

  /**
   * @param x [batch, channels, height, width]
   * @returns [batch, channels, …⌊(extent + padding − size) / stride⌋ + 1]
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor
   */
  override forward(x: Tensor): Tensor {
    const { size, stride, padding } = this;
    return maxPool(checkForm(x, ["batch", "channels", "height", "width"], "MaxPool2d"), {
      size,
      stride,
      padding,
    });
  }

  /** `MaxPool2d(2×2)`: what a summary calls it, and what Node prints. */
  override toString(): string {
    return this.describe("MaxPool2d");
  }
}

/**
 * The mean of each window of an image; padding counts as zeros.
 *
 * @example new nn.AvgPool2d(2).forward(ones([5, 6, 24, 24])).shape; // → 5,6,12,12
 */
export class AvgPool2d extends Pool {
  /** @throws AdjointError `invalid-argument` */
  constructor(size: number | readonly number[], options: PoolLayerOptions = {}) {
    super("AvgPool2d", size, options);
  }

  /**
   * @param x [batch, channels, height, width]
   * @returns [batch, channels, …⌊(extent + padding − size) / stride⌋ + 1]
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor
   */
  override forward(x: Tensor): Tensor {
    const { size, stride, padding } = this;
    return avgPool(checkForm(x, ["batch", "channels", "height", "width"], "AvgPool2d"), {
      size,
      stride,
      padding,
    });
  }

  /** `AvgPool2d(2×2)`: what a summary calls it, and what Node prints. */
  override toString(): string {
    return this.describe("AvgPool2d");
  }
}
