/** Reading ahead in a worker, of the package as it is built: a worker starts from a compiled file. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildPackage, root, temporaryFolder } from "../support/build.js";

const folder = temporaryFolder("worker");

beforeAll(() => {
  buildPackage(folder);
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const csv = `a,b,y\n${Array.from({ length: 5000 }, (_, i) => `${i},${i / 8},${2 * i}`).join("\n")}\n`;
  writeFileSync(join(folder, "n.csv"), csv);
  writeFileSync(join(folder, "bad.csv"), "a,y\n1,1\n2,2\nx,3\n");
  for (let i = 0; i < 20; i++) {
    const kind = join(folder, "images", i % 2 === 0 ? "even" : "odd");
    mkdirSync(kind, { recursive: true });
    writeFileSync(
      join(kind, `${i}.png`),
      encode({ width: 4, height: 4, channels: 1, data: new Uint8Array(16).fill(i) }),
    );
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program beside the package. @returns what it printed, a line an entry */
function run(program: string): string[] {
  writeFileSync(
    join(folder, "program.mjs"),
    `import { stream } from "./dist/data/index.js";\nimport { random } from "./dist/index.js";\nconst key = random.key(4);\n${program}`,
  );
  // ended by the timeout, which fails the test, where something keeps it alive
  const { stdout, stderr, status } = spawnSync(process.execPath, ["program.mjs"], {
    cwd: folder,
    encoding: "utf8",
    timeout: 50_000,
  });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout.trim().split("\n");
}

describe("prefetch in a worker", () => {
  it("gives the same batches in the same order, for every kind of stream, key and place to go on from", () => {
    const lines = run(`
      const streams = [
        await stream.csv("n.csv", { target: "y", shuffle: 100 }),
        await stream.images("images", { size: 3, channels: 1 }),
      ];
      for (const one of streams)
        for (const pass of [{}, { key }, { key, skip: 2 }]) {
          const all = async (s) => {
            const seen = [];
            for await (const { x, y } of s.batches(7, pass)) seen.push([...x.shape], x.dtype, [...x.dataSync()], y.dtype, [...y.dataSync()]);
            return JSON.stringify(seen);
          };
          const [here, there] = [await all(one), await all(one.prefetch(3, { worker: true }))];
          console.log(here === there, here.length > 100);
        }
    `);
    expect(lines).toEqual(Array.from({ length: 6 }, () => "true true"));
  });

  it("works in a thread of its own", () => {
    const lines = run(`
      import { readdirSync } from "node:fs";
      const threads = () => readdirSync("/proc/self/task").length;
      const before = threads();
      for await (const _ of (await stream.csv("n.csv", { target: "y" })).prefetch(1, { worker: true }).batches(10)) {
        console.log(threads() > before);
        break;
      }
    `);
    expect(lines).toEqual(["true"]);
  });

  it("hands on what is refused, with code and details, after the batches before it", () => {
    const lines = run(`
      const bad = (await stream.csv("bad.csv", { target: "y", shuffle: 0 })).prefetch(2, { worker: true });
      try {
        for await (const { x } of bad.batches(1)) console.log(x.itemSync());
      } catch (error) {
        console.log(error.name, error.code, error.details.line, error.details.argument);
      }
    `);
    expect(lines).toEqual(["1", "2", "AdjointError invalid-data 4 a"]);
  });

  it("ends when a pass is left, and never keeps the process alive", () => {
    const lines = run(`
      const opened = (await stream.csv("n.csv", { target: "y" })).prefetch(2, { worker: true });
      for await (const { x } of opened.batches(10)) {
        console.log(x.shape[0]);
        break;
      }
      // begun and forgotten
      const { value } = await opened.batches(5)[Symbol.asyncIterator]().next();
      console.log(value.x.shape[0]);
    `);
    expect(lines).toEqual(["10", "5"]);
  });

  it("keeps the process alive as long as somebody waits for a batch", () => {
    const lines = run(`
      let count = 0;
      for await (const { x } of (await stream.csv("n.csv", { target: "y" })).prefetch(1, { worker: true }).batches(100)) count += x.shape[0];
      console.log(count);
    `);
    expect(lines).toEqual(["5000"]);
  });
});
