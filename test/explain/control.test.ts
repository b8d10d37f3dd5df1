import { describe, expect, it } from "vitest";
import { explain } from "../../src/explain/index.js";
import { cond, jit, scan, type Tensor, tensor, whileLoop } from "../../src/index.js";

describe("an explanation of control flow", () => {
  it("shows a scan step by step, with the derivative of the loop", () => {
    const f = (w: Tensor): Tensor => scan((h) => [h.mul(w), null], 3, null, { length: 3 })[0];
    for (const of of [f, jit(f)]) {
      const { operations } = explain.cost(of, [tensor(2)]).toJSON();
      expect(operations.filter(({ primitive }) => primitive === "mul")).toHaveLength(3);
      // 3 · 3 w²
      expect(explain(of, [tensor(2)]).toText()).toContain("= 36");
    }
  });

  it("shows what a choice and a loop did, and refuses them where nothing has a value", () => {
    const chosen = (w: Tensor): Tensor =>
      cond(
        w.gt(0),
        (v) => v.square(),
        (v) => v.neg(),
        w,
      );
    expect(explain(jit(chosen), [tensor(3)]).toText()).toContain("= 6");
    const doubled = (w: Tensor): Tensor =>
      whileLoop(
        (v) => v.lt(10),
        (v) => v.mul(2),
        w,
      );
    expect(explain(doubled, [tensor(3)]).toText()).toContain("= 4");
    expect(() => explain.cost(chosen, [tensor(3)])).toThrow(/explain.cost: what cond does depends on values/);
  });

  it("refuses one too long to be read", () => {
    const f = (w: Tensor): Tensor => scan((h) => [h.mul(w).tanh(), null], 1, null, { length: 30_000 })[0];
    expect(() => explain(f, [tensor(1)])).toThrow(/explain: a scan of \d+ operations is too long/);
  });
});
