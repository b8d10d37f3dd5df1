/**
 * The inside of a worker that makes batches: one pass of one stream, no further ahead than it may be. Only workers that
 * `worker-batches` starts import it.
 */
import { AdjointError, type Tensor, tensor } from "../index.js";
import type { Stream } from "./stream-base.js";
import { csv, idx, images, npy } from "./streams.js";
import type { Parcel, Recipe, WorkerJob, WorkerMessage } from "./worker-batches.js";

/** The stream of a recipe: what its maker wrote down, given to the same maker. */
function streamFrom({ kind, source, options }: Recipe): Promise<Stream> {
  const makers = { csv, idx, images, npy };
  const make = makers[kind] as (source: unknown, options: unknown) => Promise<Stream>;
  return make(source, options);
}

function packed(x: Tensor): Parcel {
  const data = x.dataSync();
  // a copy: what is sent is gone here, and may be part of more
  return { shape: x.shape, data: data.slice() as Parcel["data"] };
}

/** Goes the pass that the worker was started for, and says what it finds. */
export async function pass({ recipe, batchSize, ahead, key, skip }: WorkerJob): Promise<void> {
  const { parentPort } = await import("node:worker_threads");
  const say = (message: WorkerMessage): void => {
    const parcels = message.kind === "batch" ? [message.x, message.y] : [];
    parentPort?.postMessage(
      message,
      parcels.map(({ data }) => data.buffer as ArrayBuffer),
    );
  };
  // the one that is wanted now, and those to be ready beyond it
  let allowed = ahead + 1;
  let wake = (): void => {};
  parentPort?.on("message", () => {
    allowed++;
    wake();
  });
  try {
    const stream = await streamFrom(recipe);
    const order = {
      ...(skip === undefined ? {} : { skip }),
      ...(key === undefined ? {} : { key: tensor([...key], { dtype: "int32" }) }),
    };
    for await (const { x, y } of stream.batches(batchSize, order)) {
      while (allowed === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      allowed--;
      say({ kind: "batch", x: packed(x), y: packed(y) });
    }
    say({ kind: "end" });
  } catch (error) {
    const isRefusal = error instanceof AdjointError;
    say(
      isRefusal
        ? { kind: "refusal", code: error.code, message: error.message, details: error.details }
        : { kind: "failure", error },
    );
  }
}
