/** Ctrl-C: the first asks the work to stop where it can, the second ends the process at once. */
import { AdjointError } from "../index.js";

/** What shells call the end of a process by a signal: 128 and its number. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/** Runs work that listens to a signal, which the first Ctrl-C aborts; its reason is the name of the process's signal. */
export async function interruptible<R>(work: (signal: AbortSignal) => Promise<R>): Promise<R> {
  const controller = new AbortController();
  const interrupt = (name: keyof typeof exitCodes): void => {
    if (controller.signal.aborted) process.exit(exitCodes[name]);
    controller.abort(name);
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

/** What is said of a run that was stopped; the signal's reason, SIGINT or SIGTERM, decides the exit code. */
export function interrupted(done: string, { reason }: AbortSignal): AdjointError {
  return new AdjointError("interrupted", `interrupted ${done}; nothing was written`, {
    received: String(reason),
  });
}
