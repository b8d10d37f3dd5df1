/** Every scalar operation on every dtype it makes sense for, in vectors and in tails, against the interpreter. */
import { describe, expect, it } from "vitest";
import type { BinaryOp, CompareOp, Expr, UnaryOp } from "../../../src/loops/ir.js";
import { allocate, type DType, type TypedArray } from "../../../src/types/dtype.js";
import { interpret } from "../../support/interpret-loops.js";
import { binary, constant, load, runWasm, schedule, ulps, unary } from "./support.js";

const floats = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  3.7,
  -3.7,
  1e-3,
  1e-20,
  -1e-38,
  1e-40,
  88,
  -88,
  100.25,
  7e5,
  -1e9,
  3e9,
  1e30,
  3e38,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];
const integers = [0, 1, -1, 2, -2, 3, 7, -7, 10, 31, 32, 1000, -1000, 2 ** 31 - 1, -(2 ** 31), 65537, 12345];
const values: Record<DType, readonly number[]> = {
  bool: [0, 1, 0, 0, 1, 1, 0],
  int32: integers,
  float32: floats,
  float64: [...floats, 1e300, 5e-324, -1e-310],
};

const arithmetic: UnaryOp[] = ["neg", "abs", "sign"];
const rounding: UnaryOp[] = ["floor", "ceil", "round"];
const functions: UnaryOp[] = [
  ...(["sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan"] as const),
  ...(["sinh", "cosh", "tanh", "sigmoid", "erf"] as const),
];
const unaryOps: Record<DType, UnaryOp[]> = {
  bool: ["not"],
  int32: [...arithmetic, ...rounding, "not"],
  float32: [...arithmetic, ...rounding, ...functions],
  float64: [...arithmetic, ...rounding, ...functions],
};
const everywhere: BinaryOp[] = ["add", "sub", "mul", "max", "min"];
const binaryOps: Record<DType, BinaryOp[]> = {
  bool: ["and", "or", "xor", "max", "min", "mul"],
  int32: [...everywhere, "div", "pow", "mod", "and", "or", "xor", "shl", "shr"],
  float32: [...everywhere, "div", "mod", "pow", "atan2"],
  float64: [...everywhere, "div", "mod", "pow", "atan2"],
};
const compareOps: CompareOp[] = ["eq", "ne", "lt", "le", "gt", "ge"];
const dtypes: DType[] = ["bool", "int32", "float32", "float64"];

function fill(dtype: DType, numbers: readonly number[]): TypedArray {
  const array = allocate(dtype, numbers.length);
  array.set(numbers);
  return array;
}

/** Lanes in use differ with what else a kernel computes: alone, beside a float64, and one point at a time. */
const settings = ["alone", "beside float64", "scalar"] as const;

function check(
  inputs: readonly TypedArray[],
  dtypesOf: readonly DType[],
  result: DType,
  make: (loads: Expr[]) => Expr,
  allowedUlps: number,
): void {
  const { length } = inputs[0];
  for (const setting of settings) {
    const strides = [1];
    const loads = dtypesOf.map((dtype, i) => load(dtype, i, strides));
    const out = dtypesOf.length;
    const value = make(loads);
    const buffers = [...dtypesOf, result, "float64" as const].map((dtype) => ({ dtype, length }));
    const stores = [{ buffer: out, offset: 0, strides, value }];
    if (setting === "beside float64") {
      const wide: Expr = { kind: "constant", dtype: "float64", value: 1 };
      stores.push({ buffer: out + 1, offset: 0, strides, value: wide });
    }
    const loops = setting === "scalar" ? [1] : [length];
    const kernels = Array.from({ length: setting === "scalar" ? length : 1 }, (_, i) => {
      const move = (e: Expr): Expr => (e.kind === "load" ? { ...e, offset: i } : e);
      const moved = setting === "scalar" ? make(loads.map(move)) : value;
      const movedStores = setting === "scalar" ? [{ buffer: out, offset: i, strides, value: moved }] : stores;
      return {
        kind: "loops",
        name: "test",
        loops,
        reducedLoops: 0,
        reductions: [],
        stores: movedStores,
      } as const;
    });
    const plan = schedule(buffers, kernels);
    const given = new Map(inputs.map((array, i) => [i, array]));
    const expected = interpret(plan, given)[out];
    const received = runWasm(plan, given)[out];
    for (let i = 0; i < length; i++) {
      const distance = ulps(result, expected[i], received[i]);
      const operands = inputs.map((array) => array[i]).join(", ");
      if (distance > allowedUlps)
        expect.fail(`${setting}: of ${operands} expected ${expected[i]}, received ${received[i]}`);
      // The sign of zero matters where the value is exact.
      if (allowedUlps === 0 && expected[i] === 0)
        expect(`${operands} ${Object.is(received[i], -0)}`).toBe(`${operands} ${Object.is(expected[i], -0)}`);
    }
  }
}

