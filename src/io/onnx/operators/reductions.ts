/** Operators of ONNX that reduce, and those made of reductions. */
import { max, min, prod, type Tensor } from "../../../index.js";
import { type Call, type Operator, type Operators, one } from "../call.js";
import { arangeLike, product } from "./support.js";

/** How a tensor is reduced over axes that disappear or stay with extent 1. */
type Reduce = (x: Tensor, axes: number[], options: { keepDims: boolean }) => Tensor;

/** Axes are an attribute in older versions and an input in newer ones; none are all, or no reduction at all. */
function reduction(reduce: Reduce, isNarrow = false): Operator {
  return {
    inputs: [1, 2],
    narrow: isNarrow,
    run: (call) => {
      const x = call.input(0);
      const given = call.hostOr("axes", 1)?.map((axis) => call.axis(x.rank, axis)) ?? [];
      if (given.length === 0 && call.number("noop_with_empty_axes", 0) === 1) return x;
      const axes = given.length === 0 ? x.shape.map((_, axis) => axis) : [...given];
      return reduce(x, axes, { keepDims: call.number("keepdims", 1) === 1 });
    },
  };
}

/** A mean of integers is an integer again. */
const mean: Reduce = (x, axes, options) => {
  const total = x.sum(axes, options);
  return total.div(product(axes.map((axis) => x.shape[axis]))).cast(x.dtype);
};

/** Before version 13 the axes from the given one on count as one. */
function alongAxis(f: (x: Tensor, axis: number) => Tensor): Operator {
  return one((x, call) => {
    const isOld = call.version < 13;
    const axis = call.axis(x.rank, call.number("axis", isOld ? 1 : -1));
    if (!isOld) return f(x, axis);
    const flat = x.reshape([product(x.shape.slice(0, axis)), product(x.shape.slice(axis))]);
    return f(flat, 1).reshape(x.shape);
  });
}

/** 1 at the first maximum, 0 elsewhere. */
function hardmax(x: Tensor, axis: number): Tensor {
  return arangeLike(x, axis).eq(x.argmax(axis).expandDims(axis)).cast(x.dtype);
}

/** Sums up to each element, its own included or not, from either end. */
function cumulative(call: Call): Tensor {
  const x = call.input(0);
  const axis = call.axis(x.rank, call.host(1)?.[0] ?? 0);
  const backwards = call.number("reverse", 0) === 1;
  const ordered = backwards ? x.flip(axis) : x;
  const sums = ordered.cumsum(axis);
  const given = call.number("exclusive", 0) === 1 ? sums.sub(ordered) : sums;
  return backwards ? given.flip(axis) : given;
}

export const reductionOperators: Operators = {
  ReduceSum: reduction((x, axes, options) => x.sum(axes, options)),
  ReduceMean: reduction(mean),
  ReduceMax: reduction(max, true),
  ReduceMin: reduction(min, true),
  ReduceProd: reduction(prod),
  ReduceL1: reduction((x, axes, options) => x.abs().sum(axes, options)),
  ReduceL2: reduction((x, axes, options) => x.norm(axes, options)),
  ReduceSumSquare: reduction((x, axes, options) => x.square().sum(axes, options)),
  ReduceLogSum: reduction((x, axes, options) => x.sum(axes, options).log()),
  ReduceLogSumExp: reduction((x, axes, options) => x.logSumExp(axes, options)),
  Softmax: alongAxis((x, axis) => x.softmax(axis)),
  LogSoftmax: alongAxis((x, axis) => x.logSoftmax(axis)),
  Hardmax: alongAxis(hardmax),
  CumSum: { inputs: [2, 2], run: cumulative },
};
