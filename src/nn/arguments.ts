/** What constructors and forward passes of layers ask of their arguments. */
import { type DType, isTensor, random, type Tensor, zeros } from "../index.js";
import { checkOptionNames, invalidArgument, isNatural } from "../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { type Init, standard } from "./init.js";

/** How the weights of a layer start. */
export interface WeightOptions {
  /** The random key the weights are drawn from. Default: the next of the sequence that `setSeed` restarts. */
  readonly key?: Tensor;
  /** Whether a bias is added. Default true. */
  readonly bias?: boolean;
  /** How weights and bias start. Default `init.standard`: uniform in ±1/√fanIn, as PyTorch. */
  readonly init?: Init;
  /** float32 (default) or float64. */
  readonly dtype?: DType;
}

export const weightOptionNames = [
  "key",
  "bias",
  "init",
  "dtype",
] as const satisfies readonly (keyof WeightOptions)[];

/**
 * A weight, and a bias or null, as the options have them start. Draws the default key last, so that a refused layer does
 * not move the sequence that later layers draw from.
 * @throws AdjointError `invalid-argument`, `shape-mismatch`
 */
export function startWeights(
  shape: readonly number[],
  biasShape: readonly number[],
  options: WeightOptions,
  operation: string,
): { weight: Tensor; bias: Tensor | null } {
  const { bias = true, init = standard } = options;
  checkFlag(bias, operation, "bias");
  checkInitFunction(init, operation);
  const dtype = checkFloatDtype(options.dtype, operation);
  const { key = random.next() } = options;
  const [weightKey, biasKey] = random.split(key);
  const makeBias = init.bias ?? ((_key, extents) => zeros(extents, { dtype }));
  return {
    weight: checkInit(init(weightKey, shape, dtype), shape, operation),
    bias: bias ? checkInit(makeBias(biasKey, biasShape, dtype, shape), biasShape, operation) : null,
  };
}

/** @throws AdjointError `invalid-argument` unless a function */
export function checkInitFunction(init: unknown, operation: string): void {
  if (typeof init !== "function")
    throw invalidArgument(operation, "init", "a function such as nn.init.heNormal", formatReceived(init));
}

/**
 * An init of the user's may be wrong: found here, not at the first forward pass.
 * @throws AdjointError `shape-mismatch`
 */
export function checkInit(value: unknown, shape: readonly number[], operation: string): Tensor {
  if (isTensor(value) && formatShape(value.shape) === formatShape(shape)) return value;
  const received = isTensor(value) ? formatShape(value.shape) : formatReceived(value);
  throw new AdjointError(
    "shape-mismatch",
    `${operation}: init must give a tensor of shape ${formatShape(shape)}, received ${received}`,
    { operation, argument: "init", expected: formatShape(shape), received },
  );
}

/** @throws AdjointError `invalid-argument` unless an integer of at least 1 */
export function checkSize(value: unknown, operation: string, argument: string): number {
  if (isNatural(value) && value > 0) return value;
  throw invalidArgument(operation, argument, "an integer of at least 1", formatReceived(value));
}

/** @throws AdjointError `invalid-argument` unless true or false */
export function checkFlag(value: unknown, operation: string, argument: string): void {
  if (typeof value !== "boolean")
    throw invalidArgument(operation, argument, "true or false", formatReceived(value));
}

/** @throws AdjointError `invalid-argument` unless a finite number above 0 */
export function checkPositive(value: unknown, operation: string, argument: string): number {
  if (typeof value === "number" && value > 0 && value < Number.POSITIVE_INFINITY) return value;
  throw invalidArgument(operation, argument, "a finite number above 0", formatReceived(value));
}

/** @throws AdjointError `invalid-argument` unless from 0 to 1 */
export function checkProbability(value: unknown, operation: string, argument: string): number {
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw invalidArgument(operation, argument, "from 0 to 1", formatReceived(value));
}

/** @throws AdjointError `invalid-argument` unless float32, float64, or left out, which is float32 */
export function checkFloatDtype(dtype: unknown, operation: string): "float32" | "float64" {
  if (dtype === undefined || dtype === "float32") return "float32";
  if (dtype === "float64") return dtype;
  throw invalidArgument(operation, "dtype", "float32 or float64", formatReceived(dtype));
}

/** @throws AdjointError `invalid-argument` for an unknown option, or what is no object */
export function checkLayerOptions(options: object, names: readonly string[], operation: string): void {
  checkOptionNames(options, names, operation);
}

/**
 * An input of the layer's form, such as `[batch, 3, height, width]`: a letter stands for any extent.
 * @throws AdjointError `invalid-argument` for what is no tensor, `shape-mismatch`
 */
export function checkForm(x: unknown, form: readonly (string | number)[], operation: string): Tensor {
  const expected = `[${form.join(", ")}]`;
  if (!isTensor(x)) throw invalidArgument(operation, "x", `a tensor ${expected}`, formatReceived(x));
  const fits =
    x.rank === form.length && form.every((extent, i) => typeof extent === "string" || extent === x.shape[i]);
  if (fits) return x;
  throw refuseShape(operation, expected, x);
}

/** The refusal of an input of another form. */
export function refuseShape(operation: string, expected: string, x: Tensor): AdjointError {
  const received = formatShape(x.shape);
  return new AdjointError("shape-mismatch", `${operation}: x must be ${expected}, received ${received}`, {
    operation,
    argument: "x",
    expected,
    received,
  });
}
