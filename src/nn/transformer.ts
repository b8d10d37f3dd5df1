/** A block of a transformer (Vaswani et al. 2017), as PyTorch's TransformerEncoderLayer arranges it. */
import { type DType, random, type Tensor } from "../index.js";
import { checkOptions } from "../util/checks.js";
import { Activation, type ActivationName } from "./activation.js";
import { checkFlag, checkFloatDtype, checkLayerOptions, checkProbability, checkSize } from "./arguments.js";
import { MultiHeadAttention } from "./attention.js";
import { Dropout } from "./dropout.js";
import { Linear } from "./linear.js";
import type { ForwardOptions, Module } from "./module.js";
import { stateNames } from "./names.js";
import { LayerNorm } from "./normalisation.js";

/** How a block is made; defaults as in PyTorch. */
export interface TransformerBlockOptions {
  /** Neurons between the two fully connected layers. Default 2048. */
  readonly hidden?: number;
  /** The probability of dropout at its four places in training. Default 0.1. */
  readonly dropout?: number;
  /** Between the two fully connected layers. Default "relu". */
  readonly activation?: ActivationName | ((x: Tensor) => Tensor);
  /**
   * Whether normalisation comes before attention and the fully connected layers instead of after the sums. Default
   * false.
   */
  readonly normFirst?: boolean;
  /** Whether a position sees only itself and those before it. Default false. */
  readonly causal?: boolean;
  /** Added to the variances of the normalisations. Default 1e-5. */
  readonly epsilon?: number;
  /** The random key the weights are drawn from. Default: the next of the sequence that `setSeed` restarts. */
  readonly key?: Tensor;
  /** float32 (default) or float64. */
  readonly dtype?: DType;
}

const optionNames = [
  "hidden",
  "dropout",
  "activation",
  "normFirst",
  "causal",
  "epsilon",
  "key",
  "dtype",
] as const satisfies readonly (keyof TransformerBlockOptions)[];

/**
 * A block of a transformer: attention of a sequence to itself, then two fully connected layers at every position,
 * each with a way around it and layer normalisation: y = norm₁(x + attention(x)), z = norm₂(y +
 * linear₂(activation(linear₁(y)))); with `normFirst`, y = x + attention(norm₁(x)) and so on. Sequences are [batch,
 * time, features], batch first.
 *
 * @example
 * const block = new nn.TransformerBlock(8, 2, { hidden: 32, causal: true, normFirst: true });
 * block.forward(ones([5, 20, 8])).shape; // → 5,20,8
 */
export class TransformerBlock implements Module {
  /** Attention of the sequence to itself. */
  readonly attention: MultiHeadAttention;
  /** features → hidden */
  readonly linear1: Linear;
  /** hidden → features */
  readonly linear2: Linear;
  /** Of attention's part. */
  readonly norm1: LayerNorm;
  /** Of the fully connected part. */
  readonly norm2: LayerNorm;
  /** Between the fully connected layers. */
  readonly activation: Activation;
  /** After attention, after the activation, and after the second layer. */
  readonly dropout: Dropout;
  /** Whether normalisation comes first. */
  readonly normFirst: boolean;

  /** @throws AdjointError `invalid-argument` */
  constructor(features: number, heads: number, options: TransformerBlockOptions = {}) {
    const name = "TransformerBlock";
    checkLayerOptions(options, optionNames, name);
    const { hidden = 2048, dropout = 0.1, activation = "relu", normFirst = false, causal = false } = options;
    checkSize(hidden, name, "hidden");
    checkProbability(dropout, name, "dropout");
    checkFlag(normFirst, name, "normFirst");
    const dtype = checkFloatDtype(options.dtype, name);
    const { epsilon = 1e-5 } = options;
    this.activation = new Activation(activation);
    const [attentionKey, firstKey, secondKey] = random.split(options.key ?? random.next(), 3);
    this.attention = new MultiHeadAttention(features, heads, { causal, dropout, key: attentionKey, dtype });
    this.linear1 = new Linear(features, hidden, { key: firstKey, dtype });
    this.linear2 = new Linear(hidden, features, { key: secondKey, dtype });
    this.norm1 = new LayerNorm(features, { epsilon, dtype });
    this.norm2 = new LayerNorm(features, { epsilon, dtype });
    this.dropout = new Dropout(dropout);
    this.normFirst = normFirst;
  }

  /**
   * @param x [batch, time, features]
   * @returns the same shape
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor, or in training without the key
   * that dropout needs
   */
  forward(x: Tensor, options: ForwardOptions = {}): Tensor {
    checkOptions(options, "TransformerBlock.forward");
    const { key, ...others } = options;
    const keys = key === undefined ? undefined : random.split(key, 4);
    const optionsOf = (index: number): ForwardOptions =>
      keys === undefined ? others : { ...others, key: keys[index] };
    const attend = (value: Tensor): Tensor =>
      this.dropout.forward(this.attention.forward(value, optionsOf(0)), optionsOf(1));
    const transform = (value: Tensor): Tensor => {
      const hidden = this.activation.forward(this.linear1.forward(value));
      return this.dropout.forward(
        this.linear2.forward(this.dropout.forward(hidden, optionsOf(2))),
        optionsOf(3),
      );
    };
    if (this.normFirst) {
      const y = x.add(attend(this.norm1.forward(x)));
      return y.add(transform(this.norm2.forward(y)));
    }
    const y = this.norm1.forward(x.add(attend(x)));
    return this.norm2.forward(y.add(transform(y)));
  }

  /** PyTorch's names. */
  [stateNames](path: string): string {
    return path.replace(/^attention\./, "self_attn.");
  }

  /** What a summary calls it, and what Node prints. */
  toString(): string {
    const [hidden, features] = this.linear1.weight.shape;
    const { heads, causal } = this.attention;
    return `TransformerBlock(${features}, ${heads} head${heads === 1 ? "" : "s"}, hidden ${hidden}${causal ? ", causal" : ""})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
