import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { root, temporaryFolder } from "./build.js";

const folder = temporaryFolder("tally");
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs vitest on files of tests with the reporter, and gives the last line it prints and its exit status. */
function run(name: string, tests: readonly string[]): { last: string; status: number | null } {
  const own = join(folder, name);
  mkdirSync(own);
  for (const [i, text] of tests.entries()) writeFileSync(join(own, `${i}.test.js`), text);
  writeFileSync(join(own, "package.json"), JSON.stringify({ type: "module" }));
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const reporter = join(root, "test/support/tally.ts");
  const args = [vitest, "run", "--root", own, "--globals", "--maxWorkers=1", `--reporter=${reporter}`];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: "utf8", cwd: own });
  return { last: stdout.trimEnd().split("\n").at(-1) ?? "", status };
}

describe("the last line of a test run", () => {
  it("counts what passed, what failed, files that cannot be loaded and errors outside the tests, not what was skipped", () => {
    const tests = [
      `it("a", () => {}); it("b", () => { throw new Error("b"); }); it.skip("c", () => {}); it("d", () => {});`,
      `import "./nowhere.js"; it("e", () => {});`,
      `it("f", () => { Promise.reject(new Error("stray")); });`,
    ];
    expect(run("mixed", tests)).toEqual({ last: "3 passed, 3 failed", status: 1 });
  });

  it("is all passed where all passed", () => {
    expect(run("good", [`it("a", () => {});`])).toEqual({ last: "1 passed, 0 failed", status: 0 });
  });
});
