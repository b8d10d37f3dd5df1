/** Notes 003: the chain rule for scalars, vectors and tensors, computational graphs, stored and recomputed values. */
import { describe, expect, it } from "vitest";
import {
  checkpoint,
  einsum,
  grad,
  graphOf,
  jacobian,
  matmul,
  stack,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
  where,
} from "../../src/index.js";
import { centredDifferences, expectClose, f64, flopsOf, normal64, num, recordedGraph } from "./support.js";

describe("notes 003: differentiation of any function", () => {
  it("33: gradients and Jacobians exist for any function, not only for costs", () => {
    // the area of a triangle by its corners: nothing learns here
    const area = (p: Tensor): Tensor => {
      const u = p.slice(1).sub(p.slice(0));
      const v = p.slice(2).sub(p.slice(0));
      return u
        .slice(0)
        .mul(v.slice(1))
        .sub(u.slice(1).mul(v.slice(0)))
        .mul(0.5);
    };
    const corners = f64([
      [0, 0],
      [4, 0],
      [1, 3],
    ]);
    expectClose(area(corners), 6);
    // moving the third corner up by 1 adds half the base; sideways, nothing
    expectClose(grad(area)(corners).slice(2), [0, 2]);
    // polar coordinates: the Jacobian's determinant is r
    const polar = (p: Tensor): Tensor => stack([p.slice(1).cos(), p.slice(1).sin()]).mul(p.slice(0));
    const [r, t] = [2, 0.7];
    const J = jacobian(polar)(f64([r, t]));
    expectClose(J, [
      [Math.cos(t), -r * Math.sin(t)],
      [Math.sin(t), r * Math.cos(t)],
    ]);
    expectClose(
      J.slice(0, 0)
        .mul(J.slice(1, 1))
        .sub(J.slice(0, 1).mul(J.slice(1, 0))),
      r,
    );
  });

  it("34: ∇_x f(x, y) differentiates x and holds y", () => {
    const f = (x: Tensor, y: Tensor): Tensor => x.square().mul(y).sum();
    const [x, y] = [f64([1, 2]), f64([3, 5])];
    expectClose(grad(f)(x, y), [6, 20]);
    expectClose(grad(f, { argnums: 1 })(x, y), [1, 4]);
    // y may be anything, also what has no derivative
    const g = (at: Tensor, power: { exponent: number; mask: Tensor }): Tensor =>
      where(power.mask, at.pow(power.exponent), 0).sum();
    expectClose(grad(g)(x, { exponent: 3, mask: tensor([true, false]) }), [3, 0]);
  });

  it("35: a computational graph has nodes of any type, operations with one output, and edges from inputs", () => {
    const f = (x: Tensor): Tensor => where(x.gt(0), x.mul(2), x.exp()).take([0, 2]).sum();
    const graph = recordedGraph(f, f64([-1, 0, 2]));
    const made = new Set<unknown>([...graph.inputs, ...graph.captures]);
    for (const operation of graph.operations) {
      for (const input of operation.inputs) expect(made.has(input)).toBe(true);
      expect(operation.outputs).toHaveLength(1);
      for (const output of operation.outputs) made.add(output);
    }
    expect(made.has(graph.outputs[0])).toBe(true);
    const types = new Set(
      graph.operations.flatMap(({ outputs }) =>
        outputs.map(({ dtype, shape }) => `${dtype} ${shape.length}`),
      ),
    );
    // a vector of truth values, vectors and a scalar of numbers
    expect([...types].sort()).toEqual(["bool 1", "float64 0", "float64 1"]);
    expect(graph.captures.map(({ dtype }) => dtype)).toContain("int32");
    // an operation is simple; a function is several
    expect(graph.operations.length).toBeGreaterThan(4);
  });

  it("35: graphOf shows a function's graph, one operation a line, and its gradient's is a graph too", () => {
    const f = (x: Tensor): Tensor => x.sin().mul(x).sum();
    const names = (g: (x: Tensor) => Tensor): string[] =>
      graphOf(g, f64([1, 2]))
        .toJSON()
        .operations.map(({ primitive }) => primitive);
    expect(names(f)).toEqual(["sin", "mul", "sum"]);
    expect(graphOf(f, f64([1, 2])).toString()).toMatch(/sin[\s\S]*mul[\s\S]*sum/);
    expect(graphOf(f, f64([1, 2])).toDot()).toMatch(/^digraph/);
    // x̄ = sin x + x cos x
    expect(names((x) => grad(f)(x))).toContain("cos");
  });

  it("36: for scalars dz/dx = dz/dy · dy/dx", () => {
    const g = (x: Tensor): Tensor => x.sin();
    const f = (y: Tensor): Tensor => y.exp();
    const x = f64(0.8);
    expectClose(grad((at: Tensor) => f(g(at)))(x), grad(f)(g(x)).mul(grad(g)(x)));
    expectClose(grad((at: Tensor) => f(g(at)))(x), Math.exp(Math.sin(0.8)) * Math.cos(0.8));
  });

  it("37: for vectors ∇_x z = (∂y/∂x)ᵀ ∇_y z, and ∂z/∂x_i sums over every y_j", () => {
    const m = normal64(37, [4, 3]);
    const g = (x: Tensor): Tensor => m.matmul(x).tanh();
    const f = (y: Tensor): Tensor => y.square().sum().add(y.prod());
    const x = normal64(371, [3]);
    const J = jacobian(g)(x);
    const upstream = grad(f)(g(x));
    expect(J.shape).toEqual([4, 3]);
    expectClose(grad((at: Tensor) => f(g(at)))(x), matmul(J.transpose(), upstream));
    const [rows, bars] = [J.arraySync<number[][]>(), upstream.arraySync<number[]>()];
    expectClose(
      vjp(g, x)[1](upstream)[0],
      [0, 1, 2].map((i) => rows.reduce((sum, row, j) => sum + bars[j] * row[i], 0)),
    );
  });

  it("38: for three functions ∇_x z = (∂y1/∂x)ᵀ (∂y2/∂y1)ᵀ ∇_y2 z, in this order", () => {
    const [p, q] = [normal64(38, [4, 3]), normal64(381, [5, 4])];
    const f1 = (x: Tensor): Tensor => p.matmul(x).tanh();
    const f2 = (y1: Tensor): Tensor => q.matmul(y1).sin();
    const f3 = (y2: Tensor): Tensor => y2.square().sum();
    const x = normal64(382, [3]);
    const [y1, y2] = [f1(x), f2(f1(x))];
    const [J1, J2] = [jacobian(f1)(x), jacobian(f2)(y1)];
    const bySum = J1.transpose().matmul(J2.transpose().matmul(grad(f3)(y2)));
    expectClose(grad((at: Tensor) => f3(f2(f1(at))))(x), bySum);
    // with indices: y1 has 4 entries (k) and y2 has 5 (j)
    expectClose(bySum, einsum("j,jk,ki->i", grad(f3)(y2), J2, J1));
    // the Jacobians' shapes allow no other order
    expect(() => J2.transpose().matmul(J1.transpose())).toThrow(/inner dimensions differ/);
  });

  it("39: for tensors ∇_X z = Σ_j (∇_X Y_j) ∂z/∂Y_j", () => {
    const X = normal64(39, [2, 3]);
    const w = normal64(391, [3, 2]);
    const g = (at: Tensor): Tensor => at.matmul(w).sigmoid();
    const f = (Y: Tensor): Tensor =>
      Y.square()
        .mul(
          f64([
            [1, 2],
            [3, 4],
          ]),
        )
        .sum();
    const Y = g(X);
    const zByY = grad(f)(Y).flatten();
    // one gradient tensor of X's shape for each index j of Y, whatever Y's own shape
    const terms = [0, 1, 2, 3].map((j) =>
      grad((at: Tensor) => g(at).flatten().slice(j))(X).mul(zByY.slice(j)),
    );
    expectClose(
      grad((at: Tensor) => f(g(at)))(X),
      terms.reduce((s, t) => s.add(t)),
    );
    expectClose(grad((at: Tensor) => f(g(at)))(X), einsum("ij,ijkl->kl", grad(f)(Y), jacobian(g)(X)));
  });

  it("40: f(f(f(w))) stored and recomputed give the same derivative at different cost", () => {
    let runs = 0;
    const f = (v: Tensor): Tensor => {
      runs++;
      return v.square().sin().add(v);
    };
    const slope = grad((v: Tensor) => v.square().sin().add(v));
    const w = f64(0.6);
    // stored: x = f(w), y = f(x) are kept from the forward pass
    const [x, y] = [f(w), f(f(w))];
    runs = 0;
    const stored = grad((at: Tensor) => f(f(f(at))))(w);
    expect(runs).toBe(3);
    expectClose(stored, slope(y).mul(slope(x)).mul(slope(w)));
    // recomputed: f′(f(f(w))) · f′(f(w)) · f′(w), where f(w) is wanted twice
    runs = 0;
    const recomputed = slope(f(f(w)))
      .mul(slope(f(w)))
      .mul(slope(w));
    expect(runs).toBe(3);
    expectClose(recomputed, stored);
    // for n links, recomputing every argument from w takes n(n − 1)/2 further runs, storing none
    const links = 8;
    runs = 0;
    let product = f64(1);
    for (let k = 0; k < links; k++) {
      let at = w;
      for (let i = 0; i < k; i++) at = f(at);
      product = product.mul(slope(at));
    }
    expect(runs).toBe((links * (links - 1)) / 2);
    const chained = (at: Tensor): Tensor => {
      let v = at;
      for (let i = 0; i < links; i++) v = f(v);
      return v;
    };
    runs = 0;
    expectClose(grad(chained)(w), product, 1e-11);
    expect(runs).toBe(links);
  });

  it("40: checkpoint recomputes instead of storing: the same derivative, more operations", () => {
    const f = (v: Tensor): Tensor => v.square().sin().add(v);
    const stored = (at: Tensor): Tensor => f(f(f(at)));
    const forgetting = checkpoint(stored);
    const w = f64(0.6);
    expectClose(grad(forgetting)(w), grad(stored)(w));
    const both = (g: (at: Tensor) => Tensor) => flopsOf((at) => valueAndGrad(g)(at), w);
    const twice = both(forgetting) - both(stored);
    // what is computed again is the forward pass, no more
    expect(twice).toBeGreaterThan(0);
    expect(twice).toBeLessThanOrEqual(flopsOf(stored, w));
  });

  it("41: the general forward and backward algorithms over u⁽¹⁾ … u⁽ⁿ⁾ agree with grad, one visit an edge", () => {
    // u1, u2 inputs; each further node names its parents, its value and its local derivatives
    type Rule = { parents: number[]; value: (u: number[]) => number; slopes: (u: number[]) => number[] };
    const rules: Rule[] = [
      { parents: [0, 1], value: ([p, q]) => p * q, slopes: ([p, q]) => [q, p] },
      { parents: [0], value: ([p]) => Math.sin(p), slopes: ([p]) => [Math.cos(p)] },
      { parents: [2, 3], value: ([p, q]) => p + q, slopes: () => [1, 1] },
      {
        parents: [2, 4],
        value: ([p, q]) => p * Math.exp(q),
        slopes: ([p, q]) => [Math.exp(q), p * Math.exp(q)],
      },
    ];
    const inputs = [0.7, -0.4];
    const u = [...inputs];
    for (const { parents, value } of rules) u.push(value(parents.map((i) => u[i])));
    const table = u.map(() => 0);
    table[u.length - 1] = 1;
    let visits = 0;
    for (let j = u.length - 1; j >= inputs.length; j--) {
      const { parents, slopes } = rules[j - inputs.length];
      const local = slopes(parents.map((i) => u[i]));
      parents.forEach((i, k) => {
        visits++;
        table[i] += table[j] * local[k];
      });
    }
    expect(visits).toBe(7);
    const f = (a: Tensor, b: Tensor): Tensor => {
      const product = a.mul(b);
      return product.mul(product.add(a.sin()).exp());
    };
    expectClose(f(f64(0.7), f64(-0.4)), u[5]);
    const [byA, byB] = grad(f, { argnums: [0, 1] })(f64(0.7), f64(-0.4));
    expectClose(byA, table[0]);
    expectClose(byB, table[1]);
    // shared nodes are visited once: doubling a value forty times costs forty additions, not 2⁴⁰
    const doubled = (at: Tensor): Tensor => {
      let v = at;
      for (let i = 0; i < 40; i++) v = v.add(v);
      return v;
    };
    expectClose(grad(doubled)(f64(1)), 2 ** 40);
    expect(flopsOf(grad(doubled), f64(1))).toBeLessThan(200);
    expectClose(centredDifferences(doubled, f64(1)).div(2 ** 40), 1, 1e-8);
    expect(num(doubled(f64(1)))).toBe(2 ** 40);
  });
});
