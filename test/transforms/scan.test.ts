import { afterEach, describe, expect, it } from "vitest";
import {
  checkpoint,
  grad,
  graphOf,
  hessian,
  hvp,
  jit,
  jvp,
  linearize,
  ones,
  random,
  type ScanOptions,
  scan,
  setDevice,
  stack,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
  zeros,
} from "../../src/index.js";

afterEach(() => {
  setDevice("wasm");
});

const uniform = (seed: number, shape: readonly number[], dtype: "float32" | "float64" = "float64"): Tensor =>
  random.uniform(random.key(seed), { shape, dtype, low: -1, high: 1 });

/** The largest difference, relative to values of at least 1. */
function difference(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  const y = b.dataSync();
  return Array.from(a.dataSync()).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - y[i]) / Math.max(1, Math.abs(y[i]))),
    0,
  );
}

type Step = (carry: Tensor[], x: Tensor) => readonly [Tensor[], Tensor];

/** What scan does, as an ordinary loop. */
function unrolled(f: Step, init: Tensor[], xs: Tensor, reverse = false): [Tensor[], Tensor[]] {
  let carry = init;
  const ys: Tensor[] = [];
  for (let i = 0; i < xs.shape[0]; i++) {
    const at = reverse ? xs.shape[0] - 1 - i : i;
    const [next, y] = f(carry, xs.slice(at));
    carry = next;
    ys[at] = y;
  }
  return [carry, ys];
}

interface Recurrence {
  readonly name: string;
  /** A step that uses w from outside, a vector of 3. */
  readonly step: (w: Tensor) => Step;
}

const recurrences: readonly Recurrence[] = [
  {
    name: "a recurrent layer",
    step:
      (w) =>
      ([h], x) => {
        const next = h.mul(w).add(x).tanh();
        return [[next], next.sin()];
      },
  },
  {
    name: "a carry that is dropped, one that stays and one that is exchanged",
    step:
      (w) =>
      ([a, b], x) => [[b.add(x), a.mul(w)], a.mul(b)],
  },
  {
    name: "slices that do not depend on the carry",
    step:
      (w) =>
      ([h], x) => [[h], x.mul(w).exp()],
  },
  {
    name: "something the same in all steps",
    step: (w) => {
      return ([h], x) => {
        const scale = w.exp().sum();
        return [[h.div(scale).add(x.mul(h))], h.square().add(scale)];
      };
    },
  },
  {
    name: "a scan inside",
    step:
      (w) =>
      ([h], x) => {
        const [inner, ys] = scan(
          (c: Tensor, i: Tensor) => {
            const next = c.mul(w).add(i).sin();
            return [next, next.mul(h)];
          },
          h,
          x.mul(w),
        );
        return [[inner.add(ys.sum())], ys.mean()];
      },
  },
];

const wides = (xs: Tensor, name: string): Tensor[] => {
  const first = xs.slice(0).mul(0.5);
  return name.startsWith("a carry that") ? [first, first.add(0.25)] : [first];
};

/** A scalar of everything a recurrence gives. */
const scalarOf = (carry: readonly Tensor[], ys: Tensor): Tensor =>
  carry.reduce((sum, part) => sum.add(part.square().sum()), ys.cos().sum());

const costs = (recurrence: Recurrence, options: ScanOptions) => {
  const scanned = (w: Tensor, xs: Tensor): Tensor => {
    const [carry, ys] = scan(recurrence.step(w), wides(xs, recurrence.name), xs, options);
    return scalarOf(carry, ys);
  };
  const looped = (w: Tensor, xs: Tensor): Tensor => {
    const step = recurrence.step(w);
    const [carry, ys] = unrolled(step, wides(xs, recurrence.name), xs, options.reverse);
    return carry.reduce(
      (sum, part) => sum.add(part.square().sum()),
      ys.reduce((sum, y) => sum.add(y.cos().sum()), zeros([], { dtype: w.dtype })),
    );
  };
  return { scanned, looped };
};

// float64, a few dozen operations of values of order 1 and their second derivatives: 1e-12 is thousands of roundings
const tolerance = 1e-12;

