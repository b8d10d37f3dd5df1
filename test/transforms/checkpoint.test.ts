/** checkpoint with `keep`: the same derivatives, each step as often as planned, and no more memory than promised. */
import { describe, expect, it } from "vitest";
import { traceGraph } from "../../src/graph/graph.js";
import {
  type CheckpointOptions,
  checkpoint,
  grad,
  hessian,
  jit,
  jvp,
  random,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
} from "../../src/index.js";
import { Activation, LayerNorm, Linear, Residual, Sequential } from "../../src/nn/index.js";
import { chainOf } from "../../src/transforms/checkpoint-cuts.js";
import { ChainPlan, type Step } from "../../src/transforms/checkpoint-plan.js";
import { compileFunction, type TensorFunction } from "../compiler/support.js";

const normal = (seed: number, shape: readonly number[], dtype: "float32" | "float64" = "float64"): Tensor =>
  random.normal(random.key(seed), { shape, dtype });

type Forward = (weights: readonly Tensor[], x: Tensor) => Tensor;
const networks: Readonly<Record<string, Forward>> = {
  relu: (weights, x) => weights.reduce((a, w) => a.matmul(w).relu(), x),
  tanh: (weights, x) => weights.reduce((a, w) => a.matmul(w).tanh(), x),
  gelu: (weights, x) => weights.reduce((a, w) => a.matmul(w).gelu(), x),
  "exp of a part": (weights, x) => weights.reduce((a, w) => a.matmul(w).mul(0.1).sigmoid().add(a), x),
  residual: (weights, x) => weights.reduce((a, w) => a.add(a.tanh().matmul(w)), x),
  "a long way around": (weights, x) => {
    const first = x.matmul(weights[0]);
    return weights
      .slice(1)
      .reduce((a, w) => a.matmul(w).relu(), first)
      .mul(first);
  },
  "a shared weight": (weights, x) => weights.reduce((a) => a.matmul(weights[0]).tanh(), x),
  "two states": (weights, x) => {
    let [h, c] = [x, x];
    for (const w of weights) {
      const gates = h.matmul(w);
      c = c.mul(gates.sigmoid()).add(gates.tanh());
      h = c.tanh().mul(gates.sigmoid());
    }
    return h;
  },
  "no product": (_weights, x) => x.sin().exp().sin().exp().sin().tanh(),
};
const depth = 9;
const width = 6;
const weights = Array.from({ length: depth }, (_, i) => normal(i, [width, width]));
const x = normal(100, [4, width]);

/** Gradients of Σ f² with respect to all weights and x, as lists of numbers. */
function gradients(forward: Forward, options?: CheckpointOptions): number[][] {
  const f = options === undefined ? forward : checkpoint(forward, options);
  const all = grad((ws: readonly Tensor[], input: Tensor) => f(ws, input).square().sum(), {
    argnums: [0, 1],
  })(weights, x);
  return [...all[0], all[1]].map((bar) => [...bar.dataSync()]);
}

