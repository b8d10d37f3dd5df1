/** Matrix products, normalisations and losses of ONNX. */
import { det, einsum, type Tensor, where } from "../../../index.js";
import { type Call, type Operators, one, two } from "../call.js";
import { range } from "./support.js";

/** α · a · b + β · c, with either matrix transposed on request. */
function gemm(call: Call): Tensor {
  const a = call.number("transA", 0) === 1 ? call.input(0).transpose() : call.input(0);
  const b = call.number("transB", 0) === 1 ? call.input(1).transpose() : call.input(1);
  const scaled = (x: Tensor, factor: number): Tensor => (factor === 1 ? x : x.mul(factor));
  const y = scaled(a.matmul(b), call.number("alpha", 1));
  const c = call.maybe(2);
  return c === undefined ? y : y.add(scaled(c, call.number("beta", 1)));
}

/** [channels] beside [batch, channels, …] */
function perChannel(values: Tensor, x: Tensor): Tensor {
  return values.reshape([values.size, ...range(x.rank - 2).map(() => 1)]);
}

/** With the statistics of the file, as in inference. */
function batchNormalization(call: Call): Tensor {
  if (call.number("training_mode", 0) === 1 || call.facts.outputs.length > 1)
    throw call.unsupported("training mode; export the model for inference");
  if (call.number("spatial", 1) !== 1) throw call.unsupported("statistics for each place");
  const x = call.input(0);
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((i) => perChannel(call.input(i), x));
  const deviation = variance.add(call.number("epsilon", 1e-5)).sqrt();
  return x.sub(mean).div(deviation).mul(scale).add(shift);
}

/** x less its mean, over its deviation along the axes. */
function standardized(
  x: Tensor,
  axes: number[],
  epsilon: number,
): [y: Tensor, mean: Tensor, inverse: Tensor] {
  const mean = x.mean(axes, { keepDims: true });
  const centred = x.sub(mean);
  const inverse = centred.square().mean(axes, { keepDims: true }).add(epsilon).rsqrt();
  return [centred.mul(inverse), mean, inverse];
}

function layerNormalization(call: Call): readonly Tensor[] {
  const x = call.input(0);
  const axis = call.axis(x.rank, call.number("axis", -1));
  const axes = range(x.rank - axis).map((i) => axis + i);
  const [y, mean, inverse] = standardized(x, axes, call.number("epsilon", 1e-5));
  const scaled = y.mul(call.input(1));
  const shift = call.maybe(2);
  return [shift === undefined ? scaled : scaled.add(shift), mean, inverse];
}

function instanceNormalization(call: Call): Tensor {
  const x = call.input(0);
  const [y] = standardized(
    x,
    range(x.rank - 2).map((i) => 2 + i),
    call.number("epsilon", 1e-5),
  );
  return y.mul(perChannel(call.input(1), x)).add(perChannel(call.input(2), x));
}

/** Scale and shift are one for each group before version 21, one for each channel from then on. */
function groupNormalization(call: Call): Tensor {
  const x = call.input(0);
  const [batch, channels, ...extents] = x.shape;
  const groups = call.number("num_groups");
  const grouped = x.reshape([batch, groups, channels / groups, ...extents]);
  const axes = range(grouped.rank - 2).map((i) => 2 + i);
  const [y] = standardized(grouped, axes, call.number("epsilon", 1e-5));
  const [scale, shift] = [call.input(1), call.input(2)];
  if (call.version < 21)
    return y.mul(perChannel(scale, grouped)).add(perChannel(shift, grouped)).reshape(x.shape);
  return y.reshape(x.shape).mul(perChannel(scale, x)).add(perChannel(shift, x));
}

function rmsNormalization(call: Call): Tensor {
  const x = call.input(0);
  const axis = call.axis(x.rank, call.number("axis", -1));
  const axes = range(x.rank - axis).map((i) => axis + i);
  const square = x.square().mean(axes, { keepDims: true });
  return x.mul(square.add(call.number("epsilon", 1e-5)).rsqrt()).mul(call.input(1));
}

function meanVarianceNormalization(x: Tensor, call: Call): Tensor {
  const axes = [...(call.numbers("axes") ?? [0, 2, 3])];
  const centred = x.sub(x.mean(axes, { keepDims: true }));
  return centred.div(centred.square().mean(axes, { keepDims: true }).sqrt().add(1e-9));
}

/** Over channels around each one: size of them, more after than before where that is even. */
function localResponse(x: Tensor, call: Call): Tensor {
  const size = call.number("size");
  const before = Math.floor((size - 1) / 2);
  const squares = x
    .square()
    .pad(x.shape.map((_, axis): [number, number] => (axis === 1 ? [before, size - 1 - before] : [0, 0])));
  const total = range(size)
    .map((i) => squares.slice(null, [i, i + x.shape[1]]))
    .reduce((a, b) => a.add(b));
  const base = total.mul(call.number("alpha", 1e-4) / size).add(call.number("bias", 1));
  return x.div(base.pow(call.number("beta", 0.75)));
}

