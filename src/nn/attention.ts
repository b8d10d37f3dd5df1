/** Attention with several heads (Vaswani et al. 2017), its parameters laid out as in PyTorch's MultiheadAttention. */
import { add, arange, type DType, matmul, random, softmax, type Tensor, where, zeros } from "../index.js";
import { checkOptions, invalidArgument } from "../util/checks.js";
import { AdjointError, formatShape } from "../util/errors.js";
import {
  checkFlag,
  checkFloatDtype,
  checkLayerOptions,
  checkProbability,
  checkSize,
  refuseShape,
} from "./arguments.js";
import { Dropout } from "./dropout.js";
import { type Init, standard, xavierUniform } from "./init.js";
import { checkInput } from "./input.js";
import { Linear } from "./linear.js";
import type { ForwardOptions, Module } from "./module.js";
import { stateNames } from "./names.js";

/** How attention goes, and how it starts. */
export interface AttentionOptions {
  /** Whether a position sees only itself and those before it. Default false. */
  readonly causal?: boolean;
  /** The probability that a weight of attention is 0 in training. Default 0. */
  readonly dropout?: number;
  /** Whether the projections have biases, which start as 0. Default true. */
  readonly bias?: boolean;
  /** The random key the weights are drawn from. Default: the next of the sequence that `setSeed` restarts. */
  readonly key?: Tensor;
  /** float32 (default) or float64. */
  readonly dtype?: DType;
}

const optionNames = [
  "causal",
  "dropout",
  "bias",
  "key",
  "dtype",
] as const satisfies readonly (keyof AttentionOptions)[];

/**
 * Attention with several heads: every position asks (query), all positions answer (key), and what they have to say
 * (value) is averaged with the softmax of query · key / √(features / heads), in every head for itself. Sequences are
 * [batch, time, features], batch first. `inputWeight` is [3 · features, features]: the projections to queries, keys
 * and values.
 *
 * @example
 * const layer = new nn.MultiHeadAttention(8, 2, { causal: true });
 * layer.forward(ones([5, 20, 8])).shape; // → 5,20,8
 */
export class MultiHeadAttention implements Module {
  /** [3 · features, features] */
  readonly inputWeight: Tensor;
  /** [3 · features], or null without one */
  readonly inputBias: Tensor | null;
  /** What joins the heads, [features, features]. */
  readonly output: Linear;
  /** How many heads there are. */
  readonly heads: number;
  /** Whether a position sees only itself and those before it. */
  readonly causal: boolean;
  /** Of the weights of attention. */
  readonly dropout: Dropout;

  /** @throws AdjointError `invalid-argument` */
  constructor(features: number, heads: number, options: AttentionOptions = {}) {
    const name = "MultiHeadAttention";
    checkSize(features, name, "features");
    this.heads = checkSize(heads, name, "heads");
    if (features % heads !== 0)
      throw invalidArgument(name, "heads", `a divisor of the ${features} features`, String(heads));
    checkLayerOptions(options, optionNames, name);
    const { causal = false, dropout = 0, bias = true } = options;
    checkFlag(causal, name, "causal");
    checkFlag(bias, name, "bias");
    this.causal = causal;
    this.dropout = new Dropout(checkProbability(dropout, name, "dropout"));
    const dtype = checkFloatDtype(options.dtype, name);
    const [inputKey, outputKey] = random.split(options.key ?? random.next());
    this.inputWeight = xavierUniform(inputKey, [3 * features, features], dtype);
    this.inputBias = bias ? zeros([3 * features], { dtype }) : null;
    // weights as any Linear's, biases 0
    const init: Init = (key, shape, kind) => standard(key, shape, kind);
    this.output = new Linear(features, features, { key: outputKey, bias, dtype, init });
  }

  /**
   * Attention of a sequence to itself.
   *
   * @param x [batch, time, features]
   * @returns the same shape
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor, or in training without the key
   * that dropout needs
   */
  forward(x: Tensor, options: ForwardOptions = {}): Tensor {
    return this.attend(x, x, options);
  }

  /**
   * Attention of one sequence to another.
   *
   * @param x [batch, time, features]: what asks
   * @param source [batch, sourceTime, features]: what answers
   * @returns [batch, time, features]
   * @throws AdjointError `shape-mismatch`, `invalid-argument`
   */
  attend(x: Tensor, source: Tensor, options: ForwardOptions = {}): Tensor {
    checkOptions(options, "MultiHeadAttention.attend");
    const features = this.inputWeight.shape[1];
    for (const sequence of [x, source]) this.checkSequence(sequence, features);
    const [batch, time] = x.shape;
    const length = source.shape[1];
    if (source.shape[0] !== batch || (this.causal && length !== time))
      throw new AdjointError(
        "shape-mismatch",
        `MultiHeadAttention: source must be [${batch}, ${this.causal ? `${time} (causal)` : "time"}, ${features}], received ${formatShape(source.shape)}`,
        { operation: "MultiHeadAttention", argument: "source", received: formatShape(source.shape) },
      );
    // projections of one input are one product: [batch, time, features] · [features, parts · features]
    const [query, key, value] =
      x === source ? this.project(x, 0, 3) : [...this.project(x, 0, 1), ...this.project(source, 1, 3)];
    // [batch, heads, time, width] · [batch, heads, width, length] → [batch, heads, time, length]
    const scores = matmul(query, key.swapAxes(-1, -2)).div(Math.sqrt(features / this.heads));
    const seen = this.causal ? where(causalMask(time), scores, Number.NEGATIVE_INFINITY) : scores;
    const weights = this.dropout.forward(softmax(seen, -1), options);
    // [batch, heads, time, length] · [batch, heads, length, width] → [batch, time, heads · width]
    const joined = matmul(weights, value).transpose([0, 2, 1, 3]).reshape([batch, time, features]);
    return this.output.forward(joined);
  }

  private checkSequence(x: Tensor, features: number): void {
    checkInput(x, "MultiHeadAttention");
    if (x.rank !== 3 || x.shape[2] !== features)
      throw refuseShape("MultiHeadAttention", `[batch, time, ${features}]`, x);
  }

  /** The projections from one part to another (queries 0, keys 1, values 2), each [batch, heads, time, width]. */
  private project(x: Tensor, from: number, to: number): Tensor[] {
    const [batch, time, features] = x.shape;
    const rows: [number, number] = [from * features, to * features];
    const y = matmul(x, this.inputWeight.slice(rows).transpose());
    const shifted = this.inputBias === null ? y : add(y, this.inputBias.slice(rows));
    const shape = [batch, time, this.heads, features / this.heads];
    return shifted.split(to - from, -1).map((part) => part.reshape(shape).transpose([0, 2, 1, 3]));
  }

  /** PyTorch's names. */
  [stateNames](path: string): string {
    return (
      { inputWeight: "in_proj_weight", inputBias: "in_proj_bias" }[path] ??
      path.replace(/^output\./, "out_proj.")
    );
  }

  /** `MultiHeadAttention(8, 2 heads, causal)`: what a summary calls it, and what Node prints. */
  toString(): string {
    const heads = `${this.heads} head${this.heads === 1 ? "" : "s"}`;
    return `MultiHeadAttention(${this.inputWeight.shape[1]}, ${heads}${this.causal ? ", causal" : ""})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** [time, time]: true where the column's position is not after the row's. */
function causalMask(time: number): Tensor {
  const positions = arange(time);
  return positions.reshape([time, 1]).ge(positions);
}
