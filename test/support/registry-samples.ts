/**
 * For every primitive, applications of it: all dtypes, rank 0, zero sizes, and the cases of its rules. The record is complete by
 * type: a primitive without samples does not compile.
 */

import type { PrimitiveName, registry } from "../../src/primitives/registry.js";
import { dtypes } from "../../src/types/dtype.js";
import { sizeOf } from "../../src/types/shape.js";
import {
  choleskys,
  determinants,
  factoredSolves,
  factors,
  solves,
  triangularSolves,
} from "./registry-samples-linalg.js";
import { binary, casts, compare, shapes, unary } from "./registry-samples-pointwise.js";
import { dots, gathers, pads, reductions, scatters, slices, windows } from "./registry-samples-structural.js";
import {
  fixed,
  floats,
  numbers,
  over,
  type ParamsOf,
  random,
  type Sample,
  sample,
  typed,
} from "./registry-samples-values.js";

type SamplesOf<N extends PrimitiveName> = readonly Sample<ParamsOf<(typeof registry)[N]>>[];

export const samples: { readonly [N in PrimitiveName]: SamplesOf<N> } = {
  neg: unary("neg"),
  abs: unary("abs"),
  sign: unary("sign"),
  exp: unary("exp"),
  expm1: unary("expm1"),
  log: unary("log"),
  log1p: unary("log1p"),
  sqrt: unary("sqrt"),
  sin: unary("sin"),
  cos: unary("cos"),
  tan: unary("tan"),
  asin: unary("asin"),
  acos: unary("acos"),
  atan: unary("atan"),
  sinh: unary("sinh"),
  cosh: unary("cosh"),
  tanh: unary("tanh"),
  sigmoid: unary("sigmoid"),
  erf: unary("erf"),
  floor: unary("floor"),
  ceil: unary("ceil"),
  round: unary("round"),
  not: unary("not"),
  add: binary("add"),
  sub: binary("sub"),
  mul: binary("mul"),
  div: binary("div"),
  pow: binary("pow"),
  mod: binary("mod"),
  max: binary("max"),
  min: binary("min"),
  atan2: binary("atan2"),
  and: binary("and"),
  or: binary("or"),
  xor: binary("xor"),
  shl: binary("shl"),
  shr: binary("shr"),
  eq: compare("eq"),
  ne: compare("ne"),
  lt: compare("lt"),
  le: compare("le"),
  gt: compare("gt"),
  ge: compare("ge"),
  select: typed(dtypes, (dtype) =>
    shapes.map((shape) =>
      sample(
        `[${shape}]`,
        undefined,
        random(shape, "bool", 0, 1, 3),
        random(shape, dtype, -3, 3, 1),
        random(shape, dtype, -3, 3, 2),
      ),
    ),
  ),
  cast: casts,
  broadcast: over(dtypes, [
    [[], { axes: [0], sizes: [3] }],
    [[], { axes: [0, 1], sizes: [2, 3] }],
    [[3], { axes: [0], sizes: [2] }],
    [[3], { axes: [1], sizes: [2] }],
    [[2, 3], { axes: [1], sizes: [4] }],
    [[2, 3], { axes: [0, 3], sizes: [2, 2] }],
    [[3], { axes: [0], sizes: [0] }],
    [[0], { axes: [1], sizes: [2] }],
    [[3], { axes: [1], sizes: [1] }],
  ]),
  sum: over(numbers, [...reductions, [[0], { axes: [0] }], [[2, 0, 3], { axes: [1] }]]),
  reduceMax: [
    ...over(numbers, reductions),
    ...typed(floats, (dtype) => [
      { ...sample("ties", { axes: [1] }, fixed([2, 4], dtype, [1, 3, 3, 2, 5, 5, 5, 5])), valuesOnly: true },
      {
        ...sample(
          "NaN and infinities",
          { axes: [1] },
          fixed([3, 3], dtype, [1, NaN, 2, -Infinity, -Infinity, -Infinity, NaN, Infinity, 0]),
        ),
        valuesOnly: true,
      },
    ]),
  ],
  argmax: [
    ...over(numbers, [
      [[7], { axis: 0 }],
      [[2, 3], { axis: 0 }],
      [[2, 3], { axis: 1 }],
      [[2, 5, 3], { axis: 1 }],
      [[37, 19], { axis: 1 }],
      [[0, 3], { axis: 1 }],
    ]),
    ...typed(floats, (dtype) => [
      sample("ties", { axis: 1 }, fixed([2, 4], dtype, [1, 3, 3, 2, 5, 5, 5, 5])),
      sample(
        "NaN",
        { axis: 1 },
        fixed([3, 3], dtype, [1, NaN, NaN, -Infinity, -Infinity, -Infinity, NaN, Infinity, 0]),
      ),
    ]),
  ],
  cumsum: over<{ axis: number; reverse: boolean }>(
    numbers,
    [false, true].flatMap((reverse) => [
      [[7], { axis: 0, reverse }] as const,
      [[2, 3], { axis: 0, reverse }] as const,
      [[2, 3, 2], { axis: 1, reverse }] as const,
      [[2, 0], { axis: 1, reverse }] as const,
      [[0, 2], { axis: 1, reverse }] as const,
      [[3, 19], { axis: 1, reverse }] as const,
    ]),
  ),
  reshape: over(dtypes, [
    [[6], { shape: [2, 3] }],
    [[2, 3], { shape: [3, 2] }],
    [[2, 3], { shape: [6] }],
    [[1], { shape: [] }],
    [[], { shape: [1, 1] }],
    [[2, 0], { shape: [0, 5] }],
    [[4, 3], { shape: [2, 2, 1, 3] }],
  ]),
  permute: over(dtypes, [
    [[2, 3], { permutation: [1, 0] }],
    [[2, 3, 4], { permutation: [2, 0, 1] }],
    [[2, 3, 4], { permutation: [1, 2, 0] }],
    [[2, 1, 3, 2], { permutation: [3, 1, 0, 2] }],
    [[0, 3], { permutation: [1, 0] }],
    [[], { permutation: [] }],
  ]),
  flip: over(dtypes, [
    [[5], { axes: [0] }],
    [[2, 3], { axes: [0] }],
    [[2, 3], { axes: [0, 1] }],
    [[2, 3, 4], { axes: [1] }],
    [[0, 2], { axes: [0] }],
  ]),
  pad: over(
    dtypes,
    pads.map(([shape, params]) => [shape, params] as const),
  ).map((s) =>
    // a bool is 0 or 1
    s.inputs[0].dtype === "bool" && s.params.value !== 0 ? { ...s, params: { ...s.params, value: 1 } } : s,
  ),
  slice: over(
    dtypes,
    slices.map(([shape, params]) => [shape, params] as const),
  ),
  concat: typed(dtypes, (dtype) => [
    sample("[2] [3]", { axis: 0 }, random([2], dtype, -3, 3, 1), random([3], dtype, -3, 3, 2)),
    sample(
      "[2,1] [2,2] [2,3]",
      { axis: 1 },
      random([2, 1], dtype, -3, 3, 1),
      random([2, 2], dtype, -3, 3, 2),
      random([2, 3], dtype, -3, 3, 3),
    ),
    sample("[1,2] [3,2]", { axis: 0 }, random([1, 2], dtype, -3, 3, 1), random([3, 2], dtype, -3, 3, 2)),
    sample("[0] [3]", { axis: 0 }, random([0], dtype, -3, 3, 1), random([3], dtype, -3, 3, 2)),
    sample("[0,2] [0,1]", { axis: 1 }, random([0, 2], dtype, -3, 3, 1), random([0, 1], dtype, -3, 3, 2)),
  ]),
  boundIndex: [
    sample("from both ends", { extent: 4 }, fixed([2, 4], "int32", [0, 3, -1, -4, 2, 1, -2, -3])),
    sample("one place", { extent: 1 }, fixed([2], "int32", [0, -1])),
    sample("no index", { extent: 3 }, fixed([0], "int32", [])),
  ],
  gather: typed(dtypes, gathers),
  scatterAdd: typed(numbers, scatters),
  window: over(
    dtypes,
    windows.map(([shape, params]) => [shape, params] as const),
  ),
  windowAdd: typed(numbers, (dtype) =>
    windows.map(([shape, params]) => {
      const spatial = params.size.length;
      const extents = shape.slice(shape.length - spatial);
      const positions = extents.map((extent, i) =>
        Math.max(
          0,
          Math.floor((extent - (params.size[i] - 1) * params.dilation[i] - 1) / params.stride[i]) + 1,
        ),
      );
      const windowed = [...shape.slice(0, shape.length - spatial), ...positions, ...params.size];
      return sample(
        `[${windowed}] ${JSON.stringify(params)}`,
        { ...params, extents },
        random(windowed, dtype),
      );
    }),
  ),
  dot: typed(numbers, dots),
  argsort: [
    ...typed(numbers, (dtype) =>
      [[7], [2, 3], [3, 37], [2, 0], [0, 2], [1]].map((shape) =>
        sample(`[${shape}]`, undefined, random(shape, dtype, -3, 3)),
      ),
    ),
    ...typed(floats, (dtype) => [
      sample("ties and NaN", undefined, fixed([2, 4], dtype, [2, 1, 2, 1, NaN, -Infinity, NaN, Infinity])),
      sample("zeros of both signs", undefined, fixed([4], dtype, [0, -0, 0, -0])),
    ]),
  ],
  cholesky: choleskys,
  triangularSolve: triangularSolves,
  solve: solves,
  det: determinants,
  logAbsDet: determinants,
  cofactor: determinants,
  lu: factors,
  luSolve: factoredSolves,
  iota: dtypes
    .filter((dtype) => dtype !== "bool")
    .flatMap((dtype) => [0, 1, 19].map((length) => sample(`${dtype}[${length}]`, { length, dtype }))),
  randomBits: [[], [1], [7], [2, 3], [0], [33]]
    .map((shape) => sample(`[${shape}]`, { shape }, random([2], "int32", -(2 ** 31), 2 ** 31 - 1)))
    .concat([sample("three keys", { shape: [5] }, random([3, 2], "int32", -(2 ** 31), 2 ** 31 - 1))]),
  alias: typed(dtypes, (dtype) =>
    shapes.map((shape) => sample(`[${shape}]`, undefined, random(shape, dtype))),
  ),
  stopGradient: typed(dtypes, (dtype) =>
    shapes.map((shape) => sample(`[${shape}]`, undefined, random(shape, dtype))),
  ),
  barrier: typed(dtypes, (dtype) =>
    shapes.map((shape) =>
      sample(
        `[${shape}]`,
        { unique: -1 - sizeOf(shape) },
        random(shape, dtype, -3, 3, 1),
        random([2], "float32", -3, 3, 2),
      ),
    ),
  ),
};
