/** A way around a layer. */
import { isTensor, random, type Tensor } from "../index.js";
import { checkOptions, invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { checkInput } from "./input.js";
import { type ForwardOptions, isModule, type Module } from "./module.js";

/**
 * y = x + layer(x) (He et al. 2016): what the layer learns is the difference. A second layer, the shortcut, takes x's
 * place in the sum where the shapes differ.
 *
 * @example
 * const block = new nn.Residual(new nn.Activation((x) => x.mul(10)));
 * block.forward(tensor([1, 2])).array(); // → 11,22
 */
export class Residual implements Module {
  /** What is added to x. */
  readonly layer: Module;
  /** What becomes of x itself; null where nothing does. */
  readonly shortcut: Module | null;

  /** @throws AdjointError `invalid-argument` for what is no layer */
  constructor(layer: Module, shortcut: Module | null = null) {
    if (!isModule(layer))
      throw invalidArgument("Residual", "layer", "a layer, with a forward method", formatReceived(layer));
    if (shortcut !== null && !isModule(shortcut))
      throw invalidArgument("Residual", "shortcut", "a layer or null", formatReceived(shortcut));
    this.layer = layer;
    this.shortcut = shortcut;
  }

  /**
   * @param x what the layer takes
   * @param options passed to the layer and the shortcut, each with a key of its own
   * @returns what the layer gives
   * @throws AdjointError `shape-mismatch` where the sum has terms of different shapes
   */
  forward(x: Tensor, options: ForwardOptions = {}): Tensor {
    checkInput(x, "Residual");
    checkOptions(options, "Residual.forward");
    const { key, ...others } = options;
    const keys = key === undefined ? undefined : random.split(key, 2);
    const optionsOf = (index: number): ForwardOptions =>
      keys === undefined ? others : { ...others, key: keys[index] };
    const change: unknown = this.layer.forward(x, optionsOf(0));
    const kept: unknown = this.shortcut === null ? x : this.shortcut.forward(x, optionsOf(1));
    if (!isTensor(change) || !isTensor(kept))
      throw invalidArgument(
        "Residual",
        "what its layers give",
        "a tensor",
        formatReceived(isTensor(change) ? kept : change),
      );
    if (formatShape(change.shape) !== formatShape(kept.shape))
      throw new AdjointError(
        "shape-mismatch",
        `Residual: the layer gives ${formatShape(change.shape)}, and what it is added to is ${formatShape(kept.shape)}; give a shortcut of the same shape as second argument`,
        {
          operation: "Residual",
          argument: "layer",
          expected: formatShape(kept.shape),
          received: formatShape(change.shape),
        },
      );
    return kept.add(change);
  }

  /** What a summary calls it. */
  toString(): string {
    return `Residual(${String(this.layer)}${this.shortcut === null ? "" : `, ${String(this.shortcut)}`})`;
  }

  /** What Node prints: its layers, without their numbers. */
  [Symbol.for("nodejs.util.inspect.custom")](
    _depth: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    const parts = [this.layer, ...(this.shortcut === null ? [] : [this.shortcut])];
    return `Residual(${parts.map((part) => inspect(part, options)).join(", ")})`;
  }
}
