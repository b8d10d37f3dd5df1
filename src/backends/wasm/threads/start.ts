/** Starting a worker, in Node and in browsers. */
import { type WorkerData, workerSource } from "./worker.js";

export interface WorkerHandle {
  stop(): void;
}

/** What is called when a worker has ended, or could not begin. */
export type WorkerEnded = (reason: string) => void;

export type StartWorker = (data: WorkerData, ended: WorkerEnded) => WorkerHandle;

interface NodeWorker {
  on(event: "error", listener: (error: unknown) => void): void;
  on(event: "exit", listener: () => void): void;
  unref(): void;
  terminate(): unknown;
}

interface NodeWorkerThreads {
  readonly Worker: new (source: string, options: object) => NodeWorker;
}

function startInNode({ Worker }: NodeWorkerThreads, data: WorkerData, ended: WorkerEnded): WorkerHandle {
  // the options of the command line are for the main program, loaders among them
  const worker = new Worker(workerSource, { eval: true, workerData: data, execArgv: [] });
  worker.on("error", (error) => ended(error instanceof Error ? error.message : String(error)));
  worker.on("exit", () => ended("it has ended"));
  // the process ends when the main program does
  worker.unref();
  return { stop: () => void worker.terminate() };
}

function startInBrowser(data: WorkerData, ended: WorkerEnded): WorkerHandle {
  const url = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
  const worker = new Worker(url);
  worker.addEventListener("error", (event) => {
    // it is said on this page, and what to do about it by whoever asks for the threads in use
    event.preventDefault();
    ended(event.message || "the page's content security policy may lack worker-src blob:");
  });
  worker.postMessage(data);
  return {
    stop: () => {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}

/** Starts one. @throws what the platform throws when it cannot */
export function startWorker(data: WorkerData, ended: WorkerEnded): WorkerHandle {
  const { process } = globalThis as { readonly process?: { getBuiltinModule?(name: string): unknown } };
  const node = process?.getBuiltinModule?.("node:worker_threads") as NodeWorkerThreads | undefined;
  return node === undefined ? startInBrowser(data, ended) : startInNode(node, data, ended);
}
