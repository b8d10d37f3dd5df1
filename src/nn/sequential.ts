/** One layer after the other. */
import { isTensor, random, type Tensor } from "../index.js";
import { checkOptions } from "../util/checks.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import { checkInput } from "./input.js";
import { type ForwardOptions, isModule, type Module } from "./module.js";
import { stateNames } from "./names.js";

/** What a Sequential is made of: modules, and plain functions of a tensor. */
export type Layer = Module | ((x: Tensor) => Tensor);

/**
 * Layers applied in order, the output of each the input of the next. A function of a tensor counts as a layer.
 *
 * @example
 * const model = new nn.Sequential(
 *   new nn.Linear(784, 30),
 *   new nn.Activation("sigmoid"),
 *   new nn.Linear(30, 10),
 * );
 * model.forward(zeros([5, 784])).shape; // → 5,10
 */
export class Sequential implements Module {
  /** In order; its parameters are named by their index here, `0.weight`. */
  readonly layers: readonly Layer[];

  /** @throws AdjointError `invalid-argument` for what is no layer */
  constructor(...layers: readonly Layer[] | readonly [readonly Layer[]]) {
    const list = layers.length === 1 && Array.isArray(layers[0]) ? (layers[0] as readonly unknown[]) : layers;
    this.layers = list.map(checkLayer);
  }

  /**
   * @param x what the first layer takes
   * @param options passed to every layer, each with a key of its own
   * @returns what the last layer gives
   * @throws AdjointError `invalid-argument` for what is no tensor, given or made by a layer, and what the layers throw
   */
  forward(x: Tensor, options: ForwardOptions = {}): Tensor {
    checkInput(x, "Sequential");
    checkOptions(options, "Sequential.forward");
    const { key, ...others } = options;
    const keys = key === undefined ? undefined : random.split(key, this.layers.length);
    return this.layers.reduce<Tensor>((value, layer, index) => {
      const result =
        typeof layer === "function"
          ? layer(value)
          : layer.forward(value, keys === undefined ? others : { ...others, key: keys[index] });
      return checkResult(result, index);
    }, x);
  }

  /** PyTorch's names: its children are its own fields 0, 1, 2, … */
  [stateNames](path: string): string {
    return path.replace(/^layers\./, "");
  }

  /** What a summary calls it. */
  toString(): string {
    return `Sequential(${this.layers.length} layers)`;
  }

  /** What Node prints: a layer a line, without its numbers. */
  [Symbol.for("nodejs.util.inspect.custom")](
    _depth: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    const lines = this.layers.map((layer, index) =>
      `${index}: ${inspect(layer, options)}`.replaceAll("\n", "\n  "),
    );
    return lines.length === 0 ? "Sequential()" : `Sequential(\n  ${lines.join("\n  ")}\n)`;
  }
}

function checkResult(value: unknown, index: number): Tensor {
  if (isTensor(value)) return value;
  const received = formatReceived(value);
  throw new AdjointError(
    "invalid-argument",
    `Sequential: layer ${index} must give a tensor, received ${received}`,
    { operation: "Sequential", argument: `layer ${index}`, expected: "a tensor", received },
  );
}

function checkLayer(value: unknown, index: number): Layer {
  if (isModule(value)) return value;
  if (typeof value === "function" && value.prototype?.forward === undefined)
    return value as (x: Tensor) => Tensor;
  const received = formatReceived(value);
  const hint = typeof value === "function" ? "; write new before a class" : "";
  throw new AdjointError(
    "invalid-argument",
    `Sequential: layer ${index} must have a forward method or be a function, received ${received}${hint}`,
    { operation: "Sequential", argument: `layer ${index}`, expected: "a layer", received },
  );
}
