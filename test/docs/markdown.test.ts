import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root, temporaryFolder } from "../support/build.js";
import { typecheck } from "../support/typecheck.js";
import { codeBlocks } from "./extract.js";
import { type Modules, runExample } from "./run.js";
import { entryPoints } from "./scope.js";

const home = process.cwd();
const folder = temporaryFolder("markdown");
let modules: Modules;

beforeAll(async () => {
  modules = await entryPoints();
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

const inDocs = existsSync(join(root, "docs"))
  ? readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
  : [];
const pages = [...readdirSync(root), ...inDocs.map((path) => join("docs", path))]
  .filter((path) => path.endsWith(".md"))
  .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));

const blocks = pages.flatMap(({ path, text }) => codeBlocks(path, text));
const runnable = blocks.filter(({ isRunnable }) => isRunnable);

describe("code in the documentation", () => {
  it.each(runnable)("at $place runs, and what it says is true", async ({ code }) => {
    // only what the block itself imports: readers copy it as it stands
    await runExample(code, {}, modules);
  });

  it("has the types it says, wherever it runs", () => {
    const files = Object.fromEntries(
      runnable
        .filter(({ language }) => language === "ts")
        .map(({ code, place }) => [`${place.replace(/\W/g, "-")}.ts`, code]),
    );
    expect(typecheck(files)).toEqual([]);
  });

  it("is runnable in the README, every TypeScript block of it", () => {
    const readme = blocks.filter(({ place, language }) => place.startsWith("README.md") && language === "ts");
    expect(readme.length).toBeGreaterThan(0);
    expect(readme.filter(({ isRunnable }) => !isRunnable)).toEqual([]);
  });
});

/** The anchor GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

describe("links in the documentation", () => {
  it.each(pages)("of $path lead to files and headings that exist", ({ path, text }) => {
    const prose = text.replace(/^```[\s\S]*?^```/gm, "");
    const broken: string[] = [];
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file, anchor] = target.split("#");
      const place = file === "" ? join(root, path) : join(root, dirname(path), file);
      if (!existsSync(place)) broken.push(target);
      else if (anchor !== undefined && place.endsWith(".md")) {
        const headings = [...readFileSync(place, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
          anchorOf(heading),
        );
        if (!headings.includes(anchor)) broken.push(target);
      }
    }
    expect(broken).toEqual([]);
  });
});
