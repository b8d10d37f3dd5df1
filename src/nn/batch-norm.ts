/**
 * Batch normalisation (Ioffe and Szegedy 2015) with PyTorch's conventions: batches are normalised by their own variance
 * (ddof 0), running variances are those of the population (ddof 1).
 */
import { type DType, mean, ones, rsqrt, type Tensor, tensor, zeros } from "../index.js";
import { checkOptions } from "../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { checkFlag, checkLayerOptions, checkProbability, checkSize, refuseShape } from "./arguments.js";
import { checkInput } from "./input.js";
import type { ForwardOptions, Module } from "./module.js";
import { stateNames } from "./names.js";
import { affine, perChannel, startNorm } from "./normalisation.js";
import { RunningStatistics } from "./running-statistics.js";

/** How a batch normalisation goes; defaults as in PyTorch. */
export interface BatchNormOptions {
  /** ε: added to the variance under the root, above 0. Default 1e-5. */
  readonly epsilon?: number;
  /**
   * How much a new batch counts in the running statistics, from 0 to 1; null for the plain mean over all. Default
   * 0.1.
   */
  readonly momentum?: number | null;
  /** Whether every channel has a weight and a bias of its own, which start as 1 and 0. Default true. */
  readonly affine?: boolean;
  /** Whether statistics are kept for use after training; without, every batch is normalised by its own. Default true. */
  readonly track?: boolean;
  /** float32 (default) or float64. */
  readonly dtype?: DType;
}

const optionNames = [
  "epsilon",
  "momentum",
  "affine",
  "track",
  "dtype",
] as const satisfies readonly (keyof BatchNormOptions)[];

/**
 * Batch normalisation: every channel is brought to mean 0 and variance 1 over the batch and all positions in
 * training, and by its running statistics otherwise; then y = x̂ · weight + bias. `weight` and `bias` are [channels],
 * or null.
 *
 * A forward pass in training gives new running statistics, which a layer cannot keep by itself: `nn.trainForward`
 * gives them beside the output, and `nn.withStatistics` makes a model with them. Optimizers leave them alone.
 *
 * @example
 * const layer = new nn.BatchNorm(1, { momentum: 0.5 });
 * const [y, statistics] = nn.trainForward(layer, tensor([[1], [3]]));
 * y.round().array(); // → -1,1
 * const trained = nn.withStatistics(layer, statistics);
 * [trained.statistics.mean.array(), trained.statistics.variance.array()]; // → 1,1.5
 * trained.forward(tensor([[1]])).array(); // → 0
 */
export class BatchNorm implements Module {
  /** [channels], or null without one */
  readonly weight: Tensor | null;
  /** [channels], or null without one */
  readonly bias: Tensor | null;
  /** Mean and variance of the batches seen, [channels]; null where none are kept */
  readonly statistics: RunningStatistics | null;
  /** How many channels there are. */
  readonly channels: number;
  /** Added to the variance. */
  readonly epsilon: number;
  /** How much a new batch counts; null where all count the same. */
  readonly momentum: number | null;

  /** @throws AdjointError `invalid-argument` */
  constructor(channels: number, options: BatchNormOptions = {}) {
    checkLayerOptions(options, optionNames, "BatchNorm");
    this.channels = checkSize(channels, "BatchNorm", "channels");
    const { momentum = 0.1, track = true, epsilon, affine: scaled, dtype = "float32" } = options;
    checkFlag(track, "BatchNorm", "track");
    this.momentum = momentum === null ? null : checkProbability(momentum, "BatchNorm", "momentum");
    const start = startNorm([channels], withoutUndefined({ epsilon, affine: scaled, dtype }), "BatchNorm");
    this.weight = start.weight;
    this.bias = start.bias;
    this.epsilon = start.epsilon;
    this.statistics = track
      ? new RunningStatistics(
          zeros([channels], { dtype }),
          ones([channels], { dtype }),
          tensor(0, { dtype: "int32" }),
        )
      : null;
  }

