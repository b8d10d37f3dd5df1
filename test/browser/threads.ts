/** Work for several threads, wherever it runs. */
import { jit, random, setThreads, threads } from "adjoint";
import { commonPool } from "../../src/backends/wasm/threads/pool.js";
import { obstacle } from "../../src/backends/wasm/threads/settings.js";

export interface ThreadsOutcome {
  /** Threads in use after 1, 2 and 4 were asked for. */
  readonly used: readonly number[];
  /** Of all bits, with each of them. */
  readonly digests: readonly number[];
  /** Whether workers have done any part. */
  readonly helped: boolean;
  /** Why there are not more. */
  readonly reason: string | undefined;
}

function digest(values: ArrayLike<number>): number {
  const bits = new Int32Array(Float32Array.from(values).buffer);
  return bits.reduce((sum, word) => (Math.imul(sum, 31) + word) | 0, 0);
}

/** Workers need turns of the event loop to come to life on a page: up to `patience` ms of them. */
async function helped(run: () => unknown, patience: number): Promise<boolean> {
  const end = performance.now() + patience;
  while (threads() > 1 && commonPool()?.taken === 0 && performance.now() < end) {
    run();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return threads() > 1 && (commonPool()?.taken ?? 0) > 0;
}

export async function checkThreads(): Promise<ThreadsOutcome> {
  const before = threads();
  // uniform numbers are made without a transcendental function, and the product is too small for a BLAS
  const x = random.uniform(random.key(1), { shape: [1000, 300] });
  const w = random.uniform(random.key(2), { shape: [300, 5] });
  const f = jit((a, b) => [a.sin().exp().mul(a), a.matmul(b).tanh(), a.exp().sum(1)]);
  setThreads(2);
  const help = await helped(() => f(x, w), 20_000);
  const used: number[] = [];
  const digests = [1, 2, 4].map((n) => {
    setThreads(n);
    used.push(threads());
    for (let i = 0; i < 10; i++) f(x, w);
    return f(x, w).reduce((sum, y) => (sum + digest(y.dataSync())) | 0, 0);
  });
  setThreads(before);
  return { used, digests, helped: help, reason: obstacle() };
}
