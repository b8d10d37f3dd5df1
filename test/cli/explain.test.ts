/** `adjoint explain` as users run it: examples, files of their own, trained models, and what it refuses. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workedExamples } from "../../src/explain/examples/index.js";
import { root } from "../support/build.js";
import { Command, flowers } from "./support.js";

let command: Command;
beforeAll(() => {
  command = new Command("explain");
}, 240_000);
afterAll(() => command.remove());

const widthOf = (line: string): number => [...line].filter((character) => !/\p{M}/u.test(character)).length;

async function textOf(...args: string[]): Promise<string> {
  const { code, out, err } = await command.run(["explain", ...args]);
  expect(err).toBe("");
  expect(code).toBe(0);
  return out;
}

/** Runs what must fail, and gives its one line. */
async function refusal(code: number, ...args: string[]): Promise<string> {
  const outcome = await command.run(["explain", ...args]);
  expect(outcome.code, outcome.out + outcome.err).toBe(code);
  expect(outcome.out).toBe("");
  expect(outcome.err.trimEnd().split("\n"), outcome.err).toHaveLength(1);
  return outcome.err;
}

describe("adjoint explain NAME", () => {
  it("lists every worked example, with the whole of its title", async () => {
    const text = await textOf("--list");
    const words = text.replace(/\s+/g, " ");
    for (const { name, title } of workedExamples) expect(words).toContain(` ${name} ${title} `);
    for (const line of text.split("\n")) expect(widthOf(line), line).toBeLessThanOrEqual(80);
  });

  it("explains in 80 columns without colour", async () => {
    const text = await textOf("two-layer");
    expect(text).toContain("∂C/∂hidden[0,0] = 0.000438567734");
    expect(text).toContain("The four equations of backpropagation");
    expect(text).toContain("The story");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what must not be there
    expect(text).not.toMatch(/\u001b/);
    for (const line of text.split("\n")) expect(widthOf(line), line).toBeLessThanOrEqual(80);
  });

  it("shows the parts asked for, of the derivative asked for", async () => {
    const text = await textOf("two-layer", "--of", "output[0,0]", "--show", "story,check");
    expect(text).toContain("∂C/∂output[0,0] = 0.0821670406");
    expect(text).toContain("The story");
    expect(text).toContain("Check by centred differences");
    expect(text).not.toContain("Paths from the cost");
    expect(text).not.toContain("four equations");
  });

  it("writes the equations in the layouts asked for", async () => {
    const text = await textOf("two-layer", "--show", "equations", "--layout", "numerator,rowBatch");
    expect(text).toContain("numerator");
    expect(text).not.toContain("denominator");
    expect(text).not.toContain("a batch of columns:");
    const { equations } = JSON.parse(
      await textOf("two-layer", "--format", "json", "--layout", "index,column"),
    );
    for (const { forms } of equations.list) {
      expect(forms).toHaveLength(1);
      expect(forms[0]).toMatchObject({ layout: "index", batch: "column" });
    }
  });

  it("prints JSON, LaTeX and HTML, and writes a file", async () => {
    const document = JSON.parse(await textOf("chain", "--format", "json"));
    expect(document).toMatchObject({ format: "adjoint-explanation", version: 1 });
    expect(document.narration.length).toBeGreaterThan(5);
    expect(await textOf("chain", "--format", "latex")).toContain("\\partial");
    const file = command.path("chain.html");
    expect(await textOf("chain", "--format", "html", "-o", file)).toBe("");
    expect(readFileSync(file, "utf8")).toMatch(/^<!doctype html>/i);
  });

  it("shows what it costs, counted and measured", async () => {
    const counted = await textOf("thrice", "--show", "cost", "--no-measure");
    expect(counted).toContain("3 FLOP forward, 6 FLOP back");
    expect(counted).not.toContain("µs");
    const measured = await textOf("thrice", "--show", "cost", "--format", "json");
    expect(JSON.parse(measured)).toMatchObject({ format: "adjoint-cost", parameters: 1 });
    expect(JSON.parse(measured).methods[0].seconds).toBeGreaterThan(0);
  });
});

