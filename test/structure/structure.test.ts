import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { edgesBy, findCycle, floorOf, foreignImports, upwardEdges } from "./floors.js";
import { actsOnImport, allImports, type Import, importsOf, sourceFiles, sourceRoot } from "./imports.js";

const imports = allImports();
const lasting = imports.filter(({ kind }) => kind !== "type");

describe("the floors", () => {
  it("import strictly downward, and above the public face only what is public", () => {
    expect(upwardEdges(imports)).toEqual([]);
  });

  it("have no cycle between them", () => {
    expect(findCycle(edgesBy(lasting, floorOf))).toBeNull();
  });

  it("have no cycle between files at run time, except that primitives are each other's derivatives", () => {
    const outside = lasting.filter(({ from }) => floorOf(from) !== "primitives");
    expect(findCycle(edgesBy(outside, (file) => file))).toBeNull();
  });

  it("import only files that exist", () => {
    const missing = imports.filter(({ to }) => to !== null && !existsSync(join(sourceRoot, to)));
    expect(missing.map(({ from, specifier }) => `${from} → ${specifier}`)).toEqual([]);
  });

  it("load no package and no Node module where a browser imports them", () => {
    expect(foreignImports(imports)).toEqual([]);
  });
});

describe("the files", () => {
  const lengths = sourceFiles().map((file) => ({
    file,
    lines: readFileSync(join(sourceRoot, file), "utf8").split("\n").length - 1,
  }));

  it("have one idea each: none is longer than 450 lines, and those beyond the aim of 300 are listed", () => {
    const long = lengths.filter(({ lines }) => lines > 300);
    if (long.length > 0)
      console.log(`files over 300 lines: ${long.map(({ file, lines }) => `${file} ${lines}`).join(", ")}`);
    expect(long.filter(({ lines }) => lines > 450)).toEqual([]);
  });
});

describe("the modules", () => {
  it("do nothing on import but those the package declares, so that bundlers may drop what is unused", () => {
    const packaged: { sideEffects: string[] } = JSON.parse(
      readFileSync(join(sourceRoot, "../package.json"), "utf8"),
    );
    const declared = packaged.sideEffects.map((path) => path.replace("./dist/", "").replace(/\.js$/, ".ts"));
    const active = sourceFiles().filter((file) =>
      actsOnImport(file, readFileSync(join(sourceRoot, file), "utf8")),
    );
    expect(active.filter((file) => !declared.includes(file))).toEqual([]);
  });
});

// The judge is judged: each rule is shown the fault it is there for.
describe("the rules", () => {
  const parsed = (file: string, text: string): Import[] => importsOf(file, text);

  it("find static, type-only, dynamic, re-exporting and worker imports", () => {
    const text = `
      import type { A } from "./a.js";
      import { type B, b } from "./b.js";
      import "./c.js";
      export { type D } from "./d.js";
      export * from "./e.js";
      const f = await import("node:fs");
      type G = import("./g.js").G;
      const worker = new Worker(new URL("./h.js", import.meta.url));`;
    expect(parsed("graph/x.ts", text).map(({ specifier, to, kind }) => `${kind} ${to ?? specifier}`)).toEqual(
      [
        "type graph/a.ts",
        "static graph/b.ts",
        "static graph/c.ts",
        "type graph/d.ts",
        "static graph/e.ts",
        "dynamic node:fs",
        "type graph/g.ts",
        "dynamic graph/h.ts",
      ],
    );
  });

  it.each([
    ["upward", "graph/x.ts", 'import { a } from "../tensor/a.js";', "goes up"],
    ["upward in types alone", "graph/x.ts", 'import type { A } from "../tensor/a.js";', "goes up"],
    ["sideways", "nn/x.ts", 'import { a } from "../optim/index.js";', "sideways"],
    ["behind the public face", "nn/x.ts", 'import { a } from "../tensor/index.js";', "src/index.ts only"],
    ["behind a floor's index", "train/x.ts", 'import { a } from "../nn/linear.js";', "index.ts only"],
    ["to no floor", "graph/x.ts", 'import { a } from "../cellar/a.js";', "on no floor"],
  ])("refuse an edge %s", (_, file, text, complaint) => {
    expect(upwardEdges(parsed(file, text))).toEqual([expect.stringContaining(complaint)]);
  });

  it("refuse packages and Node modules in the core, and static ones in data", () => {
    expect(foreignImports(parsed("tensor/x.ts", 'const f = await import("node:fs");'))).toHaveLength(1);
    expect(foreignImports(parsed("data/x.ts", 'import { parse } from "csv-parse";'))).toHaveLength(1);
    expect(foreignImports(parsed("data/x.ts", 'const f = await import("csv-parse");'))).toEqual([]);
    expect(foreignImports(parsed("cli/x.ts", 'import fs from "node:fs";'))).toEqual([]);
  });

  it("find what a module does on import", () => {
    expect(actsOnImport("x.ts", "const a = f();\nexport function b() { g(); }")).toBe(false);
    expect(actsOnImport("x.ts", "const a = 1;\nregister(a);")).toBe(true);
    expect(actsOnImport("x.ts", "for (const a of list) register(a);")).toBe(true);
  });

  it("find a cycle and name it", () => {
    const edges = new Map([
      ["a", new Set(["b"])],
      ["b", new Set(["c"])],
      ["c", new Set(["b"])],
    ]);
    expect(findCycle(edges)).toEqual(["b", "c", "b"]);
    expect(findCycle(new Map([["a", new Set(["b"])]]))).toBeNull();
  });
});
