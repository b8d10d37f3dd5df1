/** Float32 errors of the elementary functions over their whole ranges, against float64: the table's bounds. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { devices, jit, setDevice, type Tensor, tensor } from "../../src/index.js";
import { erf } from "../../src/primitives/special.js";
import { errorInUlps32 } from "../backends/math/ulp.js";

interface Row {
  readonly name: string;
  readonly f: (x: Tensor) => Tensor;
  readonly exact: (x: number) => number;
  readonly bound: number;
  readonly ranges: readonly (readonly [number, number])[];
}

const row = (
  name: string,
  bound: number,
  f: Row["f"],
  exact: Row["exact"],
  ...ranges: (readonly [number, number])[]
): Row => ({ name, f, exact, bound, ranges });

const rows: readonly Row[] = [
  row("exp", 3, (x) => x.exp(), Math.exp, [-104, 89], [-1, 1], [-1e-3, 1e-3]),
  row("log", 4, (x) => x.log(), Math.log, [1e-38, 1], [0.5, 2], [1, 3e38]),
  row("tanh", 2, (x) => x.tanh(), Math.tanh, [-10, 10], [-0.1, 0.1], [-1e-4, 1e-4]),
  row("sin", 2, (x) => x.sin(), Math.sin, [-10, 10], [-1e-3, 1e-3], [-1e4, 1e4], [1e5, 1e8]),
  row("cos", 2, (x) => x.cos(), Math.cos, [-10, 10], [-1e4, 1e4], [1e5, 1e8]),
  row("expm1", 3, (x) => x.expm1(), Math.expm1, [-20, 88], [-0.5, 0.5], [-1e-5, 1e-5]),
  row("log1p", 2, (x) => x.log1p(), Math.log1p, [-0.999, 10], [-1e-3, 1e-3], [1, 1e30]),
  row("erf", 4, (x) => x.erf(), erf, [-4, 4], [-1e-3, 1e-3]),
];

const POINTS = 4099;

/** Evenly spread float32 points of a range. */
function points([low, high]: readonly [number, number]): number[] {
  return Array.from({ length: POINTS }, (_, i) => Math.fround(low + ((high - low) * i) / (POINTS - 1)));
}

describe.each(devices())("on the %s device", (device) => {
  beforeAll(() => setDevice(device));
  afterAll(() => setDevice(devices()[0]));

  test.each(rows)("float32 $name is within $bound ULP", ({ f, exact, bound, ranges }) => {
    const limit = device === "reference" ? 1 : bound;
    for (const range of ranges) {
      const x = points(range);
      for (const y of [f(tensor(x)), jit(f)(tensor(x))]) {
        const got = y.dataSync();
        const worst = x.reduce(
          (most, at, i) =>
            errorInUlps32(got[i], exact(at)) > errorInUlps32(got[most], exact(x[most])) ? i : most,
          0,
        );
        const error = errorInUlps32(got[worst], exact(x[worst]));
        expect(error, `at ${x[worst]}: ${got[worst]} for ${exact(x[worst])}`).toBeLessThanOrEqual(limit);
      }
    }
  });
});
