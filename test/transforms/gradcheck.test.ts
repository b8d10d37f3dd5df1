/** gradCheck and assertGradients: what they find, what they forgive, and how they say it. */
import { describe, expect, test } from "vitest";
import {
  AdjointError,
  assertGradients,
  checkpoint,
  customVjp,
  GradCheckReport,
  gradCheck,
  jit,
  type Tensor,
  tensor,
  where,
  zeros,
} from "../../src/index.js";
import { neg } from "../../src/primitives/unary.js";
import { bug, only } from "../planted/plant.js";

/** 2 x instead of 3 x². */
const wrongCube = customVjp({
  forward: function cube(x: Tensor) {
    return [x.pow(3), x] as const;
  },
  backward: (x: Tensor, yBar: Tensor) => [yBar.mul(x).mul(2)],
});
const wrongSin = bug("sin", "sin", { vjp: (_context, right) => only(right, neg) });

function codeOf(f: () => unknown): string | undefined {
  try {
    f();
  } catch (error) {
    return error instanceof AdjointError ? error.code : String(error);
  }
  return undefined;
}

describe("what it finds", () => {
  test("a right derivative passes with an error near rounding", () => {
    const report = gradCheck(
      (x: Tensor, w: Tensor) => x.matmul(w).tanh(),
      [
        tensor([[1, -2]]),
        tensor([
          [0.5, 1],
          [2, -1],
        ]),
      ],
    );
    expect(report.passed).toBe(true);
    expect(report.worstError).toBeLessThan(1e-8);
    expect(report.inputs.map(({ verdict, checked, method }) => [verdict, checked, method])).toEqual([
      ["ok", 2, "elements"],
      ["ok", 4, "elements"],
    ]);
    expect(report.forwardReverse.verdict).toBe("ok");
  });

  test("a wrong derivative is named with its input, element, claim and measurement", () => {
    const report = gradCheck((x: Tensor) => wrongCube(x).sum(), [tensor([1, 2])], { seed: 3 });
    expect(report.passed).toBe(false);
    const [input] = report.inputs;
    expect([input.verdict, input.wrong, input.checked, input.inconclusive]).toEqual(["wrong", 2, 2, 0]);
    // 2x against 3x², under a random cotangent: the ratio is 2 / (3x), and the worst is at x = 2
    const { worst } = input;
    expect(worst?.index).toEqual([1]);
    expect((worst?.analytic ?? 0) / (worst?.numeric ?? 1)).toBeCloseTo(4 / 12, 8);
    expect(input.maxError).toBeCloseTo((12 - 4) / (12 + 4), 8);
  });

  test("a user's rule is blamed under the name of its function", () => {
    const { culprits } = gradCheck((x: Tensor) => wrongCube(x.exp()).sum(), [tensor([0.1, 0.2])]);
    expect([...new Set(culprits.map(({ primitive }) => primitive))]).toEqual(["customVjp cube"]);
    expect(culprits[0].note).toMatch(/rule of your own/);
  });

  test("calls a user's rule by the name it was given", () => {
    const rule = customVjp({
      name: "soft cube",
      forward: (x: Tensor) => [x.pow(3), x],
      backward: (x, bar) => [bar.mul(2).mul(x.mul(x))],
    });
    expect(gradCheck(rule, [tensor(2)]).toString()).toContain("customVjp soft cube");
  });

  test.each([
    ["at once", (f: (x: Tensor) => Tensor) => f],
    ["inside jit", (f: (x: Tensor) => Tensor) => jit(f)],
    ["inside jit inside jit", (f: (x: Tensor) => Tensor) => jit((x: Tensor) => jit(f)(x).mul(2))],
    ["inside checkpoint", (f: (x: Tensor) => Tensor) => checkpoint(f)],
  ])("a wrong primitive is named, %s", (_name, wrap) => {
    const report = wrongSin.plant(() =>
      gradCheck(
        wrap((x) => x.exp().sin().mul(x)),
        [tensor([0.3, 0.7])],
      ),
    );
    expect(report.passed).toBe(false);
    expect([
      ...new Set(report.culprits.map(({ primitive, rule, input }) => `${primitive} ${rule} ${input}`)),
    ]).toEqual(["sin vjp 0"]);
  });

  test("a NaN that the value does not have is wrong", () => {
    // the branch not taken: sqrt′(0) = ∞, times 0
    const report = gradCheck(
      (x: Tensor) =>
        where(x.gt(1), x.sub(1).abs().sqrt().mul(0).add(x), x.mul(x).add(x.sub(0.5).sqrt().mul(0))),
      [tensor([0.5])],
    );
    expect(report.inputs[0].verdict).not.toBe("ok");
    const clean = gradCheck((x: Tensor) => where(x.gt(0), x.sqrt(), 0), [tensor([-1, 2])]);
    // −1: √ is NaN there, and 0 · NaN is no derivative of the constant 0
    expect(clean.inputs[0].verdict).toBe("wrong");
    expect(clean.inputs[0].worst?.index).toEqual([0]);
  });

  test("a large input is checked in random directions, and a single wrong element shows", () => {
    const x = tensor(Float64Array.from({ length: 3000 }, (_, i) => Math.cos(i)));
    expect(gradCheck((y: Tensor) => y.sin().sum(), [x]).inputs[0]).toMatchObject({
      method: "directions",
      checked: 16,
      verdict: "ok",
    });
    const spoiled = customVjp({
      forward: (y: Tensor) => [y.sin(), y] as const,
      backward: (y: Tensor, yBar: Tensor) => [
        yBar.mul(y.cos()).mul(y.lt(0.99999999).cast("float64").mul(0.5).add(0.5)),
      ],
    });
    const report = gradCheck((y: Tensor) => spoiled(y).sum(), [x]);
    expect(report.inputs[0].verdict).toBe("wrong");
  });
});

