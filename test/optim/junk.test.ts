/** Whatever an update rule, a schedule or a clip is given, it returns or refuses with a code other than `internal`. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AdjointError, tensor } from "../../src/index.js";
import * as optim from "../../src/optim/index.js";
import { junk, junkList, show } from "../matrix/junk-values.js";

const any = (value: unknown): never => value as never;
const functions = Object.entries(optim).filter(([, value]) => typeof value === "function");

function attempt(call: () => unknown): string | null {
  try {
    call();
    return null;
  } catch (error) {
    if (error instanceof AdjointError && error.code !== "internal") return null;
    return error instanceof Error ? (error.stack ?? String(error)) : String(error);
  }
}

describe("any function with any arguments", () => {
  it.each(functions)("%s", (name, value) => {
    const f = value as (...args: unknown[]) => unknown;
    fc.assert(
      fc.property(junkList, junk, (args, further) => {
        const wrong = attempt(() => {
          const made = f(...args);
          if (typeof made === "function") made(further);
        });
        if (wrong !== null) expect.fail(`${name}(${args.map(show).join(", ")})(${show(further)}): ${wrong}`);
      }),
      { seed: 20264, numRuns: 100 },
    );
  });
});

describe("init and step with anything", () => {
  const optimizers: optim.Optimizer[] = [
    optim.sgd({ learningRate: 1, momentum: 0.5 }),
    optim.adam({ learningRate: 1 }),
    optim.rmsprop({ learningRate: (step) => step }),
    optim.chain(optim.clipByGlobalNorm(1), optim.lion({ learningRate: 1 })),
  ];
  const good = { w: tensor([1, 2]) };

  it.each(optimizers)("of $name", (optimizer) => {
    const state = optimizer.init(good);
    fc.assert(
      fc.property(junk, (x) => {
        const wrong =
          attempt(() => optimizer.init(x)) ??
          attempt(() => optimizer.step(any(x), good, state)) ??
          attempt(() => optimizer.step(good, any(x), state)) ??
          attempt(() => optimizer.step(good, good, any(x))) ??
          attempt(() =>
            optimizer.step(good, good, any({ ...state, firstMoment: x, velocity: x, secondMoment: x })),
          ) ??
          attempt(() => optimizer.step(good, good, state, any(x)));
        if (wrong !== null) expect.fail(`${optimizer.name} with ${show(x)}: ${wrong}`);
      }),
      { seed: 20265, numRuns: 100 },
    );
  });
});
