/** 25 steps of every optimizer and schedule on ½‖a·w + b − y‖² against PyTorch's (Lion's: against its paper's, in NumPy). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { grad, jit, type Tensor, tensor } from "../../src/index.js";
import * as optim from "../../src/optim/index.js";

type ScheduleName = "cosine" | "stepDecay" | "exponential" | "linearWarmup" | "oneCycle";

interface Case {
  readonly name: string;
  readonly optimizer: "sgd" | "adam" | "adamW" | "rmsprop" | "adagrad" | "lion";
  readonly options: Readonly<Record<string, unknown>>;
  readonly schedule?: readonly [ScheduleName, unknown];
  readonly clipByGlobalNorm?: number;
  readonly clipByValue?: number;
  readonly problem: { readonly a: number[][]; readonly y: number[] };
  readonly start: { readonly w: number[]; readonly b: number };
  /** The rate before each step. */
  readonly rates?: readonly number[];
  /** w and b after each step. */
  readonly trajectory: readonly (readonly number[])[];
}

interface Params {
  readonly w: Tensor;
  readonly b: Tensor;
}

const url = new URL("../fixtures/pytorch/optimizers.json", import.meta.url);
// the generator writes exactly this form
const cases = JSON.parse(readFileSync(url, "utf8")) as readonly Case[];

function scheduleOf([name, options]: readonly [ScheduleName, unknown]): optim.Schedule {
  const make = Reflect.get(optim, name) as (given: unknown) => optim.Schedule;
  return make(options);
}

function optimizerOf(one: Case): optim.Optimizer {
  const rate = one.schedule === undefined ? {} : { learningRate: scheduleOf(one.schedule) };
  const make = Reflect.get(optim, one.optimizer) as (options: unknown) => optim.Optimizer;
  const optimizer = make({ ...one.options, ...rate });
  if (one.clipByGlobalNorm !== undefined)
    return optim.chain(optim.clipByGlobalNorm(one.clipByGlobalNorm), optimizer);
  if (one.clipByValue !== undefined) return optim.chain(optim.clipByValue(one.clipByValue), optimizer);
  return optimizer;
}

/** The largest difference from the vectors over all steps; their numbers are of the size of 1. */
function differenceOf(one: Case, dtype: "float32" | "float64", compiled: boolean): number {
  const make = (data: number | number[] | number[][]): Tensor => tensor(data, { dtype });
  const [a, y] = [make(one.problem.a), make(one.problem.y)];
  const optimizer = optimizerOf(one);
  const cost = ({ w, b }: Params): Tensor => a.matmul(w).add(b).sub(y).square().sum().mul(0.5);
  const update = (params: Params, state: optim.OptimizerState) =>
    optimizer.step(params, grad(cost)(params), state);
  const step = compiled ? jit(update, { donate: [0, 1] }) : update;
  let params: Params = { w: make(one.start.w), b: make(one.start.b) };
  let state = optimizer.init(params);
  let largest = 0;
  for (const expected of one.trajectory) {
    [params, state] = step(params, state);
    expect(params.w.dtype).toBe(dtype);
    const found = [...params.w.dataSync(), params.b.itemSync()];
    largest = Math.max(largest, ...found.map((value, i) => Math.abs(value - expected[i])));
  }
  expect(state.step.itemSync()).toBe(one.trajectory.length);
  return largest;
}

describe("PyTorch: optimizers", () => {
  // some ten roundings a step over 25 steps, on numbers up to 2, which these rules carry along and hardly amplify
  const double = 250 * 2 ** -52;
  const single = 250 * 2 ** -23;

  for (const one of cases) {
    it(one.name, () => expect(differenceOf(one, "float64", false)).toBeLessThan(double));
    it(`${one.name}, inside jit`, () => expect(differenceOf(one, "float64", true)).toBeLessThan(double));
    // the sign of an average near 0 may differ in another precision, and then a whole step of Lion does
    if (one.optimizer !== "lion")
      it(`${one.name}, in float32`, () => expect(differenceOf(one, "float32", true)).toBeLessThan(single));
  }
});

describe("PyTorch: schedules", () => {
  for (const one of cases)
    if (one.schedule !== undefined && one.rates !== undefined && one.optimizer === "sgd") {
      const { schedule, rates } = one;
      it(`${schedule[0]} ${JSON.stringify(schedule[1])} gives the same rates`, () => {
        const rateAt = scheduleOf(schedule);
        // PyTorch multiplies its way from step to step, so its rate is off by a rounding more at each
        rates.forEach((rate, step) => {
          expect(Math.abs(rateAt(step) - rate)).toBeLessThanOrEqual(rate * rates.length * 2 ** -52);
        });
      });
    }
});
