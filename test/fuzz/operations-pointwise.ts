/** Operations element by element. */
import * as adjoint from "../../src/index.js";
import { type DType, full, linspace, type Tensor, zeros } from "../../src/index.js";
import { type Applied, type Breaks, broadcasts, every, type Operation } from "./operation.js";

/** A method without arguments. */
function method(
  name: string,
  run: (x: Tensor) => Tensor,
  more: { breaks?: Breaks; domain?: (x: number) => boolean; takes?: "float" | "number" } = {},
): Operation {
  const { takes = "float", ...rest } = more;
  return { name, operands: 1, takes, weight: 0.35, draw: () => ({ text: `$0.${name}`, run, ...rest }) };
}

const between = (low: number, high: number) => (x: number) => x >= low && x <= high;
const at = (...values: number[]): { breaks: Breaks } => ({ breaks: { kind: "at", values } });

const unary: readonly Operation[] = [
  method("neg()", (x) => x.neg(), { takes: "number" }),
  method("abs()", (x) => x.abs(), { ...at(0), takes: "number" }),
  method("sign()", (x) => x.sign(), { ...at(0), takes: "number" }),
  method("square()", (x) => x.square(), { takes: "number" }),
  method("exp()", (x) => x.exp(), { domain: between(-20, 4) }),
  method("expm1()", (x) => x.expm1(), { domain: between(-20, 4) }),
  method("log()", (x) => x.log(), { domain: (x) => x > 0.2 }),
  method("log1p()", (x) => x.log1p(), { domain: (x) => x > -0.8 }),
  method("sqrt()", (x) => x.sqrt(), { domain: (x) => x > 0.1 }),
  method("rsqrt()", (x) => x.rsqrt(), { domain: (x) => x > 0.1 }),
  method("reciprocal()", (x) => x.reciprocal(), { domain: (x) => Math.abs(x) > 0.2 }),
  method("sin()", (x) => x.sin(), { domain: between(-30, 30) }),
  method("cos()", (x) => x.cos(), { domain: between(-30, 30) }),
  method("tan()", (x) => x.tan(), { domain: between(-1.2, 1.2) }),
  method("asin()", (x) => x.asin(), { domain: between(-0.9, 0.9) }),
  method("acos()", (x) => x.acos(), { domain: between(-0.9, 0.9) }),
  method("atan()", (x) => x.atan()),
  method("sinh()", (x) => x.sinh(), { domain: between(-4, 4) }),
  method("cosh()", (x) => x.cosh(), { domain: between(-4, 4) }),
  method("tanh()", (x) => x.tanh()),
  method("sigmoid()", (x) => x.sigmoid()),
  method("erf()", (x) => x.erf()),
  method("softplus()", (x) => x.softplus(), at(0)),
  method("relu()", (x) => x.relu(), { ...at(0), takes: "number" }),
  method("leakyRelu(0.1)", (x) => x.leakyRelu(0.1), at(0)),
  method("elu()", (x) => x.elu(), at(0)),
  method("gelu()", (x) => x.gelu()),
  method('gelu({ approximate: "tanh" })', (x) => x.gelu({ approximate: "tanh" }), { domain: between(-6, 6) }),
  method("silu()", (x) => x.silu()),
  method("floor()", (x) => x.floor(), { breaks: { kind: "integers", shift: 0 }, takes: "number" }),
  method("ceil()", (x) => x.ceil(), { breaks: { kind: "integers", shift: 0 }, takes: "number" }),
  method("round()", (x) => x.round(), { breaks: { kind: "integers", shift: 0.5 }, takes: "number" }),
  method("clip(-0.5, 0.75)", (x) => x.clip(-0.5, 0.75), at(-0.5, 0.75)),
  method("stopGradient()", (x) => adjoint.stopGradient(x)),
  method("isFinite().cast", (x) => x.isFinite().cast(x.dtype)),
];

function pair(
  name: string,
  run: (x: Tensor, y: Tensor) => Tensor,
  more: {
    breaks?: Breaks;
    takes?: "float" | "number" | "any";
    fits?: (x: Tensor, y: Tensor) => boolean;
  } = {},
): Operation {
  const { takes = "number", fits, ...rest } = more;
  return {
    name,
    operands: 2,
    takes,
    weight: 0.9,
    draw: (_random, [x, y]) =>
      broadcasts(x, y) && (fits === undefined || fits(x, y))
        ? { text: `$0.${name}($1)`, run, ...rest }
        : null,
  };
}

const equal: { breaks: Breaks } = { breaks: { kind: "equal" } };
const compared = (name: "lt" | "le" | "gt" | "ge" | "eq" | "ne"): Operation => ({
  ...pair(name, (x, y) => x[name](y), { ...equal, takes: "number" }),
  weight: 0.25,
});

const binary: readonly Operation[] = [
  pair("add", (x, y) => x.add(y)),
  pair("sub", (x, y) => x.sub(y)),
  pair("mul", (x, y) => x.mul(y)),
  pair("div", (x, y) => x.div(y), { fits: (_x, y) => every(y, (v) => Math.abs(v) > 0.2) }),
  pair("pow", (x, y) => x.pow(y), {
    takes: "float",
    fits: (x, y) => every(x, (v) => v > 0.2 && v < 10) && every(y, (v) => Math.abs(v) < 3),
  }),
  pair("maximum", (x, y) => x.maximum(y), equal),
  pair("minimum", (x, y) => x.minimum(y), equal),
  pair("atan2", (x, y) => x.atan2(y), { takes: "float", fits: (_x, y) => every(y, (v) => v > 0.2) }),
  compared("lt"),
  compared("le"),
  compared("gt"),
  compared("ge"),
  compared("eq"),
  compared("ne"),
];