function lpNormalization(x: Tensor, call: Call): Tensor {
  const axis = call.axis(x.rank, call.number("axis", -1));
  const options = { keepDims: true };
  const size = call.number("p", 2) === 1 ? x.abs().sum(axis, options) : x.norm(axis, options);
  return where(size.eq(0), 0, x.div(where(size.eq(0), 1, size)));
}

/** Class axis 1; what is to be ignored counts as nothing, also in the mean. */
function likelihoodLoss(call: Call, logProbabilities: Tensor): Tensor {
  const labels = call.input(1).cast("int32");
  const classes = logProbabilities.shape[1];
  const ignored = call.has("ignore_index") ? labels.eq(call.number("ignore_index")) : undefined;
  const known = ignored === undefined ? labels : where(ignored, 0, labels);
  const picked = logProbabilities.takeAlong(known.expandDims(1), 1).squeeze(1).neg();
  const given = call.maybe(2);
  const weights = given === undefined ? undefined : given.reshape([classes]).take(known);
  const counted = weights ?? picked.mul(0).add(1);
  const used = ignored === undefined ? counted : where(ignored, 0, counted);
  const loss = picked.mul(used);
  switch (call.text("reduction", "mean")) {
    case "none":
      return loss;
    case "sum":
      return loss.sum();
    default:
      return loss.sum().div(used.sum());
  }
}

/** The equation with letters for the axes that `...` stands for, which must be as many in every term. */
function named(equation: string, call: Call): string {
  if (!equation.includes("...")) return equation;
  const [left, right] = equation.split("->");
  const counts = left
    .split(",")
    .flatMap((term, i) => (term.includes("...") ? [call.input(i).rank - term.length + 3] : []));
  if (counts.some((count) => count !== counts[0]))
    throw call.unsupported(`the axes ... of ${equation}, not as many in each`);
  const free = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].filter((letter) => !equation.includes(letter));
  const letters = free.slice(0, counts[0]).join("");
  // without a result in the equation, the axes of ... come first and then the letters that occur once
  const once = [...new Set(left.replace(/[^a-zA-Z]/g, ""))]
    .filter((letter) => left.split(letter).length === 2)
    .sort();
  return `${left}->${right ?? `...${once.join("")}`}`.replaceAll("...", letters);
}

function softmaxCrossEntropy(call: Call): readonly Tensor[] {
  const logProbabilities = call.input(0).logSoftmax(1);
  return [likelihoodLoss(call, logProbabilities), logProbabilities];
}

export const productOperators: Operators = {
  MatMul: two((a, b) => a.matmul(b)),
  Det: one((x) => det(x)),
  Gemm: { inputs: [2, 3], run: gemm },
  Einsum: {
    inputs: [1, Number.POSITIVE_INFINITY],
    run: (call) => einsum(named(call.text("equation").replaceAll(" ", ""), call), ...call.all),
  },
  BatchNormalization: {
    inputs: [5, 5],
    // the others are for training
    gives: ({ elements }) => new Array<(typeof elements)[number]>(5).fill(elements[0]),
    run: batchNormalization,
  },
  LayerNormalization: {
    inputs: [2, 3],
    gives: ({ elements }) => [elements[0], elements[0], elements[0]],
    run: layerNormalization,
  },
  InstanceNormalization: { inputs: [3, 3], run: instanceNormalization },
  GroupNormalization: { inputs: [3, 3], run: groupNormalization },
  RMSNormalization: { inputs: [2, 2], run: rmsNormalization },
  MeanVarianceNormalization: one(meanVarianceNormalization),
  LRN: one(localResponse),
  LpNormalization: one(lpNormalization),
  Dropout: {
    inputs: [1, 3],
    gives: ({ elements }) => [elements[0], "bool"],
    run: (call) => {
      if ((call.host(2)?.[0] ?? 0) !== 0 && (call.host(1)?.[0] ?? 0.5) !== 0)
        throw call.unsupported("training mode; export the model for inference");
      const x = call.input(0);
      return [x, x.cast("float32").mul(0).eq(0)];
    },
  },
  NegativeLogLikelihoodLoss: { inputs: [2, 3], run: (call) => likelihoodLoss(call, call.input(0)) },
  SoftmaxCrossEntropyLoss: {
    inputs: [2, 3],
    gives: ({ elements }) => [elements[0], elements[0]],
    run: softmaxCrossEntropy,
  },
};
