/** Dropout. */
import { random, type Tensor, where, zeros } from "../index.js";
import { checkOptions } from "../util/checks.js";
import { AdjointError } from "../util/errors.js";
import { checkProbability } from "./arguments.js";
import { checkInput } from "./input.js";
import type { ForwardOptions, Module } from "./module.js";

/**
 * In training, sets every element to 0 with probability `p` and divides the others by 1 − p, so that their
 * expectation stays (Srivastava et al. 2014); otherwise does nothing. Drawing needs a key: `forward(x, { train: true,
 * key })`, which `train.fit` passes by itself, a new one for every step.
 *
 * @example
 * const layer = new nn.Dropout(0.5);
 * layer.forward(ones([3])).array(); // → 1,1,1
 * const y = layer.forward(ones([1000]), { train: true, key: random.key(0) });
 * [y.max().itemSync(), y.min().itemSync()]; // → 2,0
 */
export class Dropout implements Module {
  /** The probability of an element to be 0 in training. */
  readonly p: number;

  /**
   * @param p from 0 to 1. Default ½
   * @throws AdjointError `invalid-argument`
   */
  constructor(p = 0.5) {
    this.p = checkProbability(p, "Dropout", "p");
  }

  /**
   * @param x any shape
   * @returns the same shape
   * @throws AdjointError `invalid-argument` for what is no tensor, and in training without a key
   */
  forward(x: Tensor, options: ForwardOptions = {}): Tensor {
    checkInput(x, "Dropout");
    checkOptions(options, "Dropout.forward");
    const { train = false, key } = options;
    if (!train || this.p === 0) return x;
    if (key === undefined)
      throw new AdjointError(
        "invalid-argument",
        "Dropout: in training it draws random numbers and needs a key, received none; pass { train: true, key: random.key(seed) }, a new one for every step",
        { operation: "Dropout", argument: "key", expected: "a random key", received: "undefined" },
      );
    if (this.p === 1) return zeros(x.shape, { dtype: x.dtype });
    const kept = random.bernoulli(key, 1 - this.p, { shape: x.shape });
    // not a product: what is dropped is 0 even where x is infinite
    return where(kept, x.mul(1 / (1 - this.p)), 0);
  }

  /** `Dropout(0.5)`: what a summary calls it, and what Node prints. */
  toString(): string {
    return `Dropout(${this.p})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
