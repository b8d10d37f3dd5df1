/** The fully connected layer. */
import { add, matmul, type Tensor } from "../index.js";
import {
  checkLayerOptions,
  checkSize,
  refuseShape,
  startWeights,
  type WeightOptions,
  weightOptionNames,
} from "./arguments.js";
import { checkInput } from "./input.js";
import type { Module } from "./module.js";

/** How a Linear starts. */
export type LinearOptions = WeightOptions;

/**
 * y = x Wᵀ + b: every output is a weighted sum of all inputs, plus a bias. `weight` is [out, in], `bias` [out] or null.
 *
 * @example
 * const layer = new nn.Linear(3, 2, { init: nn.init.zeros });
 * layer.forward(ones([5, 3])).shape; // → 5,2
 */
export class Linear implements Module {
  /** [out, in] */
  readonly weight: Tensor;
  /** [out], or null without one */
  readonly bias: Tensor | null;

  /** @throws AdjointError `invalid-argument` */
  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    checkSize(inFeatures, "Linear", "inFeatures");
    checkSize(outFeatures, "Linear", "outFeatures");
    checkLayerOptions(options, weightOptionNames, "Linear");
    const { weight, bias } = startWeights([outFeatures, inFeatures], [outFeatures], options, "Linear");
    this.weight = weight;
    this.bias = bias;
  }

  /**
   * @param x [batch…, in]; any number of axes before the last, or none
   * @returns [batch…, out]
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor
   */
  forward(x: Tensor): Tensor {
    checkInput(x, "Linear");
    const [, inFeatures] = this.weight.shape;
    if (x.rank === 0 || x.shape[x.rank - 1] !== inFeatures)
      throw refuseShape("Linear", `[batch…, ${inFeatures}]`, x);
    // [batch…, in] · [in, out] → [batch…, out]
    const y = matmul(x, this.weight.transpose());
    return this.bias === null ? y : add(y, this.bias);
  }

  /** `Linear(784 → 30)`: what a summary calls it, and what Node prints. */
  toString(): string {
    const [outFeatures, inFeatures] = this.weight.shape;
    return `Linear(${inFeatures} → ${outFeatures}${this.bias === null ? ", no bias" : ""})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