  /**
   * @param x [batch, channels, …]; in training with more than one element a channel
   * @param options in training `{ train: true, statistics }`, where the new running statistics are left;
   * `nn.trainForward` does it
   * @returns the same shape
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor, or without a place for new
   * statistics
   */
  forward(x: Tensor, options: ForwardOptions = {}): Tensor {
    checkInput(x, "BatchNorm");
    checkOptions(options, "BatchNorm.forward");
    const { channels, statistics, epsilon } = this;
    if (x.rank < 2 || x.shape[1] !== channels) throw refuseShape("BatchNorm", `[batch, ${channels}, …]`, x);
    const { train = false } = options;
    if (statistics !== null && !train) {
      const scale = rsqrt(statistics.variance.add(epsilon));
      return this.finish(x.sub(beside(statistics.mean, x)).mul(beside(scale, x)), x);
    }
    const count = x.size / channels;
    if (train && !(count > 1))
      throw new AdjointError(
        "shape-mismatch",
        `BatchNorm: in training a channel needs more than one element, received ${formatShape(x.shape)}; a batch of one has no variance`,
        { operation: "BatchNorm", argument: "x", received: formatShape(x.shape) },
      );
    const axes = x.shape.map((_, i) => i).filter((axis) => axis !== 1);
    const centre = mean(x, axes, { keepDims: true });
    const centred = x.sub(centre);
    const variance = mean(centred.mul(centred), axes, { keepDims: true });
    if (train && statistics !== null) this.gather(statistics, centre, variance, count, options);
    return this.finish(centred.mul(rsqrt(variance.add(epsilon))), x);
  }

  /** Leaves the running statistics with this batch in them. */
  private gather(
    own: RunningStatistics,
    centre: Tensor,
    variance: Tensor,
    count: number,
    { statistics }: ForwardOptions,
  ): void {
    if (!(statistics instanceof Map))
      throw new AdjointError(
        "invalid-argument",
        `BatchNorm: in training its running statistics change, and forward needs { statistics } to leave them in, received ${formatReceived(statistics)}; call nn.trainForward(model, x), which gives them, or make the layer with { track: false }`,
        { operation: "BatchNorm", argument: "statistics", expected: "a Map" },
      );
    // a layer used twice in a pass sees its second batch after the first
    const before = statistics.get(own) ?? own;
    const batches = before.batches.add(1);
    const share = this.momentum ?? batches.cast(before.mean.dtype).reciprocal();
    const blend = (old: Tensor, batch: Tensor): Tensor => {
      const seen = batch.reshape([this.channels]).stopGradient().cast(old.dtype);
      return old.add(seen.sub(old).mul(share));
    };
    const population = variance.mul(count / (count - 1));
    statistics.set(
      own,
      new RunningStatistics(blend(before.mean, centre), blend(before.variance, population), batches),
    );
  }

  private finish(standard: Tensor, x: Tensor): Tensor {
    return affine(standard, perChannel(this.weight, x), perChannel(this.bias, x));
  }

  /** PyTorch's names: running statistics are fields of the layer. */
  [stateNames](path: string): string {
    return path.replace(/^statistics\./, "");
  }

  /** `BatchNorm(16)`: what a summary calls it, and what Node prints. */
  toString(): string {
    return `BatchNorm(${this.channels})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** A statistic [channels] beside x [batch, channels, …], held fixed: it is no function of the parameters. */
function beside(statistic: Tensor, x: Tensor): Tensor {
  return statistic.stopGradient().reshape([statistic.size, ...x.shape.slice(2).map(() => 1)]);
}

/** An option left out is not an option given as undefined. */
function withoutUndefined(options: {
  epsilon: number | undefined;
  affine: boolean | undefined;
  dtype: DType;
}): { epsilon?: number; affine?: boolean; dtype: DType } {
  const { epsilon, affine: scaled, dtype } = options;
  return {
    dtype,
    ...(epsilon === undefined ? {} : { epsilon }),
    ...(scaled === undefined ? {} : { affine: scaled }),
  };
}
