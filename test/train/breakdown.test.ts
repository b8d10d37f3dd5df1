/** What a run says and does when something around it breaks: callbacks, recorders, state of other settings, the last update. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { AdjointError, type Tensor, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { network, options as ofNetwork, valuesOf } from "./support.js";

const options = (): Omit<train.FitOptions, "onEpoch" | "record"> => {
  const { onEpoch: _, record: __, ...others } = ofNetwork();
  return others;
};

const place = mkdtempSync(join(tmpdir(), "adjoint-breakdown-"));
let directories = 0;
const fresh = (): string => join(place, String(directories++));
afterAll(() => rmSync(place, { recursive: true, force: true }));

const quiet = { onNotice: (): void => {} };
const refusal = async (work: Promise<unknown>): Promise<AdjointError> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof AdjointError) return error;
  throw new Error(`no AdjointError but ${String(error)}`);
};

describe("a last update that makes NaN", () => {
  // its loss, of before the update, is 1; the derivative of the root at 0 is infinite, times 0 it is NaN
  const rootOfNothing = (output: Tensor): Tensor => output.mul(0).sqrt().sum().add(1);
  const once = { ...options(), loss: rootOfNothing, epochs: 1, batchSize: 4 };

  it("ends a run without checkpoints too: no model of NaN is handed out as finished", async () => {
    const error = await refusal(train.fit(network(), once));
    expect(error.code).toBe("non-finite");
    expect(error.message).toMatch(
      /^fit: the update made layers\.0\.weight not finite at step 1 \(epoch 1\): /,
    );
  });

  it("is of the epoch it belongs to, though that is over", async () => {
    const error = await refusal(train.fit(network(), { ...once, checkpoint: fresh() }));
    expect(error.details).toMatchObject({ step: 1, epoch: 1 });
  });

  it("is none where the model held such numbers from the start, and does not learn them", async () => {
    class Masked {
      readonly inner = network();
      readonly mask = tensor([0, Number.NEGATIVE_INFINITY], { dtype: "float64" });
      forward(x: Tensor): Tensor {
        return this.inner.forward(x);
      }
    }
    const run = await train.fit(new Masked(), {
      ...options(),
      optimizer: {
        ...optim.sgd({ learningRate: 0.1 }),
        init: () => ({ step: tensor(0, { dtype: "int32" }) }),
        step: (model, _, state) => [model, state],
      },
    });
    expect(run.ended).toBe("finished");
  });
});

describe("what a breakdown advises", () => {
  const withoutRate = /learning rate/;

  it("is about the data where the data hold NaN", async () => {
    const data = {
      x: tensor([
        [1, 2],
        [Number.NaN, 0],
      ]),
      y: tensor([0, 1], { dtype: "int32" }),
    };
    const error = await refusal(train.fit(network(), { ...options(), data }));
    expect(error.message).toContain("the inputs of its batch contain NaN; leave such examples out");
    expect(error.message).not.toMatch(withoutRate);
  });

  it("is about the model where that held NaN when it came", async () => {
    const layer = new nn.Linear(2, 2);
    const broken = nn.loadStateDict(layer, {
      weight: tensor([
        [1, 2],
        [Number.NaN, 0],
      ]),
      bias: tensor([0, 0]),
    });
    const error = await refusal(train.fit(broken, options()));
    expect(error.message).toContain(
      "the parameter weight already contained NaN; look at what made the model",
    );
    expect(error.message).not.toMatch(withoutRate);
  });
});

describe("the line a breakdown names", () => {
  it("is none of a package: what is there is not the user's to mend", async () => {
    const modules = join(place, "node_modules");
    mkdirSync(modules);
    const source = "export const loss = (output) => output.mul(0).log().mean();";
    const lossIn = async (file: string): Promise<AdjointError> => {
      writeFileSync(file, source);
      const { loss } = (await import(pathToFileURL(file).href)) as { loss: (output: Tensor) => Tensor };
      return refusal(train.fit(network(), { ...options(), loss }));
    };
    expect((await lossIn(join(place, "mine.mjs"))).message).toMatch(/going forward, at .*mine\.mjs:1;/);
    const error = await lossIn(join(modules, "theirs.mjs"));
    expect(error.message).toMatch(/which log made going forward; /);
    expect(error.details.file).toBeUndefined();
  });
});

describe("callbacks", () => {
  it.each(["onBatch", "onProgress", "onEpoch"] as const)(
    "%s that rejects ends the run with its error, which nobody has to catch elsewhere",
    async (name) => {
      const unhandled: unknown[] = [];
      const listen = (reason: unknown): void => {
        unhandled.push(reason);
      };
      process.on("unhandledRejection", listen);
      try {
        const run = train.fit(network(), {
          ...options(),
          // pauses, at which progress is told, come every 50 ms
          epochs: 100_000,
          [name]: async () => {
            throw new Error("mine");
          },
        });
        await expect(run).rejects.toThrow("mine");
        await new Promise((resolve) => setTimeout(resolve, 5));
      } finally {
        process.off("unhandledRejection", listen);
      }
      expect(unhandled).toEqual([]);
    },
  );

  it("a recorder whose end fails is told of the end once", async () => {
    let ends = 0;
    const record = {
      start(): void {},
      epoch(): void {},
      end(): void {
        ends++;
        throw new Error("disk");
      },
    };
    await expect(train.fit(network(), { ...options(), record })).rejects.toThrow("disk");
    expect(ends).toBe(1);
  });
});

describe("a directory of checkpoints", () => {
  it.each([false, "auto"] as const)(
    "that holds the best model alone is refused with resume: %s, and the model untouched",
    async (resume) => {
      const directory = fresh();
      await train.fit(network(), { ...options(), checkpoint: { directory, best: "loss" } });
      for (const name of readdirSync(directory))
        if (name !== "best.safetensors") rmSync(join(directory, name));
      const before = readFileSync(join(directory, "best.safetensors"));
      const error = await refusal(
        train.fit(network(), { ...options(), checkpoint: { directory, best: "loss" }, resume }),
      );
      expect(error.code).toBe("checkpoint-exists");
      expect(error.message).toMatch(/\(best\.safetensors\); choose another directory$/);
      expect(readFileSync(join(directory, "best.safetensors"))).toEqual(before);
    },
  );

  it("of a later format is refused: the run does not go on from before and write over it", async () => {
    const checkpoint = fresh();
    const run = await train.fit(network(), { ...options(), checkpoint });
    const file = run.checkpoint ?? "";
    const bytes = readFileSync(file);
    bytes.write("2", bytes.indexOf('"checkpoint":"1"') + '"checkpoint":"'.length);
    const digestAt = bytes.indexOf('"sha256":"') + '"sha256":"'.length;
    bytes.fill("0", digestAt, digestAt + 64);
    bytes.write(createHash("sha256").update(bytes).digest("hex"), digestAt);
    writeFileSync(file, bytes);
    const error = await refusal(
      train.fit(network(), { ...options(), epochs: 4, checkpoint, resume: true, ...quiet }),
    );
    expect(error.code).toBe("unsupported");
    expect(error.message).toContain("is of format 2, and this version of adjoint reads 1");
    expect(readFileSync(file)).toEqual(bytes);
  });

  it("cannot keep two tensors by one name, which is said before the first step", async () => {
    class Ambiguous {
      readonly inner = network();
      readonly "inner.scale" = tensor(1);
      forward(x: Tensor): Tensor {
        return this.inner.forward(x);
      }
    }
    const model = new Ambiguous();
    Object.assign(model.inner, { scale: tensor(2) });
    const error = await refusal(train.fit(model, { ...options(), checkpoint: fresh() }));
    expect(error.message).toBe(
      "fit: model must be one whose tensors have names that differ, to be kept in checkpoints, received two called inner.scale",
    );
  });
});

describe("a run that is stopped before its first step", () => {
  it("leaves a checkpoint of its beginning, from which it goes on as if it had never stopped", async () => {
    const checkpoint = fresh();
    const whole = await train.fit(network(), options());
    const stopped = await train.fit(network(), { ...options(), checkpoint, signal: AbortSignal.abort() });
    expect(stopped).toMatchObject({ ended: "aborted", steps: 0, history: [] });
    expect(stopped.checkpoint).toBe(`${checkpoint}/checkpoint-000000000.safetensors`);
    const run = await train.fit(network(), { ...options(), checkpoint, resume: true, ...quiet });
    expect(valuesOf(run.model)).toEqual(valuesOf(whole.model));
  });
});

describe("a checkpoint of other settings", () => {
  it("of the optimizer, whose state has not what is looked for, is a mismatch", async () => {
    const checkpoint = fresh();
    await train.fit(network(), { ...options(), optimizer: optim.sgd({ learningRate: 0.1 }), checkpoint });
    const error = await refusal(
      train.fit(network(), { ...options(), epochs: 4, checkpoint, resume: true, ...quiet }),
    );
    expect(error.code).toBe("checkpoint-mismatch");
    expect(error.message).toMatch(
      /^fit: .*checkpoint-000000006\.safetensors is of a run with other settings of the optimizer \(sgd\.step: /,
    );
  });

  it("is told apart by bigints too, which JSON does not have", async () => {
    class Tagged {
      readonly inner = network();
      readonly tag: bigint;
      constructor(tag: bigint) {
        this.tag = tag;
      }
      forward(x: Tensor): Tensor {
        return this.inner.forward(x);
      }
    }
    const checkpoint = fresh();
    const run = await train.fit(new Tagged(2n ** 70n), { ...options(), checkpoint });
    const again = await train.fit(new Tagged(2n ** 70n), {
      ...options(),
      checkpoint,
      resume: true,
      ...quiet,
    });
    expect(valuesOf(again.model)).toEqual(valuesOf(run.model));
    const error = await refusal(
      train.fit(new Tagged(3n), { ...options(), checkpoint, resume: true, ...quiet }),
    );
    expect(error.message).toContain("model.tag was 1180591620717411303424n, and is 3n");
  });

  it("is refused by loadCheckpoint in its own name, with its own remedy", async () => {
    const checkpoint = fresh();
    await train.fit(network(), { ...options(), checkpoint });
    const error = await refusal(train.loadCheckpoint(checkpoint, new nn.Linear(2, 2)));
    expect(error.code).toBe("checkpoint-mismatch");
    expect(error.details.operation).toBe("loadCheckpoint");
    expect(error.message).toMatch(/^loadCheckpoint: .*; give a model made as the one that was trained$/);
  });

  it("given as a file is answered with what to give", async () => {
    const run = await train.fit(network(), { ...options(), checkpoint: fresh() });
    const error = await refusal(train.loadCheckpoint(run.checkpoint ?? "", network()));
    expect(error.code).toBe("checkpoint-missing");
    expect(error.message).toContain("give the directory of the checkpoints");
  });

  it("cannot be kept by a file system without its operations, which is said before the run", async () => {
    const files = { list: async () => [] } as unknown as train.CheckpointFiles;
    const error = await refusal(
      train.fit(network(), { ...options(), checkpoint: { directory: "nowhere", files } }),
    );
    expect(error.message).toBe("fit: checkpoint.files.makeDirectory must be a function, received undefined");
  });
});