const typescript = `import { type Tensor, tensor } from "adjoint";
import { squared } from "./helper.js";

interface Point {
  readonly w: Tensor;
  readonly b: Tensor;
}

export const args = [{ w: tensor([0.5, -0.25], { dtype: "float64" }), b: tensor(0.1, { dtype: "float64" }) }];
export const of = "w[0]";

export default function cost({ w, b }: Point): Tensor {
  const z = w.mul(tensor([1, 2], { dtype: "float64" })).sum().add(b);
  return squared(z.tanh());
}
`;

describe("adjoint explain FILE", () => {
  beforeAll(() => {
    writeFileSync(command.path("cost.ts"), typescript);
    writeFileSync(
      command.path("helper.ts"),
      'import type { Tensor } from "adjoint";\nexport const squared = (x: Tensor): Tensor => x.square();\n',
    );
    writeFileSync(
      command.path("own.mjs"),
      'import { tensor } from "adjoint";\nexport const f = (w, x) => w.mul(x).sum();\nexport const args = () => [tensor([1, 2]), tensor([3, 4])];\n',
    );
  });

  it("explains a function in JavaScript, of the library that runs", async () => {
    const text = await textOf("own.mjs", "--of", "w[1]", "--show", "graph,paths");
    expect(text).toContain("∂C/∂w[1] = 4");
    expect(text).toContain("own.mjs:2");
  });

  it("says what TypeScript needs where neither Node nor a compiler takes the types off", async (context) => {
    if (Number(process.versions.node.split(".")[0]) >= 22) context.skip("this Node runs TypeScript");
    const { resolve } = createRequire(command.path("cost.ts"));
    const hasCompiler = ["esbuild", "vite", "typescript"].some((name) => {
      try {
        return resolve(name) !== "";
      } catch {
        return false;
      }
    });
    if (hasCompiler) context.skip("a compiler is installed above the temporary directory");
    expect(await refusal(1, "cost.ts")).toContain(
      "use Node 22.18 or newer, or npm install --save-dev esbuild",
    );
  });

  it("explains TypeScript, with the lines of the source as it was written", async () => {
    // where Node does not run TypeScript by itself, a compiler beside the file does
    mkdirSync(command.path("node_modules"), { recursive: true });
    symlinkSync(join(root, "node_modules", "vite"), command.path("node_modules", "vite"));
    const text = await textOf("cost.ts", "--show", "graph");
    expect(text).toContain("∂C/∂w[0] = 0.197355844");
    const lines = typescript.split("\n");
    expect(text).toContain(`cost.ts:${lines.findIndex((line) => line.includes("const z")) + 1}\n`);
    expect(text).toContain(`cost.ts:${lines.findIndex((line) => line.includes("z.tanh()")) + 1}\n`);
    expect(text).toContain("helper.ts:2");
    writeFileSync(command.path("bad.ts"), "export default (w: number => w;\n");
    expect(await refusal(1, "bad.ts")).toMatch(/bad\.ts cannot be loaded: .*[Ee]xpected/);
  });

  it("takes arguments from the command line", async () => {
    writeFileSync(command.path("bare.mjs"), "export default (w, x) => w.mul(x).sin();\n");
    expect(await textOf("bare.mjs", "--args", "[0.5,2]", "--of", "w")).toContain("∂C/∂w = 1.08060461");
  });

  it("refuses what is no function at a point, in one line", async () => {
    const files: Record<string, string> = {
      "none.mjs": "export const args = [1];",
      "two.mjs": "export const a = (x) => x; export const b = (x) => x; export const args = [1];",
      "pointless.mjs": "export default (w) => w.mul(w);",
      "broken.mjs": "export default (w => ;",
      "throws.mjs":
        'export default (w) => { w.mul(w); throw new TypeError("my own"); };\nexport const args = [1];',
      "vector.mjs":
        'import { tensor } from "adjoint";\nexport default (w) => w.mul(2);\nexport const args = [tensor([1, 2])];',
    };
    for (const [name, source] of Object.entries(files)) writeFileSync(command.path(name), source);
    expect(await refusal(2, "none.mjs")).toContain("exports no function");
    expect(await refusal(2, "two.mjs")).toContain("several functions (a, b)");
    expect(await refusal(2, "pointless.mjs")).toContain("export const args");
    expect(await refusal(1, "broken.mjs")).toContain("cannot be loaded: SyntaxError");
    expect(await refusal(1, "throws.mjs")).toContain("f threw after 1 operation");
    expect(await refusal(1, "throws.mjs")).toContain("TypeError: my own");
    expect(await refusal(1, "vector.mjs")).toContain("scalar");
    expect(await refusal(1, "missing.mjs")).toContain("there is no file missing.mjs");
    expect(await refusal(2, "bare.mjs", "--args", "{}")).toContain("--args");
  });
});

