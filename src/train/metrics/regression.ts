/**
 * Measures of numbers against numbers, definitions as scikit-learn's: where an example has several outputs, each is measured by
 * itself and the mean over them is given. Differences and sums are taken in float64.
 */
import { full, oneHot, type Tensor } from "../../index.js";
import { AdjointError, formatShape } from "../../util/errors.js";
import { isSingle, labelShapeOf } from "./labels.js";
import type { MergedMetric, Metric } from "./metric.js";

/** Outputs and targets as float64 [rows, outputs of an example]. */
function columns(output: Tensor, target: Tensor, operation: string): [output: Tensor, target: Tensor] {
  const y = alike(output, target, operation).cast("float64");
  const rows = output.shape[0] ?? 1;
  const shape = [rows, rows === 0 ? 1 : output.size / rows];
  return [output.cast("float64").reshape(shape), y.reshape(shape)];
}

/**
 * Targets of the outputs' shape, as losses take them: labels beside a single output are numbers, else one-hot encoded.
 * @throws AdjointError `shape-mismatch`
 */
function alike(output: Tensor, target: Tensor, operation: string): Tensor {
  if (formatShape(output.shape) === formatShape(target.shape)) return target;
  if (target.dtype === "int32" && formatShape(target.shape) === formatShape(labelShapeOf(output)))
    return isSingle(output) ? target.expandDims(-1) : oneHot(target, output.shape[output.rank - 1]);
  throw new AdjointError(
    "shape-mismatch",
    `${operation}: target must be of the outputs' shape ${formatShape(output.shape)}, received ${target.dtype}${formatShape(target.shape)}`,
    {
      operation,
      argument: "target",
      expected: formatShape(output.shape),
      received: formatShape(target.shape),
    },
  );
}

/**
 * |a − y|, the mean over all examples and outputs.
 *
 * @example
 * const points = { x: tensor([[1], [4]]), y: tensor([[2], [2]]) };
 * (await train.evaluate(new nn.Activation("identity"), points, ["meanAbsoluteError"])).meanAbsoluteError; // → 1.5
 */
export function meanAbsoluteError(): Metric {
  return absolute;
}

/**
 * (a − y)², the mean over all examples and outputs.
 *
 * @example
 * const points = { x: tensor([[1], [4]]), y: tensor([[2], [2]]) };
 * (await train.evaluate(new nn.Activation("identity"), points, ["meanSquaredError"])).meanSquaredError; // → 2.5
 */
export function meanSquaredError(): Metric {
  return squared;
}

/**
 * √ of the mean of (a − y)² over the examples, in the units of the targets; the mean over the outputs.
 *
 * @example
 * const points = { x: tensor([[1], [4]]), y: tensor([[2], [5]]) };
 * const name = "rootMeanSquaredError";
 * (await train.evaluate(new nn.Activation("identity"), points, [name]))[name]; // → 1
 */
export function rootMeanSquaredError(): Metric {
  return rootSquared;
}

/**
 * R² = 1 − Σ (y − a)² ÷ Σ (y − ȳ)²: 1 for outputs that are the targets, 0 for their mean, below for worse; the mean over the
 * outputs. Where the targets do not vary it is 1 if the outputs are right, else 0.
 *
 * @example
 * const points = { x: tensor([[1], [2], [4]]), y: tensor([[1], [2], [3]]) };
 * (await train.evaluate(new nn.Activation("identity"), points, ["r2"])).r2; // → 0.5
 */
export function r2(): Metric {
  return determination;
}

const absolute: Metric = {
  name: "meanAbsoluteError",
  better: "lower",
  compute(output, target) {
    const [a, y] = columns(output, target, "meanAbsoluteError");
    return a.sub(y).abs().mean();
  },
};

const squared: Metric = {
  name: "meanSquaredError",
  better: "lower",
  compute(output, target) {
    const [a, y] = columns(output, target, "meanSquaredError");
    return a.sub(y).square().mean();
  },
};

interface Squares {
  /** Σ (a − y)² of each output. */
  readonly squares: Tensor;
  readonly rows: Tensor;
}

const sumOfSquares: MergedMetric<Squares> = {
  name: "rootMeanSquaredError",
  better: "lower",
  summarize(output, target) {
    const [a, y] = columns(output, target, "rootMeanSquaredError");
    return { squares: a.sub(y).square().sum(0), rows: countRows(a) };
  },
  result: ({ squares, rows }) => squares.div(rows).sqrt().mean(),
};
const rootSquared: Metric = sumOfSquares;

interface Spread {
  readonly rows: Tensor;
  /** Of the targets of each output. */
  readonly mean: Tensor;
  /** Σ (y − ȳ)². */
  readonly about: Tensor;
  /** Σ (y − a)². */
  readonly residual: Tensor;
}

/**
 * Sums about the mean are merged as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing
 * sample variances" (1979): Σ y² − rows · ȳ² would lose every digit that the mean is larger than the spread.
 */
const spreadAndResidual: MergedMetric<Spread> = {
  name: "r2",
  better: "higher",
  summarize(output, target) {
    const [a, y] = columns(output, target, "r2");
    const mean = y.mean(0);
    return {
      rows: countRows(y),
      mean,
      about: y.sub(mean).square().sum(0),
      residual: y.sub(a).square().sum(0),
    };
  },
  merge(earlier, later) {
    const rows = earlier.rows.add(later.rows);
    const apart = later.mean.sub(earlier.mean);
    const share = later.rows.div(rows);
    return {
      rows,
      mean: earlier.mean.add(apart.mul(share)),
      about: earlier.about.add(later.about).add(apart.square().mul(earlier.rows).mul(share)),
      residual: earlier.residual.add(later.residual),
    };
  },
  async result({ about, residual }) {
    const [total, left] = await Promise.all([about.data(), residual.data()]);
    const each = Array.from(total, (whole, i) =>
      whole === 0 ? (left[i] === 0 ? 1 : 0) : 1 - left[i] / whole,
    );
    return each.reduce((sum, one) => sum + one, 0) / each.length;
  },
};
const determination: Metric = spreadAndResidual;

function countRows(values: Tensor): Tensor {
  return full([], values.shape[0], { dtype: "float64" });
}
