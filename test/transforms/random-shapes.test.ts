/**
 * Random shapes, zero sizes and rank 0 among them: results against plain loops, compiled against at once, batches against
 * loops, gradients against finite differences. A failure prints the seed; ADJOINT_SEED runs it again.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  arange,
  conv,
  einsum,
  grad,
  gradCheck,
  hvp,
  jit,
  jvp,
  scatterAdd,
  type Tensor,
  tensor,
} from "../../src/index.js";
import { random } from "../support/registry-samples-values.js";
import { type Closeness, disagreements, jitProblems, type TensorFunction, vmapProblems } from "./agree.js";
import { convolve, elementsOf, matrixProduct, sliced } from "./naive.js";
import { programs, runProgram } from "./random-programs.js";

const runs = { seed: Number(process.env.ADJOINT_SEED ?? 1), numRuns: 60 };
const extent = fc.nat({ max: 4 });
const shape = fc.array(extent, { maxLength: 4 });
const draw = (s: readonly number[], salt: number, example = 0): Tensor =>
  tensor(random(s, "float64", -1, 1, salt).values(example), { shape: [...s] });

/** A shape that broadcasts to this one: leading axes dropped, some extents 1. */
const narrower = (s: readonly number[]): fc.Arbitrary<number[]> =>
  fc
    .tuple(fc.nat({ max: s.length }), fc.array(fc.boolean(), { minLength: s.length, maxLength: s.length }))
    .map(([dropped, ones]) => s.map((n, i) => (ones[i] ? 1 : n)).slice(dropped));

/**
 * All that must hold of a function at arguments of these shapes. Sums here have at most 256 terms of size 1, which may cancel:
 * rounding is relative to √256 = 16.
 */
function holds(
  label: string,
  f: TensorFunction,
  shapes: readonly (readonly number[])[],
  expected?: Tensor,
  close: Closeness = { scale: 16 },
): void {
  const args = shapes.map((s, i) => draw(s, i + 1));
  if (expected !== undefined) expect(disagreements(label, f(...args), expected, close)).toEqual([]);
  expect(jitProblems(label, f, args, close)).toEqual([]);
  const examples = [0, 1, 2].map((example) => shapes.map((s, i) => draw(s, i + 1, example)));
  expect(vmapProblems(label, f, examples, close)).toEqual([]);
  const report = gradCheck(f, args);
  expect(report.passed, `${label}\n${report}`).toBe(true);
}

