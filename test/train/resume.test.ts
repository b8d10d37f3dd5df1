/** A run that goes on from any of its checkpoints is the run that was never interrupted, to the last bit. */
import { describe, expect, it } from "vitest";
import type { Batch, ExampleStream, Pass } from "../../src/data/index.js";
import { isTensor, random, type Tensor, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { flatten } from "../../src/util/tree.js";
import { MemoryFiles } from "./memory-files.js";

const directory = "ck";
const rows = 10;
const examples = (dtype: "float32" | "float64" = "float32") => {
  const [a, b] = random.split(random.key(11));
  return {
    x: random.normal(a, { shape: [rows, 3], dtype }),
    y: random.categorical(b, tensor([[0.1, 0.2, 0.3]]).tile([rows, 1])),
  };
};

/** Draws, gathers statistics, and learns. */
const network = (dtype: "float32" | "float64" = "float32"): nn.Sequential => {
  const [a, b] = random.split(random.key(5));
  return new nn.Sequential(
    new nn.Linear(3, 6, { key: a, dtype }),
    new nn.BatchNorm(6, { dtype }),
    new nn.Dropout(0.4),
    new nn.Activation("tanh"),
    new nn.Linear(6, 3, { key: b, dtype }),
  );
};

const cosine = (step: number): number => 0.05 * (1 + Math.cos(step / 5));
const base = (): train.FitOptions<nn.Sequential> => ({
  data: examples(),
  validation: examples(),
  loss: "softmaxCrossEntropy",
  optimizer: optim.adam({ learningRate: cosine }),
  epochs: 3,
  batchSize: 4,
  seed: 3,
});

/** The same batches for the same key, in an order by it, as a stream has to give. */
const stream = (isSized: boolean): ExampleStream => {
  const { x, y } = examples();
  return {
    ...(isSized && { size: rows }),
    inputShape: [3],
    targetShape: [],
    async *batches(batchSize: number, { key, skip = 0 }: Pass = {}): AsyncGenerator<Batch> {
      const order =
        key === undefined
          ? tensor(
              Array.from({ length: rows }, (_, i) => i),
              { dtype: "int32" },
            )
          : random.permutation(key, rows);
      for (let at = skip * batchSize; at < rows; at += batchSize) {
        const chosen = order.slice([at, Math.min(rows, at + batchSize)]);
        await Promise.resolve();
        yield { x: x.take(chosen), y: y.take(chosen) };
      }
    },
  };
};

/** An optimizer of one's own: plain numbers, lists and classes in its state, which grows at the first update. */
class Memory {
  readonly velocity: Tensor;
  constructor(velocity: Tensor) {
    this.velocity = velocity;
  }
}
interface OddState extends optim.OptimizerState {
  readonly note: string;
  readonly list: readonly (number | null)[];
  readonly memory: Memory;
  readonly grown?: { readonly total: Tensor };
}
const odd = (): optim.Optimizer<OddState> => {
  const inner = optim.sgd({ learningRate: 0.1 });
  return {
    name: "odd",
    init: (params) => ({
      ...inner.init(params),
      note: "né à 5 h",
      list: [0.5, null],
      memory: new Memory(tensor(1)),
    }),
    step(params, gradients, state, rate) {
      const [next, { step }] = inner.step(params, gradients, state, rate);
      const velocity = state.memory.velocity.mul(0.9);
      return [
        next,
        {
          ...state,
          step,
          memory: new Memory(velocity),
          grown: { total: (state.grown?.total ?? tensor(0)).add(velocity) },
        },
      ];
    },
  };
};

interface Outcome {
  readonly bits: readonly (readonly [string, number[]])[];
  readonly history: readonly unknown[];
  readonly epochs: readonly unknown[];
  readonly batches: readonly unknown[];
  readonly run: train.Run<nn.Sequential>;
}

const bitsOf = (tree: unknown): (readonly [string, number[]])[] =>
  flatten(tree, isTensor).leaves.map((leaf) => {
    const data = leaf.dataSync();
    return [
      `${leaf.dtype}[${leaf.shape}]`,
      [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
    ];
  });
const withoutTime = ({ seconds: _, ...record }: train.EpochRecord): unknown => record;

async function outcome(model: nn.Sequential, options: train.FitOptions<nn.Sequential>): Promise<Outcome> {
  const epochs: unknown[] = [];
  const batches: unknown[] = [];
  const run = await train.fit(model, {
    ...options,
    onEpoch: ({ model: snapshot, seconds: _, ...event }) => {
      epochs.push([event, bitsOf(snapshot)]);
    },
    onBatch: (event) => {
      batches.push(event);
    },
  });
  return {
    bits: bitsOf([run.model, run.optimizerState]),
    history: run.history.map(withoutTime),
    epochs,
    batches,
    run,
  };
}

/** Resumes from every single checkpoint of a run that writes one after every update, and compares with the run without any. */
async function expectSameFromEverywhere(
  model: () => nn.Sequential,
  options: () => train.FitOptions<nn.Sequential>,
  updates: number,
): Promise<void> {
  const whole = await outcome(model(), options());
  const files = new MemoryFiles();
  const kept = await outcome(model(), {
    ...options(),
    checkpoint: { directory, everySteps: 1, keep: 1000, files },
  });
  expect(kept.bits).toEqual(whole.bits);
  expect(kept.history).toEqual(whole.history);
  const paths = files.paths();
  expect(paths.length).toBe(updates);
  for (const path of paths) {
    const only = MemoryFiles.of([[path, files.get(path) ?? new Uint8Array()]]);
    const rest = await outcome(model(), {
      ...options(),
      checkpoint: { directory, files: only },
      resume: true,
    });
    expect(rest.bits, path).toEqual(whole.bits);
    expect(rest.history, path).toEqual(whole.history);
    // what is still told is what had not been told
    expect(rest.epochs, path).toEqual(whole.epochs.slice(whole.epochs.length - rest.epochs.length));
    expect(rest.batches, path).toEqual(whole.batches.slice(whole.batches.length - rest.batches.length));
    expect(rest.run.steps).toBe(whole.run.steps);
  }
}

describe("a run goes on from any of its checkpoints as if it had never stopped", () => {
  // 10 rows in batches of 4: three updates an epoch
  it("with dropout, batch normalisation, a schedule and validation", async () => {
    await expectSameFromEverywhere(network, base, 9);
  });

  it("in float64", async () => {
    const options = () => ({
      ...base(),
      data: examples("float64"),
      validation: examples("float64"),
      epochs: 2,
    });
    await expectSameFromEverywhere(() => network("float64"), options, 6);
  });

  it("in the order of the data, without a seed", async () => {
    const options = () => {
      const { seed: _, ...rest } = base();
      return { ...rest, shuffle: false, epochs: 2 };
    };
    // without a seed two runs draw differently: only those of one run are compared
    const files = new MemoryFiles();
    const whole = await outcome(network(), {
      ...options(),
      checkpoint: { directory, everySteps: 1, keep: 99, files },
    });
    for (const path of files.paths()) {
      const only = MemoryFiles.of([[path, files.get(path) ?? new Uint8Array()]]);
      const rest = await outcome(network(), {
        ...options(),
        checkpoint: { directory, files: only },
        resume: true,
      });
      expect(rest.bits, path).toEqual(whole.bits);
    }
  });

  it("with two batches an update, also between the two", async () => {
    const files = new MemoryFiles();
    const options = () => ({ ...base(), accumulate: 2, epochs: 2 });
    const whole = await outcome(network(), options());
    // time passes between any two batches
    const checkpoint = { directory, everySeconds: 1e-9, keep: 99, files };
    const saved: Uint8Array[] = [];
    files.before = (operation, path) => {
      if (operation === "rename") saved.push(files.get(path) ?? new Uint8Array());
    };
    await outcome(network(), { ...options(), checkpoint });
    // three batches an epoch, two and one in an update
    expect(saved.length).toBeGreaterThanOrEqual(6);
    for (const bytes of saved) {
      const only = MemoryFiles.of([[`${directory}/checkpoint-000000001.safetensors`, bytes]]);
      const rest = await outcome(network(), {
        ...options(),
        checkpoint: { directory, files: only },
        resume: true,
      });
      expect(rest.bits).toEqual(whole.bits);
      expect(rest.history).toEqual(whole.history);
    }
  });

  it.each([true, false])("from a stream, whose size is known: %s", async (isSized) => {
    const options = () => ({ ...base(), data: stream(isSized), epochs: 2 });
    await expectSameFromEverywhere(network, options, 6);
  });

  const optimizers: Readonly<Record<string, () => optim.Optimizer>> = {
    "sgd with momentum": () => optim.sgd({ learningRate: 0.5, momentum: 0.9, weightDecay: 0.01 }),
    adamW: () => optim.adamW({ learningRate: 0.05, weightDecay: 0.1 }),
    "rmsprop, centred": () => optim.rmsprop({ learningRate: 0.01, momentum: 0.5, centered: true }),
    adagrad: () => optim.adagrad({ learningRate: 0.1 }),
    lion: () => optim.lion({ learningRate: cosine }),
    "a chain": () => optim.chain(optim.clipByGlobalNorm(0.1), optim.adam({ learningRate: 0.05 })),
    "one of one's own": odd as () => optim.Optimizer,
  };
  it.each(Object.keys(optimizers))("with %s", async (name) => {
    const options = () => ({ ...base(), optimizer: optimizers[name](), epochs: 1 });
    await expectSameFromEverywhere(network, options, 3);
  });

  it("and on, with more epochs than it was to have", async () => {
    const whole = await outcome(network(), { ...base(), epochs: 4 });
    const files = new MemoryFiles();
    await outcome(network(), { ...base(), epochs: 2, checkpoint: { directory, files } });
    const rest = await outcome(network(), {
      ...base(),
      epochs: 4,
      checkpoint: { directory, files },
      resume: true,
    });
    expect(rest.bits).toEqual(whole.bits);
    expect(rest.history).toEqual(whole.history);
    expect(rest.epochs.length).toBe(2);
  });

  it("and makes no step where all is done", async () => {
    const files = new MemoryFiles();
    const whole = await outcome(network(), { ...base(), checkpoint: { directory, files } });
    const again = await outcome(network(), { ...base(), checkpoint: { directory, files }, resume: true });
    expect(again.bits).toEqual(whole.bits);
    expect(again.history).toEqual(whole.history);
    expect([again.epochs, again.batches, again.run.ended]).toEqual([[], [], "finished"]);
  });

  it("after it was aborted in the midst of an epoch", async () => {
    const data = { x: examples().x.tile([60, 1]), y: examples().y.tile([60]) };
    const options = { ...base(), data, batchSize: 2, epochs: 2 };
    const whole = await train.fit(network(), options);
    const files = new MemoryFiles();
    const controller = new AbortController();
    const first = await train.fit(network(), {
      ...options,
      checkpoint: { directory, files },
      signal: controller.signal,
      onBatch: ({ step }) => {
        if (step === Math.floor(whole.steps * 0.3)) controller.abort();
      },
    });
    expect(first.ended).toBe("aborted");
    expect(first.checkpoint).toBe(files.paths().at(-1));
    expect(first.steps).toBe(Math.floor(whole.steps * 0.3));
    const notices: train.Notice[] = [];
    const rest = await train.fit(network(), {
      ...options,
      checkpoint: { directory, files },
      resume: true,
      onNotice: (notice) => notices.push(notice),
    });
    expect(bitsOf(rest.model)).toEqual(bitsOf(whole.model));
    expect(rest.steps).toBe(whole.steps);
    expect(notices).toMatchObject([{ kind: "resumed", step: first.steps, file: first.checkpoint }]);
  });
});