describe("what it forgives", () => {
  test.each([
    ["relu at 0", (x: Tensor) => x.relu(), 0],
    ["floor at 1", (x: Tensor) => x.floor().add(x), 1],
    ["clip at its bound", (x: Tensor) => x.clip(-1, 1), 1],
    ["leakyRelu at 0", (x: Tensor) => x.leakyRelu(), 0],
    ["√ at 0", (x: Tensor) => x.sqrt(), 0],
  ])("%s is inconclusive, not wrong", (_name, f, at) => {
    const report = gradCheck(f, [tensor([at, 0.37])]);
    expect(report.passed).toBe(true);
    expect([report.inputs[0].verdict, report.inputs[0].inconclusive]).toEqual(["inconclusive", 1]);
    expect(String(report)).toMatch(/inconclusive \(1 of 2\)/);
  });

  test("large values, small gradients and steep functions pass", () => {
    expect(gradCheck((x: Tensor) => x.mul(1e-8).add(1e6), [tensor([1, 2])]).passed).toBe(true);
    expect(gradCheck((x: Tensor) => x.mul(40).sin(), [tensor([1, 2])]).inputs[0].verdict).toBe("ok");
    expect(gradCheck((x: Tensor) => x.log(), [tensor([1e-5, 1e5])]).inputs[0].verdict).toBe("ok");
    expect(gradCheck((x: Tensor) => x.sin(), [tensor([1e5])]).inputs[0].verdict).toBe("ok");
  });

  test("a gradient that is right but for 1e-5 of it is not forgiven", () => {
    const nearly = customVjp({
      forward: (x: Tensor) => [x.sin(), x] as const,
      backward: (x: Tensor, yBar: Tensor) => [yBar.mul(x.cos()).mul(1 + 1e-5)],
    });
    expect(gradCheck(nearly, [tensor([0.4, 1])]).inputs[0].verdict).toBe("wrong");
    expect(gradCheck(nearly, [tensor([0.4, 1])], { tolerance: 1e-4 }).passed).toBe(true);
  });

  test("float32 inputs are taken in float64; a function that computes in float32 is judged by float32", () => {
    const seen: string[] = [];
    const f = (x: Tensor): Tensor => {
      seen.push(x.dtype);
      return x.exp();
    };
    gradCheck(f, [tensor([1])]);
    expect(new Set(seen)).toEqual(new Set(["float64"]));
    const report = gradCheck((x: Tensor) => x.cast("float32").sin(), [tensor([0.5, 1])]);
    expect([report.passed, report.tolerance]).toEqual([true, 1e-3]);
  });
});

