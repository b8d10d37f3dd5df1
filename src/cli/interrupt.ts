/** Ctrl-C: the first asks the work to stop where it can, the second ends the process at once. */
import { AdjointError } from "../index.js";

/** Runs work that listens to a signal, which the first Ctrl-C aborts. */
export async function interruptible<R>(work: (signal: AbortSignal) => Promise<R>): Promise<R> {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

/** What is said of a run that was stopped. */
export function interrupted(done: string): AdjointError {
  return new AdjointError("interrupted", `interrupted ${done}; nothing was written`);
}