describe("a checkpoint that keeps some values", () => {
  for (const [name, forward] of Object.entries(networks))
    it(`has the gradients of the function, ${name}`, () => {
      const want = gradients(forward);
      for (const keep of [1, 2, 3, 8, 100, "auto"] as const) {
        const got = gradients(forward, { keep });
        // a shared weight's gradients are added up part by part: 9 terms of 2⁻⁵³ each, of numbers below 1000
        if (name === "a shared weight")
          got.flat().forEach((value, i) => {
            expect(Math.abs(value - want.flat()[i])).toBeLessThan(1000 * depth * 2 ** -53);
          });
        else expect(got, `keep ${keep}`).toEqual(want);
      }
    });

  it("has them compiled as well", () => {
    const step = (f: Forward) =>
      jit((ws: readonly Tensor[], input: Tensor) =>
        valueAndGrad((own: readonly Tensor[]) => f(own, input).square().sum())(ws),
      )(weights, x);
    for (const name of ["relu", "tanh", "residual"]) {
      const [value, bars] = step(networks[name]);
      for (const keep of [1, 3] as const) {
        const [again, others] = step(checkpoint(networks[name], { keep }));
        expect(again.itemSync()).toBe(value.itemSync());
        others.forEach((bar, i) => {
          // what is fused with a product rounds once less where another kernel did: a few roundings of 2⁻⁵³, relative to the largest
          const want = bars[i].dataSync();
          const largest = Math.max(...want.map(Math.abs));
          bar.dataSync().forEach((value, j) => {
            expect(Math.abs(value - want[j])).toBeLessThanOrEqual(64 * 2 ** -53 * largest);
          });
        });
      }
    }
  });

  it("has tangents, batches, second derivatives, and may hold another", () => {
    const f = (t: Tensor): Tensor => t.sin().mul(t).exp().sin().tanh().mul(t).sum();
    const chained = checkpoint(f, { keep: 1 });
    const at = tensor([0.3, -0.7, 1.1], { dtype: "float64" });
    const close = (a: Tensor, b: Tensor): void => {
      const want = b.flatten().dataSync();
      // values below 100 from some ten operations each
      a.flatten()
        .dataSync()
        .forEach((value, i) => {
          expect(Math.abs(value - want[i])).toBeLessThan(1e-12);
        });
    };
    close(jvp(chained, [at], [at])[1], jvp(f, [at], [at])[1]);
    close(hessian(chained)(at), hessian(f)(at));
    close(
      grad((t: Tensor) => grad(chained)(t).square().sum())(at),
      grad((t: Tensor) => grad(f)(t).square().sum())(at),
    );
    const batch = normal(3, [5, 3]);
    close(vmap(grad(chained))(batch), vmap(grad(f))(batch));
    close(grad((t: Tensor) => vmap(chained)(t).sum())(batch), grad((t: Tensor) => vmap(f)(t).sum())(batch));
    const nested = checkpoint(
      (t: Tensor) =>
        chained(t)
          .sin()
          .exp()
          .add(chained(t.mul(2))),
      { keep: 2 },
    );
    close(
      grad(nested)(at),
      grad((t: Tensor) =>
        f(t)
          .sin()
          .exp()
          .add(f(t.mul(2))),
      )(at),
    );
    close(jit(grad(nested))(at), grad(nested)(at));
  });

  it("takes functions with nothing to cut, several results, and what was computed outside", () => {
    const keep = { keep: 1 };
    expect(checkpoint((t: Tensor) => t, keep)(tensor([1, 2])).arraySync()).toEqual([1, 2]);
    expect(grad(checkpoint((t: Tensor) => t.relu(), keep))(tensor(3)).itemSync()).toBe(1);
    expect(grad((t: Tensor) => checkpoint(() => tensor(5), keep)().mul(t))(tensor(3)).itemSync()).toBe(5);
    // (exp(t) · exp(sin t))′ at 0.5
    const expected = Math.exp(0.5 + Math.sin(0.5)) * (1 + Math.cos(0.5));
    for (const options of [{}, keep]) {
      const outside = grad((t: Tensor) => {
        const before = t.exp();
        const [same, other] = checkpoint((u: Tensor) => [before, u.sin().exp()] as const, options)(t);
        return same.mul(other).sum();
      });
      for (const run of [outside, jit(outside)])
        expect(run(tensor(0.5, { dtype: "float64" })).itemSync()).toBeCloseTo(expected, 14);
    }
    const [y, pullback] = vjp(
      checkpoint((t: Tensor) => [t.exp().tanh(), t.gt(0), t.exp().sin().relu()] as const, keep),
      tensor([0.1, 0.2]),
    );
    expect(y[1].arraySync()).toEqual([true, true]);
    const seeds = [tensor([1, 1]), tensor([0, 0]), tensor([1, 1])] as const;
    const plain = vjp((t: Tensor) => [t.exp().tanh(), t.exp().sin().relu()] as const, tensor([0.1, 0.2]));
    expect(pullback(seeds as never)[0].arraySync()).toEqual(plain[1]([seeds[0], seeds[2]])[0].arraySync());
  });

  it("at a kink, in a NaN and behind an activation of its own is as without", () => {
    const f = (t: Tensor): Tensor => t.mul(2).relu();
    const at = tensor([-1, 0, 1, Number.NaN]);
    for (const options of [{}, { keep: 1 }])
      expect(grad((t: Tensor) => checkpoint(f, options)(t).sum())(at).arraySync()).toEqual(
        grad((t: Tensor) => f(t).sum())(at).arraySync(),
      );
  });
});

/** How often a plan computes each step, where the derivative of the last of each part starts from its input. */
function timesOf(steps: readonly Step[], keep: number): number[] {
  const plan = new ChainPlan(steps);
  const times = steps.map(() => 0);
  const advance = (from: number, to: number): void => {
    for (let i = from; i < to; i++) times[i]++;
  };
  // the first way forward goes to the end; later ones stop before the last step
  const reverse = (from: number, to: number, room: number, isFirst: boolean): void => {
    const division = plan.divide(from, to, room);
    if (division.kind === "whole") {
      advance(from, isFirst ? to : to - 1);
      return;
    }
    advance(from, division.at);
    reverse(division.at, to, Math.max(0, room - 1), isFirst);
    reverse(from, division.at, room, false);
  };
  reverse(0, steps.length, keep, true);
  return times;
}

const layers = 32;
const units = 16;
const batch = 256;
const value = batch * units * 4;
const deepWeights = Array.from({ length: layers }, (_, i) => normal(i, [units, units], "float32"));
const deepInput = normal(7, [batch, units], "float32");

type Activate = (a: Tensor) => Tensor;
const chainWith =
  (activate: Activate) =>
  (ws: readonly Tensor[], a: Tensor): Tensor =>
    ws.reduce((input, w) => activate(input.matmul(w)), a);

/** A compiled step of gradient descent; the weights' memory is given up, as in training. */
function stepOf(activate: Activate, options?: CheckpointOptions) {
  const chain = chainWith(activate);
  const forward = options === undefined ? chain : checkpoint(chain, options);
  const step: TensorFunction = (input, ...ws) => {
    const [loss, bars] = valueAndGrad((own: readonly Tensor[]) => forward(own, input).mean())(ws);
    return [loss, ...ws.map((w, i) => w.sub(bars[i].mul(0.01)))];
  };
  return compileFunction(step, [deepInput, ...deepWeights], {
    donated: [false, ...deepWeights.map(() => true)],
  });
}