describe("what it takes", () => {
  test("trees, numbers, integers and empty tensors", () => {
    const params = {
      layers: [{ w: tensor([[1, 2]]) }],
      labels: tensor([1], { dtype: "int32" }),
      empty: zeros([0]),
      name: "x",
    };
    const f = (p: typeof params, scale: Tensor): Tensor =>
      p.layers[0].w.take(p.labels, 1).mul(scale).add(p.empty.sum());
    const report = gradCheck(f, [params, 2]);
    expect(report.inputs.map(({ path, checked, verdict }) => `${path} ${checked} ${verdict}`)).toEqual([
      "0.layers.0.w 2 ok",
      "0.empty 0 ok",
      "1 1 ok",
    ]);
  });

  test("any tree of tensors as a result", () => {
    const report = gradCheck((x: Tensor) => ({ a: x.sin(), b: [x.sum(), x.argmax()] }), [tensor([1, 2])]);
    expect(report.passed).toBe(true);
  });

  test("the same seed gives the same report", () => {
    const check = (seed: number): unknown =>
      gradCheck((x: Tensor) => wrongCube(x), [tensor([1, 2])], { seed }).toJSON();
    expect(check(5)).toEqual(check(5));
    expect(check(5)).not.toEqual(check(6));
  });

  test("refusals are typed", () => {
    expect(codeOf(() => gradCheck((x: Tensor) => x, tensor([1]) as never))).toBe("invalid-argument");
    expect(codeOf(() => gradCheck("f" as never, [tensor([1])]))).toBe("invalid-argument");
    expect(codeOf(() => gradCheck((x: Tensor) => x, [tensor([1], { dtype: "int32" })]))).toBe(
      "not-differentiable",
    );
    expect(codeOf(() => gradCheck((x: Tensor) => x.argmax(), [tensor([1])]))).toBe("not-differentiable");
    expect(codeOf(() => gradCheck(async (x: Tensor) => x, [tensor([1])]))).toBe("async-function");
    let calls = 0;
    expect(codeOf(() => gradCheck((x: Tensor) => x.mul(++calls), [tensor([1])]))).toBe("invalid-argument");
  });
});

describe("how it says so", () => {
  const wide = { "a parameter with quite a long name, as they come in large models": tensor([1, 2]) };
  const reports = [
    gradCheck((x: Tensor) => x.sin(), [tensor([1])]),
    gradCheck((x: Tensor) => x.relu(), [tensor([0, 1])]),
    gradCheck((x: Tensor) => wrongCube(x), [tensor([1, 2])]),
    gradCheck((p: typeof wide) => wrongCube(Object.values(p)[0]), [wide]),
  ];

  test("its text fits in 80 columns", () => {
    for (const report of reports)
      for (const line of String(report).split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test("its text says what is wrong, where, and whose fault it is", () => {
    const text = String(reports[2]);
    expect(text).toMatch(/^gradient check FAILED/);
    expect(text).toMatch(/wrong \(2 of 2\)/);
    expect(text).toMatch(/0 at \[1\]: analytic -?[\d.]+, numeric -?[\d.]+/);
    expect(text).toMatch(/at fault: customVjp cube, its vjp towards input 0/);
  });

  test("its JSON is plain data with every field", () => {
    const json = JSON.parse(JSON.stringify(reports[1]));
    expect(Object.keys(json)).toEqual([
      "passed",
      "worstError",
      "tolerance",
      "seed",
      "inputs",
      "forwardReverse",
      "culprits",
    ]);
    expect(json).toEqual(reports[1].toJSON());
  });

  test("assertGradients gives the report, or throws it", () => {
    expect(assertGradients((x: Tensor) => x.sin(), [tensor([1])])).toBeInstanceOf(GradCheckReport);
    try {
      assertGradients(wrongCube, [tensor([1])]);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        code: "gradient-check-failed",
        message: expect.stringContaining("customVjp cube"),
      });
      expect((error as Error).cause).toBeInstanceOf(GradCheckReport);
    }
  });
});