describe("for random shapes", () => {
  test("element-wise operations broadcast", () => {
    const cases = shape.chain((s) => fc.tuple(fc.constant(s), narrower(s)));
    fc.assert(
      fc.property(cases, fc.boolean(), ([a, b], swap) => {
        const shapes = swap ? [b, a] : [a, b];
        holds("mul + sin", (x, y) => x.mul(y).add(y.sin()), shapes);
        holds("maximum", (x, y) => x.maximum(y), shapes);
      }),
      runs,
    );
  });

  test("sums, means and products reduce any axes", () => {
    const cases = shape.chain((s) => fc.tuple(fc.constant(s), fc.subarray(s.map((_, i) => i)), fc.boolean()));
    fc.assert(
      fc.property(cases, ([s, axes, keepDims]) => {
        holds(`sum ${axes}`, (x) => x.sum(axes, { keepDims }), [s]);
        holds(`prod ${axes}`, (x) => x.prod(axes, { keepDims }), [s]);
        if (axes.every((axis) => s[axis] > 0)) {
          holds(`max ${axes}`, (x) => x.max(axes, { keepDims }), [s]);
          holds(`logSumExp ${axes}`, (x) => x.logSumExp(axes, { keepDims }), [s]);
          holds(`var ${axes}`, (x) => x.var(axes, { keepDims }), [s]);
        }
      }),
      runs,
    );
  });

  test("matmul follows NumPy's rules", () => {
    const batch = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 });
    const cases = batch.chain((s) => fc.tuple(narrower(s), narrower(s), extent, extent, extent));
    fc.assert(
      fc.property(cases, ([left, right, m, k, n]) => {
        const shapes = [
          [...left, m, k],
          [...right, k, n],
        ];
        const [a, b] = shapes.map((s, i) => draw(s, i + 1));
        holds("matmul", (x, y) => x.matmul(y), shapes, matrixProduct(a, b));
      }),
      runs,
    );
  });

  test("slices are those of a loop, whatever start, stop and step", () => {
    const range = fc.tuple(
      fc.option(fc.integer({ min: -6, max: 6 })),
      fc.option(fc.integer({ min: -6, max: 6 })),
      fc.constantFrom(1, 2, 3, -1, -2, -3),
    );
    const cases = fc
      .array(extent, { minLength: 1, maxLength: 3 })
      .chain((s) => fc.tuple(fc.constant(s), fc.array(range, { minLength: s.length, maxLength: s.length })));
    fc.assert(
      fc.property(cases, ([s, ranges]) => {
        holds(`slice ${JSON.stringify(ranges)}`, (x) => x.slice(...ranges), [s], sliced(draw(s, 1), ranges));
      }),
      { ...runs, numRuns: 100 },
    );
  });

  test("pad surrounds and crops", () => {
    const amount = fc.tuple(fc.integer({ min: -1, max: 3 }), fc.integer({ min: -1, max: 3 }));
    const cases = fc
      .array(fc.integer({ min: 2, max: 4 }), { maxLength: 3 })
      .chain((s) => fc.tuple(fc.constant(s), fc.array(amount, { minLength: s.length, maxLength: s.length })));
    fc.assert(
      fc.property(cases, ([s, amounts]) => {
        holds(`pad ${JSON.stringify(amounts)}`, (x) => x.pad(amounts, 2), [s]);
      }),
      runs,
    );
  });

  test("convolutions are those of nested loops, with any stride, padding, dilation and groups", () => {
    const cases = fc.record({
      spatial: fc.array(fc.integer({ min: 3, max: 5 }), { minLength: 1, maxLength: 2 }),
      kernel: fc.integer({ min: 1, max: 3 }),
      batch: fc.integer({ min: 0, max: 2 }),
      perGroup: fc.integer({ min: 1, max: 2 }),
      out: fc.integer({ min: 1, max: 2 }),
      groups: fc.integer({ min: 1, max: 2 }),
      stride: fc.integer({ min: 1, max: 3 }),
      padding: fc.integer({ min: 0, max: 2 }),
      dilation: fc.integer({ min: 1, max: 2 }),
    });
    fc.assert(
      fc.property(cases, ({ spatial, kernel, batch, perGroup, out, ...options }) => {
        fc.pre(spatial.every((n) => n + 2 * options.padding >= (kernel - 1) * options.dilation + 1));
        const shapes = [
          [batch, perGroup * options.groups, ...spatial],
          [out * options.groups, perGroup, ...spatial.map(() => kernel)],
        ];
        const [x, w] = shapes.map((s, i) => draw(s, i + 1));
        holds(JSON.stringify(options), (a, b) => conv(a, b, options), shapes, convolve(x, w, options));
      }),
      { ...runs, numRuns: 40 },
    );
  });

  test("einsum is the sum over all its letters", () => {
    const letters = fc.subarray(["i", "j", "k"], { minLength: 0 });
    const cases = fc
      .tuple(letters, letters, fc.tuple(extent, extent, extent))
      .chain(([a, b, sizes]) =>
        fc.tuple(
          fc.constant(a),
          fc.constant(b),
          fc.shuffledSubarray([...new Set([...a, ...b])]),
          fc.constant(sizes),
        ),
      );
    fc.assert(
      fc.property(cases, ([a, b, out, sizes]) => {
        const sizeOf = (letter: string): number => sizes["ijk".indexOf(letter)];
        const specification = `${a.join("")},${b.join("")}->${out.join("")}`;
        const shapes = [a.map(sizeOf), b.map(sizeOf)];
        const [x, y] = shapes.map((s, i) => draw(s, i + 1));
        const all = [...new Set([...a, ...b])];
        const expected = elementsOf(out.map(sizeOf), (index) => {
          let total = 0;
          elementsOf(all.map(sizeOf), (place) => {
            const at = (letter: string): number => place[all.indexOf(letter)];
            if (out.every((letter, i) => at(letter) === index[i]))
              total += x.slice(...a.map(at)).itemSync() * y.slice(...b.map(at)).itemSync();
            return 0;
          });
          return total;
        });
        holds(specification, (p, q) => einsum(specification, p, q), shapes, expected);
      }),
      { ...runs, numRuns: 40 },
    );
  });

  test("take and scatterAdd are each other's transposes along any axis", () => {
    const cases = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }).chain((s) => {
      const axis = fc.nat({ max: s.length - 1 });
      return axis.chain((a) =>
        fc.tuple(
          fc.constant(s),
          fc.constant(a),
          fc.array(fc.integer({ min: -s[a], max: s[a] - 1 }), { maxLength: 5 }),
        ),
      );
    });
    fc.assert(
      fc.property(cases, ([s, axis, indices]) => {
        const picks = tensor(Int32Array.from(indices));
        const updates = s.map((n, i) => (i === axis ? indices.length : n));
        holds(`take ${indices} ${axis}`, (x) => x.take(picks, axis), [s]);
        holds(`scatterAdd ${indices} ${axis}`, (x, y) => scatterAdd(x, picks, y, axis), [s, updates]);
        // ⟨take(x), y⟩ = ⟨x, scatterAdd(0, y)⟩
        const [x, y] = [draw(s, 1), draw(updates, 2)];
        const left = x.take(picks, axis).mul(y).sum().itemSync();
        const right = scatterAdd(x.mul(0), picks, y, axis).mul(x).sum().itemSync();
        expect(Math.abs(left - right)).toBeLessThan(1e-12);
      }),
      runs,
    );
  });

  test("sort gives the elements in order, argsort their places, along any axis", () => {
    const cases = fc
      .array(extent, { minLength: 1, maxLength: 3 })
      .chain((s) => fc.tuple(fc.constant(s), fc.nat({ max: s.length - 1 })));
    fc.assert(
      fc.property(cases, ([s, axis]) => {
        holds(`sort ${axis}`, (x) => x.sort(axis), [s]);
        const x = draw(s, 1);
        const rows = (t: Tensor): unknown[] => Array.from(t.moveAxis(axis, -1).dataSync());
        const n = s[axis];
        const expected = rows(x) as number[];
        const inOrder = Array.from({ length: n === 0 ? 0 : expected.length / n }, (_, row) =>
          expected.slice(row * n, (row + 1) * n).sort((a, b) => a - b),
        ).flat();
        expect(rows(x.sort(axis))).toEqual(inOrder);
        expect(disagreements("argsort", x.takeAlong(x.argsort(axis), axis), x.sort(axis))).toEqual([]);
      }),
      runs,
    );
  });
});

