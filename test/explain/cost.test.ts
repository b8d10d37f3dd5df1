/** explain.cost: counts against the graphs that are run, memory against programs worked by hand, lines of the user's code. */
import { describe, expect, it } from "vitest";
import { costOf } from "../../src/explain/cost/cost.js";
import type { CostDocument, StrategyCost } from "../../src/explain/cost/document.js";
import { workedExamples } from "../../src/explain/examples/index.js";
import { explain } from "../../src/explain/index.js";
import {
  AdjointError,
  checkpoint,
  grad,
  graphOf,
  random,
  type Tensor,
  valueAndGrad,
  zeros,
} from "../../src/index.js";
import { Linear, Sequential } from "../../src/nn/index.js";
import { f64 } from "./support.js";

const documentOf = (f: (...args: never[]) => Tensor, args: readonly unknown[]): CostDocument =>
  costOf(f, args, { measure: false }).document;

function strategyOf({ strategies }: CostDocument, name: StrategyCost["strategy"]): StrategyCost {
  return strategies.find(({ strategy }) => strategy === name) ?? expect.fail(`no strategy ${name}`);
}

const thrice = (w: Tensor): Tensor => w.sin().sin().sin();
const deep = (x: Tensor): Tensor => {
  let u = x;
  for (let i = 0; i < 16; i++) u = u.sin();
  return u.sum();
};

describe("operations counted before anything is run", () => {
  it.each(workedExamples.map(({ name }) => name))(
    "32: are those of the gradient's own graph, for %s",
    async (name) => {
      const { f, args } = await (workedExamples.find((one) => one.name === name) ?? expect.fail()).prepare();
      const { forward, backward } = documentOf(f, args);
      const call = f as (...given: unknown[]) => Tensor;
      expect(forward.flops).toBe(graphOf(call, ...args).cost().flops);
      const argnums = args.map((_, i) => i);
      const whole = graphOf(valueAndGrad(call, { argnums }), ...args).cost().flops;
      expect(forward.flops + backward.flops).toBe(whole);
    },
  );

  it("need no values: a function of tensors without any is counted", () => {
    let flops = -1;
    graphOf(
      (x: Tensor) => {
        flops = documentOf(thrice, [x.sum()]).forward.flops;
        return x;
      },
      zeros([2]),
    );
    expect(flops).toBe(3);
  });

  it("keep what explain says is kept", async () => {
    for (const name of ["two-layer", "chain", "row-batch", "thrice"]) {
      const example = workedExamples.find((one) => one.name === name) ?? expect.fail();
      const { f, args } = await example.prepare();
      expect(documentOf(f, args).savedBytes).toBe(explain(f, args).document.graph.savedBytes);
    }
  });

  it("belong to lines of the user's code", () => {
    const f = (x: Tensor): Tensor => {
      const y = x.exp().mul(x);
      return y.sum();
    };
    const { lines } = documentOf(f, [f64([1, 2, 3])]);
    const [first, second] = lines.map(({ place }) => place?.line ?? 0);
    expect(lines.map(({ place }) => place?.file.split("/").at(-1))).toEqual(["cost.test.ts", "cost.test.ts"]);
    expect(second - first).toBe(1);
    expect(lines.map(({ operations }) => operations)).toEqual([2, 1]);
    // exp and mul of three elements; the sum of three
    expect(lines.map(({ forward }) => forward.flops)).toEqual([6, 3]);
    // what exp made is read by its own rule and by the product's
    expect(lines[0].savedBytes).toBe(24);
  });

  it("08, 32: reverse mode takes a few times the cost, forward mode and differences so for each parameter", () => {
    const keys = random.split(random.key(1), 2);
    const model = new Sequential(new Linear(784, 30, { key: keys[0] }), new Linear(30, 10, { key: keys[1] }));
    const x = random.normal(random.key(2), { shape: [10, 784] });
    const { methods, parameters, forward, backward } = documentOf(
      (m: Sequential) => m.forward(x).sigmoid().square().mean(),
      [model],
    );
    expect(parameters).toBe(784 * 30 + 30 + 30 * 10 + 10);
    const [reverse, along, differences] = methods;
    expect(reverse.flops).toBe(forward.flops + backward.flops);
    // one product forward, and one back for each operand that is differentiated: x is not
    expect(reverse.flops / forward.flops).toBeGreaterThan(2);
    expect(reverse.flops / forward.flops).toBeLessThan(3);
    expect(along.runs).toBe(parameters);
    expect(along.flopsPerRun).toBeGreaterThan(forward.flops);
    expect(differences).toMatchObject({ runs: 2 * parameters, flopsPerRun: forward.flops });
    expect(differences.ratio).toBeGreaterThan(parameters / 2);
  });

  it("and measured: each method has run and taken time", () => {
    const { methods } = costOf(thrice, [f64(0.5)]).document;
    for (const { seconds, secondsPerRun, runs } of methods) {
      expect(secondsPerRun).toBeGreaterThan(0);
      expect(seconds).toBe((secondsPerRun ?? 0) * runs);
    }
    expect(documentOf(thrice, [0.5]).methods.every(({ seconds }) => seconds === null)).toBe(true);
  });
});

