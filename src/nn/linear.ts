/** The fully connected layer. */
import { add, type DType, isTensor, matmul, random, type Tensor, zeros } from "../index.js";
import { checkOptionNames, invalidArgument, isNatural } from "../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { type Init, standard } from "./init.js";
import { checkInput } from "./input.js";
import type { Module } from "./module.js";

/** How a Linear starts. */
export interface LinearOptions {
  /** The random key the weights are drawn from. Default: the next of the sequence that `setSeed` restarts. */
  readonly key?: Tensor;
  /** Whether a bias is added. Default true. */
  readonly bias?: boolean;
  /** How weights and bias start. Default `init.standard`: uniform in ±1/√inFeatures, as PyTorch. */
  readonly init?: Init;
  /** float32 (default) or float64. */
  readonly dtype?: DType;
}

const optionNames = ["key", "bias", "init", "dtype"] as const satisfies readonly (keyof LinearOptions)[];

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
    checkFeatures(inFeatures, "inFeatures");
    checkFeatures(outFeatures, "outFeatures");
    checkOptionNames(options, optionNames, "Linear");
    const { bias = true, init = standard, dtype = "float32" } = options;
    const refuse = (argument: string, expected: string, value: unknown): never => {
      throw invalidArgument("Linear", argument, expected, formatReceived(value));
    };
    if (typeof bias !== "boolean") refuse("bias", "true or false", bias);
    if (typeof init !== "function") refuse("init", "a function such as nn.init.heNormal", init);
    if (dtype !== "float32" && dtype !== "float64") refuse("dtype", "float32 or float64", dtype);
    // only now: a refused layer must not move the sequence that later layers draw from
    const { key = random.next() } = options;
    const [weightKey, biasKey] = random.split(key);
    const shape = [outFeatures, inFeatures];
    this.weight = checkInit(init(weightKey, shape, dtype), shape);
    const makeBias = init.bias ?? ((_key, biasShape) => zeros(biasShape, { dtype }));
    this.bias = bias ? checkInit(makeBias(biasKey, [outFeatures], dtype, shape), [outFeatures]) : null;
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
      throw new AdjointError(
        "shape-mismatch",
        `Linear: x must be [batch…, ${inFeatures}], received ${formatShape(x.shape)}`,
        {
          operation: "Linear",
          argument: "x",
          expected: `[batch…, ${inFeatures}]`,
          received: formatShape(x.shape),
        },
      );
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

function checkFeatures(value: unknown, argument: string): void {
  if (!isNatural(value) || value === 0)
    throw invalidArgument("Linear", argument, "an integer of at least 1", formatReceived(value));
}

/** An init of the user's may be wrong: found here, not at the first forward pass. */
function checkInit(value: unknown, shape: readonly number[]): Tensor {
  if (isTensor(value) && formatShape(value.shape) === formatShape(shape)) return value;
  const received = isTensor(value) ? formatShape(value.shape) : formatReceived(value);
  throw new AdjointError(
    "shape-mismatch",
    `Linear: init must give a tensor of shape ${formatShape(shape)}, received ${received}`,
    {
      operation: "Linear",
      argument: "init",
      expected: formatShape(shape),
      received,
    },
  );
}
