/**
 * Batches made in a worker: it gets the recipe of a stream, makes it anew and walks it, and its arrays come over without being
 * copied. It runs as far ahead as it is allowed to, one batch more for each that was taken.
 */
import { AdjointError, type ErrorCode, type Tensor, tensor } from "../index.js";
import type { ErrorDetails } from "../util/errors.js";
import type { Batch } from "./batches.js";

/** What a stream is made of, as JSON. */
export interface Recipe {
  readonly kind: "csv" | "idx" | "npy" | "images";
  readonly source: unknown;
  readonly options: unknown;
}

/** A pass for a worker to go. */
export interface WorkerJob {
  readonly recipe: Recipe;
  readonly batchSize: number;
  /** Batches to be ready beyond the one in use. */
  readonly ahead: number;
  readonly key?: readonly number[];
  readonly skip?: number;
}

/** A tensor on its way. */
export interface Parcel {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array;
}

/** What a worker says. */
export type WorkerMessage =
  | { readonly kind: "batch"; readonly x: Parcel; readonly y: Parcel }
  | { readonly kind: "end" }
  | {
      readonly kind: "refusal";
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: ErrorDetails;
    }
  | { readonly kind: "failure"; readonly error: unknown };

interface NodeWorker {
  on(event: "message", listener: (message: WorkerMessage) => void): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
  on(event: "exit", listener: (code: number) => void): unknown;
  postMessage(message: "more"): void;
  ref(): void;
  unref(): void;
  terminate(): Promise<unknown>;
}

/**
 * The batches of a pass, made in a worker.
 * @returns undefined where there are no workers, or the worker's own file is not there, as in a bundle or before compilation
 */
export function workerBatches(
  pass: Omit<WorkerJob, "key"> & { readonly key?: Tensor },
): AsyncIterable<Batch> | undefined {
  const start = starter();
  return start && walk(start, pass);
}

async function* walk(
  start: (job: WorkerJob) => NodeWorker,
  { key, ...rest }: Omit<WorkerJob, "key"> & { readonly key?: Tensor },
): AsyncGenerator<Batch> {
  const worker = start(key === undefined ? rest : { ...rest, key: Array.from(await key.data()) });
  const messages: WorkerMessage[] = [];
  let wake = (): void => {};
  const receive = (message: WorkerMessage): void => {
    messages.push(message);
    wake();
  };
  worker.on("message", receive);
  worker.on("error", (error) => receive({ kind: "failure", error }));
  // the last message, if it had none of its own
  worker.on("exit", (code) =>
    receive({
      kind: "refusal",
      code: "worker-lost",
      message: `stream.prefetch: the worker that reads ahead ended with code ${code} before the pass did`,
      details: { operation: "stream.prefetch", received: String(code) },
    }),
  );
  // it keeps the process alive only while somebody waits for it
  worker.unref();
  try {
    for (;;) {
      let message = messages.shift();
      while (message === undefined) {
        worker.ref();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        worker.unref();
        message = messages.shift();
      }
      switch (message.kind) {
        case "batch":
          yield { x: opened(message.x), y: opened(message.y) };
          worker.postMessage("more");
          break;
        case "end":
          return;
        case "refusal":
          throw new AdjointError(message.code, message.message, message.details);
        case "failure":
          throw message.error;
      }
    }
  } finally {
    await worker.terminate();
  }
}

function opened({ data, shape }: Parcel): Tensor {
  return tensor(data, { shape });
}

/** What starts workers here, without an import that a browser's bundle would follow. */
function starter(): ((job: WorkerJob) => NodeWorker) | undefined {
  const here = new URL(import.meta.url);
  if (here.protocol !== "file:" || !here.pathname.endsWith("worker-batches.js")) return undefined;
  const { process } = globalThis as { readonly process?: { getBuiltinModule?(name: string): unknown } };
  const threads = process?.getBuiltinModule?.("node:worker_threads") as
    | { readonly Worker: new (code: string, options: { eval: true; workerData: WorkerJob }) => NodeWorker }
    | undefined;
  if (threads === undefined) return undefined;
  const file = here.href.replace(/worker-batches\.js$/, "stream-worker.js");
  // no module acts when it is imported, not even a worker's: the first line of the worker does
  const code = `import(${JSON.stringify(file)}).then(({ pass }) => pass(require("node:worker_threads").workerData));`;
  return (job) => new threads.Worker(code, { eval: true, workerData: job });
}