const scalars: readonly Operation[] = [
  {
    name: "number",
    operands: 1,
    takes: "number",
    weight: 2,
    draw: (random, [x]) => {
      const value =
        x.dtype === "int32" ? random.integer(-3, 3) : random.pick([0, 1, -1, 2, 0.5, -0.75, 1.25]);
      const choices: readonly (() => Applied | null)[] = [
        () => ({ text: `$0.add(${value})`, run: (a) => a.add(value) }),
        () => ({ text: `sub(${value}, $0)`, run: (a) => adjoint.sub(value, a) }),
        () => ({ text: `$0.sub(${value})`, run: (a) => a.sub(value) }),
        () => ({ text: `$0.mul(${value})`, run: (a) => a.mul(value) }),
        () => (value === 0 ? null : { text: `$0.div(${value})`, run: (a) => a.div(value) }),
        () => {
          const power = random.pick([1, 2, 3]);
          return { text: `$0.pow(${power})`, run: (a) => a.pow(power) };
        },
        () => {
          const modulus = random.pick([2, 3, -2]);
          return x.dtype === "int32" ? { text: `$0.mod(${modulus})`, run: (a) => a.mod(modulus) } : null;
        },
        () => ({
          text: `$0.maximum(${value})`,
          run: (a) => a.maximum(value),
          breaks: { kind: "at", values: [value] },
        }),
        () => ({
          text: `where($0.gt(${value}), $0, ${value})`,
          run: (a) => adjoint.where(a.gt(value), a, value),
          breaks: { kind: "at", values: [value] },
        }),
      ];
      return random.pick(choices)();
    },
  },
];

const conversions: readonly Operation[] = [
  {
    name: "cast",
    operands: 1,
    takes: "any",
    weight: 1.2,
    draw: (random, [x]) => {
      const dtype: DType = random.pick(["float64", "float64", "float32", "int32", "bool"]);
      if (x.dtype === dtype) return null;
      const breaks: Breaks | undefined =
        x.dtype === "int32" || x.dtype === "bool"
          ? undefined
          : dtype === "int32"
            ? { kind: "integers", shift: 0 }
            : dtype === "bool"
              ? { kind: "at", values: [0] }
              : undefined;
      return {
        text: `$0.cast("${dtype}")`,
        run: (a) => a.cast(dtype),
        ...(breaks === undefined ? {} : { breaks }),
      };
    },
  },
  {
    name: "logic",
    operands: 2,
    takes: "bool",
    weight: 0.6,
    draw: (random, [x, y]) => {
      if (!broadcasts(x, y)) return null;
      return random.pick<Applied>([
        { text: "$0.and($1)", run: (a, b) => a.and(b) },
        { text: "$0.or($1)", run: (a, b) => a.or(b) },
        { text: "$0.not()", run: (a) => a.not() },
      ]);
    },
  },
  {
    name: "where",
    operands: 3,
    takes: "any",
    weight: 1.5,
    draw: (_random, [c, x, y]) => {
      if (c.dtype !== "bool" || x.dtype === "bool" || y.dtype === "bool") return null;
      if (!broadcasts(x, y) || !broadcasts(c, x) || !broadcasts(c, y)) return null;
      return { text: "where($0, $1, $2)", run: (a, b, d) => adjoint.where(a, b, d) };
    },
  },
  {
    name: "oneHot",
    operands: 1,
    takes: "int",
    weight: 0.5,
    draw: (random, [x]) => {
      const depth = random.integer(1, 4);
      return x.size > 128 || x.rank > 3
        ? null
        : {
            text: `oneHot($0, ${depth}, { dtype: "float64" })`,
            run: (a) => adjoint.oneHot(a, depth, { dtype: "float64" }),
          };
    },
  },
];

/** The same shape in and out: operands beside constants and random numbers. */
const constants: readonly Operation[] = [
  {
    name: "constant",
    operands: 1,
    weight: 1,
    draw: (random, [x]) => {
      const { shape, size, dtype } = x;
      const value = random.pick([0, 1, -1, 0.5]);
      const key = random.integer(0, 99);
      const choices: readonly (() => Applied)[] = [
        () => ({ text: `$0.add(full(shape, ${value}))`, run: (a) => a.add(full(shape, value, { dtype })) }),
        () => ({ text: `$0.mul(full(shape, ${value}))`, run: (a) => a.mul(full(shape, value, { dtype })) }),
        () => ({ text: "zeros(shape).sub($0)", run: (a) => zeros(shape, { dtype }).sub(a) }),
        () => ({
          text: "$0.mul(linspace(-1, 1, size).reshape(shape))",
          run: (a) => a.mul(linspace(-1, 1, size, { dtype }).reshape(shape)),
        }),
        () => ({
          text: `$0.mul(random.normal(key(${key})))`,
          run: (a) => a.mul(adjoint.random.normal(adjoint.random.key(key), { shape, dtype })),
        }),
      ];
      return random.pick(choices)();
    },
  },
];

export const pointwise: readonly Operation[] = [
  ...unary,
  ...binary,
  ...scalars,
  ...conversions,
  ...constants,
];
