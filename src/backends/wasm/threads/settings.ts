/** How many threads are wanted, how many there can be, and why not more. */
import { AdjointError, formatReceived } from "../../../util/errors.js";
import { mostWorkers } from "./control.js";

interface Environment {
  readonly process?: {
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly getBuiltinModule?: (name: string) => unknown;
  };
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly crossOriginIsolated?: boolean;
}

function environment(): Environment {
  return globalThis as unknown as Environment;
}

let wanted: number | undefined;
/** What `threads` says, until something changes. */
let used: number | undefined;
/** Why workers have failed, once they have. */
let failure: string | undefined;

/** Processors this process may use. */
export function cores(): number {
  const { process, navigator } = environment();
  const os = process?.getBuiltinModule?.("node:os") as { availableParallelism?(): number } | undefined;
  return os?.availableParallelism?.() ?? navigator?.hardwareConcurrency ?? 1;
}

/** Why there is one thread only, or undefined where there can be more. */
export function obstacle(): string | undefined {
  if (failure !== undefined) return failure;
  const { process, crossOriginIsolated } = environment();
  if (typeof SharedArrayBuffer === "undefined")
    return crossOriginIsolated === false
      ? "the page has no SharedArrayBuffer: serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp"
      : "this engine has no SharedArrayBuffer";
  const nodeWorkers = process?.getBuiltinModule?.("node:worker_threads");
  if (nodeWorkers === undefined && typeof Worker === "undefined") return "there are no workers here";
  return undefined;
}

/** From now on there is one thread, and this is why. */
export function giveUpThreads(reason: string): void {
  failure = reason;
  used = undefined;
}

function fromEnvironment(): number | undefined {
  const text = environment().process?.env?.ADJOINT_THREADS;
  if (text === undefined || text === "" || text === "auto") return undefined;
  return checked(Number(text), "ADJOINT_THREADS", text);
}

function checked(n: number, operation: string, received: unknown): number {
  if (Number.isInteger(n) && n >= 1) return n;
  const expected = "a whole number from 1 on";
  throw new AdjointError(
    "invalid-argument",
    `${operation}: expected ${expected}, received ${formatReceived(received)}`,
    { operation, argument: "n", expected, received: formatReceived(received) },
  );
}

/**
 * How many threads compute: those set by `setThreads`, or else by the environment variable `ADJOINT_THREADS`, or else one
 * for each processor; 1 where threads cannot share memory.
 *
 * @throws AdjointError `invalid-argument` where ADJOINT_THREADS is no whole number from 1 on
 * @example
 * setThreads(1);
 * threads(); // → 1
 */
export function threads(): number {
  // asked before every run
  used ??= obstacle() === undefined ? Math.min(wanted ?? fromEnvironment() ?? cores(), mostWorkers + 1) : 1;
  return used;
}

/**
 * Chooses how many threads compute from now on, compiled functions included; at most 64. Results are the same bits with any
 * number. The default is one for each processor; where threads cannot share memory, as on a web page served without the
 * headers for it, one thread does all, whatever is set here (`threads()` tells).
 *
 * @param n a whole number from 1 on; more than there are processors is allowed, but gains nothing
 * @throws AdjointError `invalid-argument` for anything else
 * @example
 * setThreads(2);
 * const doubled = jit((x) => x.mul(2));
 * doubled(tensor([1, 2])).array(); // → 2,4
 */
export function setThreads(n: number): void {
  wanted = checked(n, "setThreads", n);
  used = undefined;
}
