/** Batches shared by threads: the same bits whoever factorises which matrix. */
import { afterAll, describe, expect, it } from "vitest";
import { commonPool } from "../../src/backends/wasm/threads/pool.js";
import { cholesky, det, jit, random, setThreads, solve, type Tensor, threads } from "../../src/index.js";
import { identity } from "./support.js";

const before = threads();
afterAll(() => setThreads(before));

describe("two threads", () => {
  it("give the bits of one, for batches of small matrices", async () => {
    const [first, second] = random.split(random.key(3));
    const m = random.normal(first, { shape: [4000, 5, 5] });
    const a = m.matmul(m.transpose([0, 2, 1])).add(identity(5, "float32"));
    const b = random.normal(second, { shape: [4000, 5, 2] });
    const f = jit((x: Tensor, y: Tensor) => [cholesky(x), solve(x, y), det(x)]);
    const bits = (): Buffer => Buffer.concat(f(a, b).map((x) => Buffer.from(x.dataSync().buffer)));
    setThreads(1);
    const expected = bits();
    setThreads(2);
    const pool = commonPool();
    const taken = pool?.taken ?? 0;
    const end = performance.now() + 30_000;
    // until a worker has come and done a part
    while (pool !== undefined && pool.taken === taken) {
      expect(performance.now()).toBeLessThan(end);
      expect(bits().equals(expected)).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(bits().equals(expected)).toBe(true);
  }, 60_000);
});
