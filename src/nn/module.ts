/**
 * What a model is: an object that turns a batch of inputs into outputs, and whose tensor fields, at any depth, are its
 * parameters. It is never changed: training makes new ones of the same classes.
 */
import type { Tensor } from "../index.js";
import type { StatisticsSink } from "./running-statistics.js";

/** What a forward pass may need to know besides its input; layers pass it on to the layers inside them. */
export interface ForwardOptions {
  /** True while training: layers such as dropout then behave differently. Default false. */
  readonly train?: boolean;
  /** A random key, for layers that draw random numbers in training. */
  readonly key?: Tensor;
  /** Where layers with running statistics leave the new ones in training; `nn.trainForward` gives and reads it. */
  readonly statistics?: StatisticsSink;
}

/** A model or a layer. */
export interface Module {
  /** The outputs for a batch x [batch, …]. */
  forward(x: Tensor, options?: ForwardOptions): Tensor;
}

/**
 * Whether a value has a forward method.
 * @example nn.isModule(new nn.Flatten()); // → true
 */
export function isModule(value: unknown): value is Module {
  return (
    typeof value === "object" && value !== null && typeof (value as Partial<Module>).forward === "function"
  );
}