describe("40: f(f(f(w))), stored and recomputed", () => {
  const document = documentOf(thrice, [f64(0.5)]);
  const store = strategyOf(document, "store");
  const recompute = strategyOf(document, "recompute");

  it("takes f(w) and f(f(w)) a second time each where nothing is kept, and f(w) a third", () => {
    expect(store.repeatedFlops).toBe(0);
    // for f′(f(f(w))): f(w), f(f(w)); for f′(f(w)): f(w)
    expect(recompute.repeatedFlops).toBe(3);
    expect(recompute.flops).toBe(store.flops + 3);
  });

  it("holds two values and a result at the turn where they are kept, one adjoint and one value where not", () => {
    // x = f(w), y = f(x), z = f(y): x and y stay, z dies where it is made
    expect(store.timeline.slice(0, 3)).toEqual([8, 16, 24]);
    expect(store.peakBytes).toBe(24);
    expect(store.turn).toBe(3);
    expect(recompute.timeline.slice(0, 3)).toEqual([8, 16, 16]);
    // three values are too few to save anything at the peak: the way back holds three as well
    expect(recompute.peakBytes).toBe(24);
  });

  it("is the trade of every chain: segments of √n lie between", () => {
    const chain = documentOf(deep, [zeros([1000])]);
    const [all, some, nothing] = (["store", "segments", "recompute"] as const).map((name) =>
      strategyOf(chain, name),
    );
    expect(all.peakBytes).toBeGreaterThan(some.peakBytes);
    expect(some.peakBytes).toBeGreaterThan(nothing.peakBytes);
    expect(all.flops).toBeLessThan(some.flops);
    expect(some.flops).toBeLessThan(nothing.flops);
    // no more than one forward pass again
    expect(some.repeatedFlops).toBeLessThanOrEqual(chain.forward.flops);
    // 0 + 1 + … + 15 evaluations of sin of 1000 numbers
    expect(nothing.repeatedFlops).toBe(120_000);
  });

  it("is as checkpoint has it where the function is written with one", () => {
    const block = checkpoint((x: Tensor) => x.sin().sin().sin().sin());
    const written = documentOf((x: Tensor) => block(block(block(x))).sum(), [zeros([1000])]);
    const plain = documentOf(
      (x: Tensor) => {
        let u = x;
        for (let i = 0; i < 12; i++) u = u.sin();
        return u.sum();
      },
      [zeros([1000])],
    );
    const [own, kept] = [strategyOf(written, "written"), strategyOf(written, "store")];
    expect(kept).toEqual(strategyOf(plain, "store"));
    expect(own.peakBytes).toBeLessThan(kept.peakBytes);
    // inside the last block its input is alive, and two values of its own at a time
    expect(own.timeline[2]).toBe(4000 + 4000 + 8000);
    // three of four in each block are read by the way back; the graph computes the block as a whole
    expect(own.repeatedFlops).toBeGreaterThanOrEqual(9000);
    expect(own.repeatedFlops).toBeLessThanOrEqual(12_000);
    expect(plain.strategies.some(({ strategy }) => strategy === "written")).toBe(false);
  });
});

describe("the report", () => {
  it("fits 80 columns and draws the memory", async () => {
    for (const name of ["two-layer", "thrice", "row-batch", "repeated"]) {
      const { f, args } = await (workedExamples.find((one) => one.name === name) ?? expect.fail()).prepare();
      const text = costOf(f, args, { measure: false }).toText();
      for (const line of text.split("\n")) expect([...line].length, line).toBeLessThanOrEqual(80);
      expect(text).toContain("┆");
      expect(text).toContain("peak ");
    }
  });

  it("is plain data", () => {
    const report = costOf(thrice, [0.5], { measure: false });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report.document);
    expect(String(report)).toBe(report.toText());
  });
});

describe("bad input to explain.cost", () => {
  const codeOf = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (error instanceof AdjointError) return error.code;
      throw error;
    }
    return "none";
  };

  it.each([
    ["no function", () => costOf(3 as never, [])],
    ["no arguments", () => costOf(thrice, f64(1) as never)],
    ["an unknown option", () => costOf(thrice, [1], { measured: true } as never)],
  ])("%s is refused", (_, run) => {
    expect(codeOf(run)).toBe("invalid-argument");
  });

  it("a function that reads values is refused by name, and one without a scalar", () => {
    expect(codeOf(() => documentOf((x: Tensor) => x.mul(x.itemSync()), [f64(2)]))).toBe("abstract-value");
    expect(codeOf(() => documentOf((x: Tensor) => x.mul(2), [f64([1, 2])]))).toBe("non-scalar-output");
  });

  it("has no effect on transforms around it", () => {
    expect(grad((x: Tensor) => x.mul(documentOf(thrice, [0.5]).forward.flops))(f64(1)).itemSync()).toBe(3);
  });
});
