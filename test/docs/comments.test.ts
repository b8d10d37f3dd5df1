import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { floorOf } from "../structure/floors.js";
import { sourceFiles, sourceRoot } from "../structure/imports.js";
import { temporaryFolder } from "../support/build.js";
import { examplesInComments } from "./extract.js";
import { type Modules, runExample } from "./run.js";
import { entryPoints, scopeOf } from "./scope.js";

const home = process.cwd();
const folder = temporaryFolder("examples");
let modules: Modules;

beforeAll(async () => {
  modules = await entryPoints();
  // examples may write files
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

/** Floors below the public face: their examples may use what the file itself exports, which users do not see. */
const inner = new Set(["util", "types", "loops", "graph", "primitives", "compiler", "backends"]);

const files = sourceFiles().map((file) => ({
  file,
  examples: examplesInComments(`src/${file}`, readFileSync(join(sourceRoot, file), "utf8")),
}));

describe("every example in a doc comment is true", () => {
  for (const { file, examples } of files)
    for (const { place, code } of examples)
      it(`${place} ${code.split("\n")[0]}`, async () => {
        const own = inner.has(floorOf(file)) ? await import(join(sourceRoot, file)) : {};
        await runExample(code, { ...scopeOf(modules), ...own }, modules);
      });

  it("and there are examples at all", () => {
    expect(files.flatMap(({ examples }) => examples).length).toBeGreaterThan(100);
  });
});
