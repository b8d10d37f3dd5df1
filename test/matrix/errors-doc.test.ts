/** docs/errors.md has a section with a remedy and an example for every code, and its examples do what they say. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AdjointError } from "../../src/index.js";
import { readRows, runStatements, tables } from "./rows.js";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const union = /export type ErrorCode =([^;]+);/.exec(read("src/util/errors.ts"))?.[1] ?? "";
const codes = [...union.matchAll(/"([a-z-]+)"/g)].map((match) => match[1]);

const sections = new Map(
  read("docs/errors.md")
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")).trim(), section]),
);

/** Runs an example line by line: declarations are kept, `// → text` and `// throws code` are checked. */
async function follow(block: string): Promise<void> {
  let prelude = "";
  for (const line of block.split("\n").filter((text) => text.trim() !== "")) {
    const [, call, kind, wanted] = /^(.*?);?\s*\/\/ (→|throws) (.*)$/.exec(line) ?? [];
    if (call === undefined) prelude += `${line}\n`;
    else {
      const outcome = runStatements(`${prelude} return (${call});`);
      if (kind === "→") expect(String(await outcome), line).toBe(wanted);
      else {
        const error: unknown = await outcome.catch((thrown: unknown) => thrown);
        expect(error, line).toBeInstanceOf(AdjointError);
        if (error instanceof AdjointError) expect(error.code, line).toBe(wanted);
      }
      // what a line did, such as storing a tensor, the next one sees
      prelude += `try { ${call} } catch {}\n`;
    }
  }
}

describe("docs/errors.md", () => {
  it("has exactly one section for each code of the library", () => {
    expect(codes.length).toBeGreaterThan(20);
    expect([...sections.keys()].sort()).toEqual([...codes].sort());
  });

  for (const code of codes) {
    it(`${code}: says what it means, the remedy, and shows an example`, () => {
      const section = sections.get(code) ?? "";
      expect(section).toMatch(/\*\*Remedy\.\*\* \S/);
      expect(section).toMatch(/```(js|ts|sh)\n[^`]+\n```/);
    });
  }

  for (const [code, section] of sections)
    for (const [, block] of section.matchAll(/```js\n([^`]*)```/g))
      it(`${code}: its example does what it says`, async () => {
        await follow(block);
        expect(block).toContain(`// throws ${code}`);
      });

  it("shows every code that tensors and transforms use with a running example", () => {
    const used = new Set(tables.flatMap(readRows).map(({ code }) => code));
    for (const code of used) expect(sections.get(code), code).toContain("```js");
  });
});