describe.each(recurrences)("a scan of $name", (recurrence) => {
  const w = uniform(1, [3]);
  const xs = uniform(2, [4, 3]);
  const variants: readonly ScanOptions[] = [{}, { reverse: true }, { residuals: "recomputed" }];

  it.each(["reference", "wasm"] as const)("is the loop, and so are its derivatives, on %s", (device) => {
    setDevice(device);
    for (const options of variants) {
      const { scanned, looped } = costs(recurrence, options);
      expect(difference(scanned(w, xs), looped(w, xs))).toBeLessThan(tolerance);
      for (const argnums of [0, 1]) {
        const want = grad(looped, { argnums })(w, xs);
        expect(difference(grad(scanned, { argnums })(w, xs), want)).toBeLessThan(tolerance);
        expect(difference(jit(grad(scanned, { argnums }))(w, xs), want)).toBeLessThan(tolerance);
      }
    }
  });

  it("has the tangents of the loop, by jvp and linearize, compiled or not", () => {
    const { scanned, looped } = costs(recurrence, {});
    const dots: [Tensor, Tensor] = [uniform(3, [3]), uniform(4, [4, 3])];
    const [, want] = jvp(looped, [w, xs], dots);
    const tangent = (a: Tensor, b: Tensor): Tensor => jvp(scanned, [a, b], dots)[1];
    expect(difference(tangent(w, xs), want)).toBeLessThan(tolerance);
    expect(difference(jit(tangent)(w, xs), want)).toBeLessThan(tolerance);
    const [, push] = linearize(scanned, w, xs);
    expect(difference(push(dots[0], dots[1]), want)).toBeLessThan(tolerance);
  });

  it("has the second derivatives of the loop, whichever modes give them", () => {
    for (const options of variants) {
      const { scanned, looped } = costs(recurrence, options);
      const want = hessian(looped)(w, xs);
      expect(difference(hessian(scanned)(w, xs), want)).toBeLessThan(tolerance);
      expect(difference(jit(hessian(scanned))(w, xs), want)).toBeLessThan(tolerance);
      const twice = (f: typeof scanned) => grad((a: Tensor, b: Tensor) => grad(f)(a, b).square().sum());
      const wanted = twice(looped)(w, xs);
      expect(difference(twice(scanned)(w, xs), wanted)).toBeLessThan(tolerance);
      expect(difference(jit(twice(scanned))(w, xs), wanted)).toBeLessThan(tolerance);
    }
  });

  it("works inside vmap, vmap inside of it, checkpoint and jit", () => {
    const { scanned, looped } = costs(recurrence, {});
    const many = uniform(5, [2, 3]);
    const want = vmap(grad(looped), { inAxes: [0, null] })(many, xs);
    expect(difference(vmap(grad(scanned), { inAxes: [0, null] })(many, xs), want)).toBeLessThan(tolerance);
    expect(difference(jit(vmap(grad(scanned), { inAxes: [0, null] }))(many, xs), want)).toBeLessThan(
      tolerance,
    );
    const summed = (f: typeof scanned) => grad((ws: Tensor) => vmap(f, { inAxes: [0, null] })(ws, xs).sum());
    expect(difference(summed(scanned)(many), summed(looped)(many))).toBeLessThan(tolerance);
    expect(difference(jit(summed(scanned))(many), summed(looped)(many))).toBeLessThan(tolerance);
    const sequences = uniform(6, [2, 4, 3]);
    const along = (f: typeof scanned) => vmap(f, { inAxes: [null, 0] })(w, sequences);
    expect(difference(along(scanned), along(looped))).toBeLessThan(tolerance);
    expect(difference(grad(checkpoint(scanned))(w, xs), grad(looped)(w, xs))).toBeLessThan(tolerance);
    expect(difference(grad(jit(scanned))(w, xs), grad(looped)(w, xs))).toBeLessThan(tolerance);
  });
});

