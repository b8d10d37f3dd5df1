/** From images to vectors. */
import type { Tensor } from "../index.js";
import { AdjointError } from "../util/errors.js";
import { checkInput } from "./input.js";
import type { Module } from "./module.js";

/**
 * Makes one axis of all but the batch's, row-major: [batch, …] → [batch, features].
 *
 * @example new nn.Flatten().forward(zeros([5, 1, 28, 28])).shape; // → 5,784
 */
export class Flatten implements Module {
  /**
   * @param x [batch, …]
   * @returns [batch, features]
   * @throws AdjointError `shape-mismatch` for a scalar, `invalid-argument` for what is no tensor
   */
  forward(x: Tensor): Tensor {
    checkInput(x, "Flatten");
    if (x.rank === 0)
      throw new AdjointError("shape-mismatch", "Flatten: x must have a batch axis, [batch, …], received []", {
        operation: "Flatten",
        argument: "x",
        expected: "[batch, …]",
        received: "[]",
      });
    const features = x.shape.slice(1).reduce((product, extent) => product * extent, 1);
    return x.reshape([x.shape[0], features]);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** What a summary calls it, and what Node prints. */
  toString(): string {
    return "Flatten()";
  }
}
