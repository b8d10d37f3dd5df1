/** The plan of a chain: as cheap as theory says, and within the room it was given. */
import { describe, expect, it } from "vitest";
import { ChainPlan } from "../../src/transforms/checkpoint-plan.js";

const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);

/** Griewank and Walther 2000: the fewest steps forward for a chain of l, with room for s values, the first among them. */
function fewestSteps(l: number, s: number): number {
  let r = 0;
  while (choose(s + r, s) < l) r++;
  return r * l - choose(s + r, r - 1);
}

/** Steps that hold nothing but the value between them. */
const thin = (costs: readonly number[]): ChainPlan =>
  new ChainPlan(costs.map((cost) => ({ cost, again: 0, inner: 0 })));

interface Carried {
  /** How often each step is computed. */
  readonly times: number[];
  /** Values kept between steps at once, the first not counted. */
  most: number;
}

/** Does what a plan says, and notes what it takes. */
function carryOut(plan: ChainPlan, steps: number, keep: number): Carried {
  const carried: Carried = { times: new Array<number>(steps).fill(0), most: 0 };
  const advance = (from: number, to: number): void => {
    for (let i = from; i < to; i++) carried.times[i]++;
  };
  const reverse = (from: number, to: number, room: number, kept: number): void => {
    const division = plan.divide(from, to, room);
    if (division.kind === "whole") {
      advance(from, to - 1);
      carried.most = Math.max(carried.most, kept + to - 1 - from);
      return;
    }
    advance(from, division.at);
    // without room, what the last step begins with is there for that step only
    reverse(division.at, to, Math.max(0, room - 1), kept + Math.min(1, room));
    reverse(from, division.at, room, kept);
  };
  reverse(0, steps, keep, 0);
  return carried;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe("the plan of a chain", () => {
  it("of equal steps takes as many as is known to be least, and no more room than it has", () => {
    for (const keep of [1, 2, 3, 5, 8])
      for (let steps = 2; steps <= 40; steps++) {
        const plan = thin(new Array<number>(steps).fill(1));
        const { times, most } = carryOut(plan, steps, keep);
        expect(sum(times), `${steps} steps, ${keep} kept`).toBe(fewestSteps(steps, keep + 1));
        expect(most).toBeLessThanOrEqual(keep);
        expect(plan.repeated(keep)).toBe(sum(times) - (steps - 1));
      }
  });

  it("computes nothing again where there is room for all values", () => {
    expect(thin([3, 1, 4, 1, 5]).repeated(4)).toBe(0);
    expect(thin([3]).repeated(1)).toBe(0);
  });

  it("spares dear steps", () => {
    // one value kept of three between four steps
    const costs = [1, 1, 100, 1];
    const { times } = carryOut(thin(costs), 4, 1);
    expect(times[2]).toBe(1);
    const best = Math.min(
      ...[1, 2, 3].map((at) => {
        const plan = thin(costs);
        const advance = sum(costs.slice(0, at));
        const back = thin(costs.slice(0, at)).repeated(1) + sum(costs.slice(0, at - 1));
        // behind the cut nothing else can be kept: each step is reached from the cut anew
        const behind = costs.slice(at);
        const again = sum(behind.map((_, i) => sum(behind.slice(0, i))));
        expect(plan.repeated(1)).toBeLessThanOrEqual(advance + back + again - sum(costs.slice(0, 3)));
        return advance + back + again;
      }),
    );
    expect(sum(times.map((count, i) => count * costs[i]))).toBe(best);
  });

  it("chooses the fewest values with which no more than the chain is computed again", () => {
    for (const steps of [2, 5, 32, 100]) {
      const plan = thin(new Array<number>(steps).fill(2));
      const keep = plan.fewest();
      expect(plan.repeated(keep)).toBeLessThanOrEqual(2 * steps);
      if (keep > 1) expect(plan.repeated(keep - 1)).toBeGreaterThan(2 * steps);
    }
  });
});
