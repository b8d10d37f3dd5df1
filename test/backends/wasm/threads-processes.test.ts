/** Threads in processes of their own: from the first line to the end, with the package as users get it. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildPackage, temporaryFolder } from "../../support/build.js";

const folder = temporaryFolder("threads");
const packaged = (file: string): string => pathToFileURL(join(folder, "dist", file)).href;

beforeAll(() => buildPackage(folder));
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly output: string;
  readonly errors: string;
  readonly status: number | null;
}

/** Runs a module; a process that does not end by itself is stopped, and its status is null. */
function run(source: string, environment: Readonly<Record<string, string>> = {}): Outcome {
  const done = spawnSync(process.execPath, ["--input-type=module", "--eval", source], {
    encoding: "utf8",
    timeout: 60_000,
    env: { ...process.env, ...environment },
  });
  return { output: done.stdout.trim(), errors: done.stderr, status: done.status };
}

/** Never returns to the event loop; prints threads, whether workers have done any part, and a digest of all bits. */
const work = `
const { jit, random, threads } = await import("INDEX");
const { commonPool } = await import("POOL");
const x = random.normal(random.key(1), { shape: [700, 700] });
const f = jit((a) => a.matmul(a).mul(0.01).tanh().exp());
let y = f(x);
const end = performance.now() + 20000;
do y = f(x); while (threads() > 1 && commonPool().taken === 0 && performance.now() < end);
let digest = 0;
for (const word of new Int32Array(y.dataSync().buffer)) digest = (Math.imul(digest, 31) + word) | 0;
console.log(threads(), threads() > 1 && commonPool().taken > 0, digest);
`;
const synchronous = (): string =>
  work.replace("INDEX", packaged("index.js")).replace("POOL", packaged("backends/wasm/threads/pool.js"));

describe("a process", () => {
  let digest = "";

  beforeAll(() => {
    const { output, errors, status } = run(synchronous(), { ADJOINT_THREADS: "1" });
    expect(errors).toBe("");
    expect(status).toBe(0);
    expect(output).toMatch(/^1 false -?\d+$/);
    digest = output.split(" ")[2];
  });

  it.each(["2", "3", "8"])(
    "with %s threads has their help in a loop that never lets go, the same bits, and an end",
    (n) => {
      expect(run(synchronous(), { ADJOINT_THREADS: n })).toEqual({
        output: `${n} true ${digest}`,
        errors: "",
        status: 0,
      });
    },
  );

  it("without SharedArrayBuffer has one thread, and the same bits", () => {
    const source = `delete globalThis.SharedArrayBuffer;\n${synchronous()}`;
    expect(run(source, { ADJOINT_THREADS: "2" })).toEqual({
      output: `1 false ${digest}`,
      errors: "",
      status: 0,
    });
  });

  it("without a BLAS library has the help of threads too", () => {
    const [one, two] = ["1", "2"].map((n) => run(synchronous(), { ADJOINT_THREADS: n, ADJOINT_BLAS: "off" }));
    expect(two.output.split(" ")).toEqual(["2", "true", one.output.split(" ")[2]]);
    expect(two.errors).toBe("");
  });

  it("that asks for a number of threads that is none is refused by name", () => {
    const { errors, status } = run(synchronous(), { ADJOINT_THREADS: "many" });
    expect(status).toBe(1);
    expect(errors).toContain('ADJOINT_THREADS: expected a whole number from 1 on, received "many"');
  });

  it("on an engine without SIMD computes on the reference device, and says why it has no other", () => {
    const source = `
      WebAssembly.validate = () => false;
      const { device, devices, jit, setDevice, tensor } = await import("${packaged("index.js")}");
      const y = jit((x) => x.exp().sum())(tensor([0, 0]));
      let message = "";
      try { setDevice("wasm"); } catch (error) { message = error.code + ": " + error.message; }
      console.log([device(), devices(), y.itemSync(), message].join("|"));`;
    const [device, devices, value, message] = run(source).output.split("|");
    expect([device, devices, value]).toEqual(["reference", "reference", "2"]);
    expect(message).toMatch(/^device: .*SIMD/);
  });
});
