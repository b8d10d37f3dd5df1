/** Activations as layers. */
import { elu, gelu, leakyRelu, relu, sigmoid, silu, softmax, softplus, type Tensor, tanh } from "../index.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import { checkInput } from "./input.js";
import type { Module } from "./module.js";

/** The activations known by name, with their default parameters; softmax is over the last axis. */
export const activations = {
  sigmoid: (x) => sigmoid(x),
  tanh: (x) => tanh(x),
  relu: (x) => relu(x),
  gelu: (x) => gelu(x),
  silu: (x) => silu(x),
  softplus: (x) => softplus(x),
  leakyRelu: (x) => leakyRelu(x),
  elu: (x) => elu(x),
  softmax: (x) => softmax(x, -1),
  identity: (x) => x,
} satisfies Record<string, (x: Tensor) => Tensor>;

/** The activations that have a name. */
export type ActivationName = keyof typeof activations;

/**
 * A function applied to the outputs of the layer before: one of the names, or any function of a tensor.
 *
 * @example
 * new nn.Activation("relu").forward(tensor([-1, 2])).array(); // → 0,2
 * new nn.Activation((x) => leakyRelu(x, 0.5)).forward(tensor([-1, 2])).array(); // → -0.5,2
 */
export class Activation implements Module {
  /** Its name, or the function itself. */
  readonly activation: ActivationName | ((x: Tensor) => Tensor);

  /** @throws AdjointError `invalid-argument` for an unknown name */
  constructor(activation: ActivationName | ((x: Tensor) => Tensor)) {
    if (
      typeof activation !== "function" &&
      !(typeof activation === "string" && Object.hasOwn(activations, activation))
    )
      throw new AdjointError(
        "invalid-argument",
        `Activation: expected a function or one of ${Object.keys(activations).join(", ")}, received ${formatReceived(activation)}`,
        {
          operation: "Activation",
          argument: "activation",
          expected: Object.keys(activations).join(" | "),
          received: formatReceived(activation),
        },
      );
    this.activation = activation;
  }

  /**
   * @param x any shape; the result has the same, unless the function changes it
   * @throws AdjointError `invalid-argument` for what is no tensor
   */
  forward(x: Tensor): Tensor {
    checkInput(x, "Activation");
    return typeof this.activation === "function" ? this.activation(x) : activations[this.activation](x);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** `Activation(sigmoid)`: what a summary calls it, and what Node prints. */
  toString(): string {
    const { activation } = this;
    return `Activation(${typeof activation === "function" ? activation.name || "function" : activation})`;
  }
}