describe.each(dtypes)("on %s", (dtype) => {
  it.each(unaryOps[dtype])("%s", (op) => {
    // What the functions promise beyond "close" has tests of its own; here the plumbing is at stake.
    const allowed = functions.includes(op) && op !== "sqrt" ? 8 : 0;
    check([fill(dtype, values[dtype])], [dtype], dtype, ([x]) => unary(op, x), allowed);
  });

  it.each(binaryOps[dtype])("%s of every pair", (op) => {
    const pairs = values[dtype].flatMap((x) => values[dtype].map((y) => [x, y]));
    const xs = fill(
      dtype,
      pairs.map(([x]) => x),
    );
    const ys = fill(
      dtype,
      pairs.map(([, y]) => y),
    );
    const allowed = op === "pow" || op === "atan2" ? 8 : 0;
    check([xs, ys], [dtype, dtype], dtype, ([x, y]) => binary(op, x, y), dtype === "int32" ? 0 : allowed);
  });

  it.each(compareOps)("%s of every pair", (op) => {
    const pairs = values[dtype].flatMap((x) => values[dtype].map((y) => [x, y]));
    const xs = fill(
      dtype,
      pairs.map(([x]) => x),
    );
    const ys = fill(
      dtype,
      pairs.map(([, y]) => y),
    );
    check([xs, ys], [dtype, dtype], "bool", ([x, y]) => ({ kind: "compare", op, dtype: "bool", x, y }), 0);
  });

  it.each(dtypes)("cast to %s", (to) => {
    check([fill(dtype, values[dtype])], [dtype], to, ([x]) => ({ kind: "cast", dtype: to, x }), 0);
  });

  it("select", () => {
    const numbers = values[dtype];
    const mask = fill(
      "bool",
      numbers.map((_, i) => (i % 3 === 0 ? 1 : 0)),
    );
    const inputs = [mask, fill(dtype, numbers), fill(dtype, numbers.toReversed())];
    check(
      inputs,
      ["bool", dtype, dtype],
      dtype,
      ([condition, x, y]) => ({ kind: "select", dtype, condition, x, y }),
      0,
    );
  });
});

it("the remainder is exact for quotients beyond the format's precision", () => {
  const xs = new Float64Array([1e300, 1e17, 2 ** 60 + 2 ** 10, -1e300, 5e-324, 1e308]);
  const ys = new Float64Array([3, 7, 3, 3, 1e-310, 5e-324]);
  check([xs, ys], ["float64", "float64"], "float64", ([x, y]) => binary("mod", x, y), 0);
});

describe.each(["float32", "float64"] as const)("clipping %s at a constant", (dtype) => {
  it.each([0, 1.5, -2, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("of %f keeps NaN", (limit) => {
    const numbers = values[dtype].filter((x) => x !== 0);
    for (const op of ["max", "min"] as const)
      check([fill(dtype, numbers)], [dtype], dtype, ([x]) => binary(op, x, constant(dtype, limit)), 0);
  });
});