const activations: Readonly<Record<string, Activate>> = {
  relu: (a) => a.relu(),
  tanh: (a) => a.tanh(),
  gelu: (a) => a.gelu(),
};

describe("compiled, a chain of 32 layers", () => {
  for (const [name, activation] of Object.entries(activations))
    it(`computes each layer as often as planned, ${name}`, () => {
      const { steps } = chainOf(
        traceGraph("jit", [deepInput, ...deepWeights], (leaves) => {
          const [input, ...ws] = leaves as Tensor[];
          return [chainWith(activation)(ws, input)];
        }),
      );
      expect(steps).toHaveLength(layers);
      for (const keep of [2, 3, 5]) {
        const { schedule, inputs } = stepOf(activation, { keep });
        const products = deepWeights.map((_, i) => {
          const buffer = inputs[i + 1];
          return schedule.kernels.filter(
            (kernel) => kernel.kind === "dot" && (kernel.a.buffer === buffer || kernel.b.buffer === buffer),
          ).length;
        });
        // each layer but the first also gives its input's gradient
        const want = timesOf(steps, keep).map((times, i) => times + (i > 0 ? 1 : 0));
        expect(products, `keep ${keep}`).toEqual(want);
      }
    });

  for (const [name, activation] of Object.entries(activations))
    it(`takes what it keeps, what it is given, and a few values more, ${name}`, () => {
      for (const keep of [2, 3, 5, 8]) {
        const { arenaBytes } = stepOf(activation, { keep }).schedule;
        // what it is given, two gradients and a value at a product; gelu's argument, value and derivative of two layers
        const values = keep + (name === "gelu" ? 8 : 4);
        expect(arenaBytes / value, `keep ${keep}`).toBeLessThanOrEqual(values + 0.1);
      }
    });

  it("takes a quarter of the memory for less than one and a half times the products", () => {
    const plain = stepOf(activations.relu).schedule;
    const { schedule } = stepOf(activations.relu, { keep: 3 });
    expect(plain.arenaBytes / schedule.arenaBytes).toBeGreaterThan(4);
    const products = (kernels: readonly { kind: string }[]): number =>
      kernels.filter(({ kind }) => kind === "dot").length;
    expect(products(schedule.kernels) / products(plain.kernels)).toBeLessThan(1.5);
  });

  it("copies nothing to begin again: no kernel but what the layers are made of", () => {
    const { schedule } = stepOf(activations.relu, { keep: 3 });
    // products, their mean and the seed of its gradient
    const others = schedule.kernels.filter(({ kind }) => kind !== "dot");
    expect(others.length).toBeLessThanOrEqual(2);
  });
});

describe("a model of layers", () => {
  it("that carries two values from step to step is cut between these", () => {
    const graph = traceGraph("jit", [x, ...weights], (leaves) => {
      const [input, ...ws] = leaves as Tensor[];
      return [networks["two states"](ws, input)];
    });
    const { cuts, steps } = chainOf(graph);
    // at the beginning, one of the two is what was given, and at the end nothing follows
    expect(steps.length).toBeGreaterThanOrEqual(depth - 1);
    const products = cuts
      .slice(1)
      .map(
        (to, i) =>
          graph.operations.slice(cuts[i], to).filter(({ primitive }) => primitive.name === "dot").length,
      );
    expect(new Set(products.slice(1, -1))).toEqual(new Set([1]));
  });

  it("is cut between its blocks, not inside of them", () => {
    const block = (seed: number): Residual => {
      const [a, b] = random.split(random.key(seed));
      return new Residual(
        new Sequential(
          new LayerNorm(16),
          new Linear(16, 64, { key: a }),
          new Activation("gelu"),
          new Linear(64, 16, { key: b }),
        ),
      );
    };
    const model = new Sequential(...Array.from({ length: 12 }, (_, i) => block(i)));
    const input = normal(1, [128, 16], "float32");
    const arena = (options?: CheckpointOptions): number => {
      const run = (a: Tensor): Tensor => model.forward(a);
      const forward = options === undefined ? run : checkpoint(run, options);
      return compileFunction((a) => grad((own: Tensor) => forward(own).square().mean())(a), [input]).schedule
        .arenaBytes;
    };
    const graph = traceGraph("jit", [input], ([leaf]) => [model.forward(leaf as Tensor)]);
    expect(chainOf(graph).steps).toHaveLength(12);
    // between blocks there is one value of [128, 16]; a value more kept is that much more memory, whatever a block takes
    const sizes = [1, 2, 3, 4, 5].map((keep) => arena({ keep }));
    for (const [i, bytes] of sizes.slice(1).entries())
      expect(bytes - sizes[i]).toBeLessThanOrEqual(128 * 16 * 4);
    expect(arena() / sizes[0]).toBeGreaterThan(6);
  });
});