describe("scan", () => {
  it("gives the bits of the loop where the arithmetic is the same", () => {
    const xs = uniform(1, [20, 5], "float32");
    const f: Step = ([h], x) => [[h.mul(0.9).add(x)], h.sub(x)];
    const start: Tensor[] = [zeros([5])];
    const loop = jit((x: Tensor) => {
      const [carry, ys] = unrolled(f, [zeros([5])], x);
      return [...carry, ...ys];
    });
    const [carry, ...ys] = loop(xs);
    const scanned = jit((x: Tensor) => scan(f, start, x));
    const [[last], rows] = scanned(xs);
    expect(last.arraySync()).toEqual(carry.arraySync());
    expect(rows.arraySync()).toEqual(ys.map((y) => y.arraySync()));
  });

  it("carries every dtype, and integers and conditions pass derivatives by", () => {
    const f = (x: Tensor): readonly Tensor[] => {
      const [[count, seen, sum, exact], flags] = scan(
        ([n, any, s, e]: Tensor[], v: Tensor) => [
          [n.add(1), any.or(v.gt(1)), s.add(v.mul(n)), e.add(v.cast("float64"))],
          v.gt(0),
        ],
        [tensor(0, { dtype: "int32" }), tensor(false), tensor(0), tensor(0, { dtype: "float64" })],
        x,
      );
      return [count, seen, sum, exact, flags];
    };
    for (const run of [f, jit(f)]) {
      const [count, seen, sum, exact, flags] = run(tensor([3, -1, 2]));
      expect([count.dtype, seen.dtype, sum.dtype, exact.dtype, flags.dtype]).toEqual([
        "int32",
        "bool",
        "float32",
        "float64",
        "bool",
      ]);
      expect([count, seen, sum, exact].map((t) => Number(t.itemSync()))).toEqual([3, 1, 3, 4]);
      expect(flags.arraySync()).toEqual([1, 0, 1].map(Boolean));
    }
    expect(
      jit(grad((x: Tensor) => f(x)[2].mul(f(x)[3].cast("float32"))))(tensor([3, -1, 2])).arraySync(),
    ).toEqual([3, 7, 11]);
  });

  it("of no step gives the first carry, empty sequences and zero gradients", () => {
    const run = (w: Tensor, xs: Tensor) => scan((h: Tensor, x: Tensor) => [h.mul(w).add(x), h.mul(x)], w, xs);
    for (const f of [run, jit(run)]) {
      const [last, ys] = f(tensor(2), zeros([0]));
      expect(last.itemSync()).toBe(2);
      expect(ys.shape).toEqual([0]);
    }
    expect(
      grad((w: Tensor) => scan((h: Tensor) => [h.mul(w), null], 1, null, { length: 0 })[0].mul(3))(
        tensor(5),
      ).itemSync(),
    ).toBe(0);
  });

  it("takes and gives trees, and null where there is nothing", () => {
    const [{ sum, state }, out] = scan(
      (carry: { sum: Tensor; state: [Tensor, Tensor] }, x: { a: Tensor; b: [Tensor] }) => [
        { sum: carry.sum.add(x.a), state: [carry.state[1], x.b[0].sum()] as [Tensor, Tensor] },
        { both: [x.a, carry.sum], none: null },
      ],
      { sum: tensor(0), state: [tensor(1), tensor(2)] as [Tensor, Tensor] },
      { a: tensor([1, 2]), b: [ones([2, 3])] as [Tensor] },
    );
    expect([sum, ...state].map((t) => t.itemSync())).toEqual([3, 3, 3]);
    expect(out.both.map((t) => t.arraySync())).toEqual([
      [1, 2],
      [0, 1],
    ]);
    expect(out.none).toBeNull();
    expect(scan((h) => [h.add(1), undefined], 0, null, { length: 3 })[1]).toBeUndefined();
  });

  it("lets plain numbers take the type of what they become", () => {
    const [total] = scan((sum, x: Tensor) => [sum.add(x), 1], 0, tensor([1, 2], { dtype: "float64" }));
    expect(total.dtype).toBe("float64");
    const [[count, flag], ys] = scan(
      ([n, seen], x: Tensor) => [[n.add(x), seen.or(x.gt(1))], 7],
      [0, false],
      tensor([1, 2], { dtype: "int32" }),
    );
    expect([count.dtype, flag.dtype]).toEqual(["float32", "bool"]);
    expect(ys.arraySync()).toEqual([7, 7]);
  });

  it("draws other random numbers in each step from keys it carries or is given, the loop's own", () => {
    const keys = stack(random.split(random.key(3), 4));
    const drawn = (key: Tensor): Tensor =>
      scan(
        (k: Tensor) => {
          const [next, now] = random.split(k);
          return [next, random.uniform(now, { shape: [2] })];
        },
        key,
        null,
        { length: 3 },
      )[1];
    const want: number[] = [];
    let key = random.key(5);
    for (let i = 0; i < 3; i++) {
      const both = random.split(key);
      want.push(...random.uniform(both[1], { shape: [2] }).dataSync());
      key = both[0];
    }
    for (const run of [drawn, jit(drawn)]) expect([...run(random.key(5)).dataSync()]).toEqual(want);
    const given = jit((all: Tensor) => scan((c, k: Tensor) => [c, random.uniform(k)], 0, all)[1])(keys);
    expect(new Set(given.dataSync()).size).toBe(4);
  });

  it("stops at an index out of range, named as outside of loops", () => {
    const table = tensor([1, 2, 3]);
    const look = (indices: Tensor): Tensor =>
      scan((sum, i: Tensor) => [sum.add(table.take(i)), null], 0, indices)[0];
    const fine = tensor([0, 2, -1], { dtype: "int32" });
    const wrong = tensor([0, 3], { dtype: "int32" });
    for (const run of [look, jit(look)]) {
      expect(run(fine).itemSync()).toBe(7);
      expect(() => run(wrong)).toThrow(/take: index 3 is o/);
      expect(run(fine).itemSync()).toBe(7);
    }
  });

  it("differentiates what it closes over, in the loop, outside of it and in another", () => {
    const f = (w: Tensor): Tensor => {
      const outer = w.square();
      return scan(
        (a) => [a.add(scan((b) => [b.mul(outer).add(a), null], w, null, { length: 2 })[0]), null],
        w,
        null,
        { length: 2 },
      )[0];
    };
    const g = (w: Tensor): Tensor => {
      const outer = w.square();
      let a = w;
      for (let i = 0; i < 2; i++) {
        let b = w;
        for (let k = 0; k < 2; k++) b = b.mul(outer).add(a);
        a = a.add(b);
      }
      return a;
    };
    const w = tensor(0.7, { dtype: "float64" });
    expect(difference(grad(f)(w), grad(g)(w))).toBeLessThan(tolerance);
    expect(difference(jit(grad(grad(f)))(w), grad(grad(g))(w))).toBeLessThan(tolerance);
    expect(difference(hvp(f, [w], [w])[0], hvp(g, [w], [w])[0])).toBeLessThan(tolerance);
  });

  it("keeps an inner compiled function's derivatives", () => {
    const inner = jit((h: Tensor, x: Tensor) => h.mul(x).tanh());
    const f = (xs: Tensor): Tensor => scan((h: Tensor, x: Tensor) => [inner(h, x), null], xs.slice(0), xs)[0];
    const g = (xs: Tensor): Tensor => unrolled(([h], x) => [[h.mul(x).tanh()], h], [xs.slice(0)], xs)[0][0];
    const xs = uniform(4, [5]);
    expect(difference(grad(f)(xs), grad(g)(xs))).toBeLessThan(tolerance);
    expect(difference(jit(grad(f))(xs), grad(g)(xs))).toBeLessThan(tolerance);
    expect(difference(hessian(jit(f))(xs), hessian(g)(xs))).toBeLessThan(tolerance);
  });

  it("gives the pullback for cotangents of the carry and of the sequence apart", () => {
    const f = (xs: Tensor): readonly [Tensor, Tensor] =>
      scan((h: Tensor, x: Tensor) => [h.mul(x).add(x), h.sin()], tensor(0.5, { dtype: "float64" }), xs);
    const g = (xs: Tensor): readonly [Tensor, Tensor[]] => {
      const [[h], ys] = unrolled(
        ([c], x) => [[c.mul(x).add(x)], c.sin()],
        [tensor(0.5, { dtype: "float64" })],
        xs,
      );
      return [h, ys];
    };
    const xs = uniform(8, [3]);
    const one = tensor(1, { dtype: "float64" });
    const none = tensor(0, { dtype: "float64" });
    const [, pull] = vjp(f, xs);
    const [, want] = vjp(g, xs);
    expect(
      difference(pull([one, zeros([3], { dtype: "float64" })])[0], want([one, [none, none, none]])[0]),
    ).toBeLessThan(tolerance);
    expect(
      difference(pull([none, ones([3], { dtype: "float64" })])[0], want([none, [one, one, one]])[0]),
    ).toBeLessThan(tolerance);
  });

  it("is printed with its body below it, and costs its steps", () => {
    const graph = graphOf((xs: Tensor) => scan((sum, x: Tensor) => [sum.add(x), null], 0, xs)[0], zeros([5]));
    expect(String(graph)).toBe(`graph(%0: float32[5]) {
  %1 = constant 0 : float32[]
  %2 = scan(%1, %0) {kind: "scan", body: @0, constants: 0, carries: 1, length: 5, reverse: false, recompute: false} : float32[]
    function @0(%0: float32[], %1: float32[]) {
      %2 = add(%0, %1) : float32[]
      return %2
    }
  return %2
}`);
    expect(graph.cost().flops).toBe(5);
    expect(graph.toLatex()).toContain("\\mathrm{scan}(\\mathrm{f}_{0}, ");
    expect(graph.toJSON().functions).toHaveLength(1);
    expect(graph.toDot()).toContain("scan");
  });

  it("keeps nothing of its steps where nobody differentiates, and no more than carries where they are recomputed", () => {
    const step = (h: Tensor, x: Tensor) => [h.mul(x).sin().exp().tanh(), null] as const;
    const sizes = (options: ScanOptions): number => {
      const outputs = graphOf(
        valueAndGrad((xs: Tensor) => scan(step, tensor(1), xs, options)[0]),
        zeros([7]),
      )
        .toJSON()
        .operations.filter(({ primitive }) => primitive === "scan")
        .map((operation) => operation.outputs.length);
      return Math.max(...outputs.slice(0, -1));
    };
    expect(sizes({ residuals: "recomputed" })).toBe(2);
    expect(sizes({})).toBeGreaterThan(2);
  });
});