/** Up to twelve operations on numbers near 1, each of which may magnify what came before a little. */
const afterManySteps = { units: 1024, scale: 1 };

test("random programs of up to twelve operations agree compiled, batched and differentiated", () => {
  fc.assert(
    fc.property(programs, (program) => {
      holds(
        JSON.stringify(program),
        (x, y) => runProgram(program, x, y),
        [program.left, program.right],
        undefined,
        afterManySteps,
      );
    }),
    { ...runs, numRuns: 100 },
  );
});

test("gradients of random programs agree compiled, batched, and in forward mode", () => {
  fc.assert(
    fc.property(programs, (program) => {
      const loss = (x: Tensor, y: Tensor): Tensor =>
        runProgram(program, x, y)
          .map((made) => made.flatten().mul(arange(made.size).cast("float64").cos()).sum())
          .reduce((a, b) => a.add(b));
      const gradients = grad(loss, { argnums: [0, 1] });
      const label = JSON.stringify(program);
      const shapes = [program.left, program.right];
      const args = shapes.map((s, i) => draw(s, i + 1)) as [Tensor, Tensor];
      expect(jitProblems(label, gradients as TensorFunction, args, afterManySteps)).toEqual([]);
      expect(
        disagreements(
          label,
          grad(jit(loss), { argnums: [0, 1] })(...args),
          gradients(...args),
          afterManySteps,
        ),
      ).toEqual([]);
      const examples = [0, 1].map((example) => shapes.map((s, i) => draw(s, i + 1, example)));
      expect(vmapProblems(label, gradients as TensorFunction, examples, afterManySteps)).toEqual([]);
      const dots = shapes.map((s, i) => draw(s, i + 7)) as [Tensor, Tensor];
      const forward = jvp(loss, args, dots)[1];
      const reverse = gradients(...args)
        .map((bar, i) => bar.mul(dots[i]).sum())
        .reduce((a, b) => a.add(b));
      expect(disagreements(label, forward, reverse, { units: 1024, scale: 64 })).toEqual([]);
      expect(
        disagreements(
          label,
          jit((...xs: Tensor[]) => hvp(loss, xs as [Tensor, Tensor], dots))(...args),
          hvp(loss, args, dots),
          { units: 4096, scale: 64 },
        ),
      ).toEqual([]);
    }),
    { ...runs, numRuns: 80 },
  );
});
