/** Whatever is passed to whatever stands on the public face: it returns, or is refused with a code other than `internal`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as data from "../../src/data/index.js";
import { AdjointError, tensor } from "../../src/index.js";
import * as io from "../../src/io/index.js";
import * as losses from "../../src/losses/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { junk, junkList, show } from "../matrix/junk-values.js";

const seed = 7310;
const runs = 80;

// what is written must not land among the sources
const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "adjoint-junk-"));
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

type AnyFunction = (...args: unknown[]) => unknown;

/** Undefined where the call returns or is refused with a code; else the error. */
async function wrongOf(call: () => unknown, more: readonly unknown[]): Promise<string | undefined> {
  try {
    const value = await call();
    if (typeof value === "function") await (value as AnyFunction)(...more);
  } catch (error) {
    if (error instanceof AdjointError && error.code !== "internal") return undefined;
    return error instanceof Error ? (error.stack ?? String(error)) : String(error);
  }
  return undefined;
}

function sweep(name: string, f: AnyFunction, args: fc.Arbitrary<unknown[]> = junkList): void {
  it(`${name} returns or refuses with a code`, async () => {
    await fc.assert(
      fc.asyncProperty(args, junkList, async (list, more) => {
        const wrong = await wrongOf(() => f(...list), more);
        if (wrong !== undefined) expect.fail(`${name}(${list.map(show).join(", ")}): ${wrong}`);
      }),
      { seed, numRuns: runs },
    );
  });
}

const isClass = (value: unknown): boolean => /^class\b/.test(String(value));

describe("any function of an entry point with any arguments", () => {
  const entries = {
    nn,
    "nn.init": nn.init,
    "nn.activations": nn.activations,
    optim,
    losses,
    data,
    io,
    train,
    "train.metrics": train.metrics,
  };
  for (const [path, entry] of Object.entries(entries))
    for (const [name, value] of Object.entries(entry)) {
      // activations pass their argument to the core, which has a sweep of its own; mnist without options reads 47 MB
      if (typeof value !== "function" || value === data.mnist) continue;
      const f = value as AnyFunction;
      const Class = value as new (...args: unknown[]) => unknown;
      sweep(`${path}.${name}`, isClass(value) ? (...args) => new Class(...args) : f);
    }
  const wrongOptions = junk.filter(
    (value) =>
      value !== undefined && (typeof value !== "object" || Object.keys(value ?? { a: 1 }).length > 0),
  );
  sweep("data.mnist", data.mnist as AnyFunction, fc.tuple(wrongOptions));
});

describe("any method with any arguments", () => {
  const subjects: Record<string, object> = {
    linear: new nn.Linear(2, 2),
    activation: new nn.Activation("softmax"),
    flatten: new nn.Flatten(),
    sequential: new nn.Sequential(new nn.Linear(2, 3), new nn.Activation("tanh"), new nn.Linear(3, 1)),
    identity: new nn.Sequential((x) => x),
    dataset: data.arrays([[1], [2], [3]], [0, 1, 1], { classes: ["a", "b"] }),
    batches: data.arrays([[1], [2], [3]], [0, 1, 1]).batch(2),
    optimizer: optim.sgd({ learningRate: 0.1, momentum: 0.5 }),
    scheduled: optim.sgd({ learningRate: (step) => 1 / (1 + step) }),
  };
  for (const [name, subject] of Object.entries(subjects)) {
    const prototype = Object.getPrototypeOf(subject);
    const own = prototype === Object.prototype ? subject : prototype;
    const methods = Object.getOwnPropertyNames(own).filter(
      (key) => key !== "constructor" && key !== "schedule" && typeof Reflect.get(subject, key) === "function",
    );
    // private ones are not called by anyone else
    for (const method of methods)
      if (method !== "rows" && method !== "with")
        sweep(`${name}.${method}`, (...args) =>
          (Reflect.get(subject, method) as AnyFunction).apply(subject, args),
        );
  }
});

describe("one wrong argument among right ones", () => {
  const model = new nn.Sequential(new nn.Linear(1, 2));
  const examples = { x: tensor([[1], [2]]), y: tensor([0, 1], { dtype: "int32" }) };
  const optimizer = optim.sgd({ learningRate: 0.1, momentum: 0.9 });
  const state = optimizer.init(model);
  const text = "a,b,y\n1,2,0\n3,4,1\n";
  const nameOf = (names: string) => fc.constantFrom(...names.split(" "));

  const fitNames =
    "data loss optimizer batchSize validation metrics seed shuffle optimizerState onEpoch onBatch onProgress signal more";
  sweep(
    "train.fit",
    (name, value) => {
      const base = { data: examples, loss: "softmaxCrossEntropy", optimizer };
      return train.fit(model, { ...base, [String(name)]: value } as unknown as train.FitOptions<
        typeof model
      >);
    },
    fc.tuple(nameOf(fitNames), junk),
  );
  sweep(
    "train.evaluate",
    (metrics, name, value) =>
      train.evaluate(model, examples, metrics as undefined, { loss: "quadratic", [String(name)]: value }),
    fc.tuple(
      fc.oneof(fc.constant(undefined), junk, fc.array(junk)),
      nameOf("loss batchSize threshold"),
      junk,
    ),
  );
  sweep("train.predict", (x) => train.predict(model, x as never), fc.tuple(junk));
  sweep("train.confusion", (x) => train.confusion(model, x as never), fc.tuple(junk));
  sweep(
    "data.csv",
    (name, value) => data.csv(text, { label: "y", [String(name)]: value }),
    fc.tuple(nameOf("label target features classes dtype header delimiter name"), junk),
  );
  sweep(
    "data.idx",
    (name, value) => {
      const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255);
      const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 7);
      return data.idx({ images, labels }, { [String(name)]: value });
    },
    fc.tuple(nameOf("split flatten scale classes name"), junk),
  );
  sweep(
    "data.dataset",
    (name, value) =>
      data.dataset({
        inputs: new Float32Array(2),
        inputShape: [1],
        targets: Int32Array.of(0, 1),
        targetShape: [],
        [String(name)]: value,
      }),
    fc.tuple(nameOf("inputs inputShape targets targetShape classes name"), junk),
  );
  sweep(
    "optim.sgd",
    (name, value) => optim.sgd({ learningRate: 0.1, [String(name)]: value }),
    fc.tuple(nameOf("learningRate momentum dampening weightDecay nesterov"), junk),
  );
  sweep(
    "optimizer.step",
    (at, value) => {
      const args: unknown[] = [model, model, state, 0.5];
      args[Number(at)] = value;
      return optimizer.step(args[0], args[1], args[2] as optim.SgdState, args[3] as number);
    },
    fc.tuple(fc.integer({ min: 0, max: 3 }), junk),
  );
  sweep(
    "nn.Linear",
    (name, value) => new nn.Linear(2, 3, { [String(name)]: value }),
    fc.tuple(nameOf("key bias init dtype"), junk),
  );
  sweep("nn.summary", (shape) => nn.summary(model, shape as number[]), fc.tuple(junk));
});
