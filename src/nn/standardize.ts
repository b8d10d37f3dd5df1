/** Normalisation by fixed statistics of the training data, stored with the model, so that whoever runs it gives it raw inputs. */
import { type DType, isTensor, type Tensor, tensor } from "../index.js";
import { checkOptionNames, checkOptions, invalidArgument, isInteger, isList } from "../util/checks.js";
import { formatList, formatReceived, formatShape } from "../util/errors.js";
import { notLearned } from "../util/not-learned.js";
import { refuseShape } from "./arguments.js";
import { checkInput } from "./input.js";
import type { Module } from "./module.js";
import { stateNames } from "./names.js";

/** How a Standardize reads its input. */
export interface StandardizeOptions {
  /** The axis of the features or channels, counted with the batch axis. Default 1; −1 for sequences [batch, time, features]. */
  readonly axis?: number;
  /** float32 (default) or float64. */
  readonly dtype?: DType;
}

/** Examples as rows of one array, such as a data set has them. */
export interface InputRows {
  readonly inputs: Float32Array | Float64Array;
  /** The shape of one input. */
  readonly inputShape: readonly number[];
}

/** The statistics themselves: tensors of the model that no gradient changes. */
class Moments {
  readonly mean: Tensor;
  readonly deviation: Tensor;

  constructor(mean: Tensor, deviation: Tensor) {
    this.mean = mean;
    this.deviation = deviation;
  }

  /** Optimizers ask for this: what is not learned they pass through. */
  get [notLearned](): true {
    return true;
  }
}

/**
 * (x − mean) / deviation for each feature or channel, with a mean and a deviation that are part of the model but not learned: they
 * are in `nn.stateDict`, not in `nn.parameters`. Gradients pass through to x.
 *
 * @example
 * const layer = new nn.Standardize([1, 10], [2, 5]);
 * layer.forward(tensor([[3, 0]])).array(); // → 1,-2
 * const fitted = nn.Standardize.of({ inputs: Float32Array.of(1, 7, 3, 7), inputShape: [2] });
 * fitted.forward(tensor([[2, 8]])).array(); // → 0,1
 * Object.keys(nn.stateDict(fitted)); // → mean,deviation
 */
export class Standardize implements Module {
  /** Mean and deviation, [features] each */
  readonly moments: Moments;
  /** The axis of the features, counted with the batch axis. */
  readonly axis: number;

  /**
   * @param mean one number for each feature or channel
   * @param deviation as many, above 0
   * @throws AdjointError `invalid-argument`
   */
  constructor(
    mean: Tensor | readonly number[],
    deviation: Tensor | readonly number[],
    options: StandardizeOptions = {},
  ) {
    checkOptionNames(options, ["axis", "dtype"], "Standardize");
    const { axis = 1, dtype = "float32" } = options;
    if (dtype !== "float32" && dtype !== "float64")
      throw invalidArgument("Standardize", "dtype", '"float32" or "float64"', formatReceived(dtype));
    if (!isInteger(axis) || axis === 0)
      throw invalidArgument("Standardize", "axis", "an axis beside the batch's", formatReceived(axis));
    this.axis = axis;
    this.moments = new Moments(row(mean, "mean", dtype), row(deviation, "deviation", dtype));
    const { size } = this.moments.mean;
    if (this.moments.deviation.size !== size)
      throw invalidArgument(
        "Standardize",
        "deviation",
        `as many numbers as mean, ${size}`,
        `${this.moments.deviation.size}`,
      );
    const bad = this.moments.deviation.dataSync().find((value) => !(value > 0));
    if (bad !== undefined) throw invalidArgument("Standardize", "deviation", "above 0", String(bad));
  }

  /**
   * The layer that brings these inputs to mean 0 and deviation 1 (ddof 0), each feature or channel by itself; a constant one is only
   * moved to 0. Statistics are summed in float64.
   *
   * @param data a data set: the training part alone, or what is measured on the rest has been seen
   * @throws AdjointError `invalid-argument`
   */
  static of(data: InputRows, options: StandardizeOptions = {}): Standardize {
    checkOptions(data, "Standardize.of", "a data set", "data");
    checkOptionNames(options, ["axis", "dtype"], "Standardize.of");
    const { inputs, inputShape } = data;
    const isFloats = inputs instanceof Float32Array || inputs instanceof Float64Array;
    if (!isFloats || !Array.isArray(inputShape) || inputShape.length === 0)
      throw invalidArgument("Standardize.of", "data", "a data set", formatReceived(data));
    if (inputs.length === 0) throw invalidArgument("Standardize.of", "data", "at least one example", "none");
    const { axis = 1 } = options;
    const at = axis < 0 ? inputShape.length + axis : axis - 1;
    if (!(at >= 0 && at < inputShape.length))
      throw invalidArgument(
        "Standardize.of",
        "axis",
        `one of inputs [batch, ${inputShape.join(", ")}] beside the batch's`,
        formatReceived(axis),
      );
    const count = inputShape[at];
    const inner = inputShape.slice(at + 1).reduce((total, extent) => total * extent, 1);
    const share = count / inputs.length;
    const unusable = inputs.find((value) => !Number.isFinite(value));
    if (unusable !== undefined)
      throw invalidArgument("Standardize.of", "data", "of finite numbers", String(unusable));
    // as differences from the first value: of equal values that is the mean, without rounding, and their deviation 0
    const origin = Float64Array.from({ length: count }, (_, feature) => inputs[feature * inner]);
    const mean = origin.slice();
    for (let i = 0; i < inputs.length; i++) {
      const feature = Math.floor(i / inner) % count;
      mean[feature] += (inputs[i] - origin[feature]) * share;
    }
    const variance = new Float64Array(count);
    for (let i = 0; i < inputs.length; i++) {
      const feature = Math.floor(i / inner) % count;
      variance[feature] += (inputs[i] - mean[feature]) ** 2 * share;
    }
    const deviation = variance.map((value) => (value > 0 ? Math.sqrt(value) : 1));
    return new Standardize([...mean], [...deviation], options);
  }

  /**
   * @param x [batch, …] with as many features along `axis` as there are means
   * @returns the same shape
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor
   */
  forward(x: Tensor): Tensor {
    checkInput(x, "Standardize");
    const { mean, deviation } = this.moments;
    const at = this.axis < 0 ? x.rank + this.axis : this.axis;
    if (!(at >= 1 && at < x.rank) || x.shape[at] !== mean.size)
      throw refuseShape("Standardize", `[batch, …] with ${mean.size} along axis ${this.axis}`, x);
    const shape = x.shape.map((_, axis) => (axis === at ? mean.size : 1));
    const beside = (moment: Tensor): Tensor => moment.stopGradient().reshape(shape);
    return x.sub(beside(mean)).div(beside(deviation));
  }

  /** Its tensors are fields of the layer. */
  [stateNames](path: string): string {
    return path.replace(/^moments\./, "");
  }

  /** `Standardize(4)`: what a summary calls it, and what Node prints. */
  toString(): string {
    return `Standardize(${this.moments.mean.size})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

function row(values: Tensor | readonly number[], argument: string, dtype: DType): Tensor {
  if (isTensor(values)) {
    if (values.rank === 1 && values.size > 0) return values.cast(dtype);
    throw invalidArgument("Standardize", argument, "a tensor [features]", formatShape(values.shape));
  }
  if (!isList(values, isNumber) || values.length === 0)
    throw invalidArgument("Standardize", argument, "an array of finite numbers", formatList(values));
  return tensor(values, { dtype });
}
