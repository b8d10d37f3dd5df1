import { describe, expect, it } from "vitest";
import { codeBlocks, examplesInComments } from "./extract.js";
import { runExample } from "./run.js";

describe("finding examples", () => {
  it("takes one-line comments, tag lines and blocks up to the next tag, with their places", () => {
    const text = [
      "/** Adds. @example add(1, 2); // → 3 */",
      "const a = 1;",
      "/**",
      " * More.",
      " * @example first(); // → 1",
      " * @example",
      " * const x = 1;",
      " *   use(x);",
      " * @throws never",
      " */",
    ].join("\n");
    expect(examplesInComments("f.ts", text)).toEqual([
      { place: "f.ts:1", code: "add(1, 2); // → 3" },
      { place: "f.ts:5", code: "first(); // → 1" },
      { place: "f.ts:6", code: "const x = 1;\n  use(x);" },
    ]);
  });

  it("takes code blocks with their language and whether they are marked to run", () => {
    const text = "# T\n```ts run\na;\n```\n```ts\nb;\n```\n```sh\nls\n```\n";
    expect(codeBlocks("README.md", text)).toEqual([
      { place: "README.md:2", language: "ts", isRunnable: true, code: "a;\n" },
      { place: "README.md:5", language: "ts", isRunnable: false, code: "b;\n" },
      { place: "README.md:8", language: "sh", isRunnable: false, code: "ls\n" },
    ]);
  });
});

describe("running examples", () => {
  const scope = { twice: (x: number) => 2 * x, later: async (x: number) => x, sum: 5 };

  it("holds claims against awaited values, promises in arrays too", async () => {
    const claims = await runExample(
      "later(3); // → 3\n[later(1), later(2)]; // → 1,2\nawait later(4); // → 4",
      scope,
    );
    expect(claims.map(({ received }) => received)).toEqual(["3", "1,2", "4"]);
  });

  it("refuses a claim that does not hold, and says both values", async () => {
    await expect(runExample("twice(2); // → 5", scope)).rejects.toThrow("says 5\nbut the value is 4");
  });

  it("compares only the beginning where the text ends in …", async () => {
    expect(await runExample("1 / 3; // → 0.333…", scope)).toHaveLength(1);
    await expect(runExample("1 / 3; // → 0.334…", scope)).rejects.toThrow("0.334…");
  });

  it("lets an example declare a name of the scope, use types, and import modules", async () => {
    const code = 'import { half as h } from "m";\nconst sum: number = h(twice(7));\nsum; // → 7';
    expect(await runExample(code, scope, { m: { half: (x: number) => x / 2 } })).toHaveLength(1);
    await expect(runExample('import { a } from "nowhere";', scope)).rejects.toThrow("imports nowhere");
  });

  it("gives console.log the value that Node prints", async () => {
    expect(await runExample('console.log([1, 2], "a"); // → [ 1, 2 ] a', scope)).toHaveLength(1);
  });

  it("refuses an arrow that is not behind an expression, so that no claim is passed over", async () => {
    await expect(runExample("const x = 1; // → 1", scope)).rejects.toThrow("must follow an expression");
    await expect(runExample("if (sum) { twice(1); // → 2\n}", scope)).rejects.toThrow(
      "must follow an expression",
    );
  });

  it("passes on what an example throws", async () => {
    await expect(runExample("missing();", scope)).rejects.toThrow("missing is not defined");
  });
});