describe("adjoint explain MODEL", () => {
  beforeAll(async () => {
    mkdirSync(command.path("runs"), { recursive: true });
    writeFileSync(command.path("flowers.csv"), flowers(60));
    const trained = await command.run([
      "train",
      "flowers.csv",
      "--label",
      "kind",
      "--epochs",
      "2",
      "--layers",
      "2,5,3",
      "--out",
      "model",
    ]);
    expect(trained.err).toBe("");
    expect(existsSync(command.path("model", "model.safetensors"))).toBe(true);
  });

  it("explains its loss at an example of its own data, and at several", async () => {
    const text = await textOf("model", "--example", "3", "--of", "layers.2.weight[1,4]");
    expect(text).toContain("2-5-3, softmaxCrossEntropy");
    expect(text).toMatch(/At example 3 of flowers \(validation\): the answer is (rose|tulip|iris)\./);
    expect(text).toContain("∂C/∂layers.2.weight[1,4] = ");
    expect(await textOf("model", "--example", "0-4", "--show", "story")).toContain("a mean over 5 examples");
    expect(await textOf("model", "--data", "flowers.csv", "--example", "59", "--show", "check")).toContain(
      "agrees",
    );
  });

  it("refuses examples and parameters there are not, naming what there is", async () => {
    expect(await refusal(2, "model", "--example", "12")).toContain("has 12 examples, 0 to 11");
    const unknown = await refusal(2, "model", "--of", "layers.1.weigth[0,0]");
    expect(unknown).toContain("the nearest are layers.0.weight");
    expect(await refusal(2, "model", "--of", "layers.0.weight[7,0]")).toContain("outside");
    expect(await refusal(2, "model", "--args", "[1]")).toContain("--args is for a file");
  });
});

describe("adjoint explain refuses", () => {
  it.each([
    [["two-lyer"], "did you mean two-layer?"],
    [[], "adjoint explain --list"],
    [["two-layer", "--show", "storry"], "did you mean story?"],
    [["two-layer", "--layout", "columns"], "did you mean column?"],
    [["two-layer", "--format", "pdf"], "--format must be one of text, json, latex, html"],
    [["two-layer", "--example", "3"], "--example is for a trained model"],
    [["two-layer", "--format", "json", "--show", "story"], "json is whole"],
    [["two-layer", "--of", "hiden[0,0]"], "the nearest are hidden"],
    [["two-layer", "--of", "hidden[0,2]"], "axis 1 has 2 elements"],
    [["model", "--example", "x"], "--example must be a number"],
  ])("%j with exit code 2", async (args, said) => {
    expect(await refusal(2, ...args)).toContain(said);
  });

  it("an output that cannot be written, with exit code 1", async () => {
    expect(await refusal(1, "chain", "-o", command.path("no", "where.txt"))).toContain("cannot write");
  });
});
