import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { typecheck } from "../support/typecheck.js";

const textOf = (name: string): string => readFileSync(fileURLToPath(new URL(name, import.meta.url)), "utf8");
const helper = { "same.ts": textOf("same.ts") };

describe("types", () => {
  it("of trees go through every transform as what they are", () => {
    expect(typecheck({ ...helper, "trees.ts": textOf("trees.types.ts") })).toEqual([]);
  });

  it("refuse every wrong use", () => {
    expect(typecheck({ "misuse.ts": textOf("misuse.types.ts") })).toEqual([]);
  });

  it("would be seen to be wrong: a false claim and an expectation without an error are found", () => {
    const text = [
      'import { grad, type Tensor } from "adjoint";',
      'import { same } from "./same.js";',
      "declare const pair: { a: Tensor; b: Tensor };",
      "const gradient = grad((p: typeof pair) => p.a.mul(p.b).sum())(pair);",
      "same<typeof gradient, Tensor>();",
      "same<typeof gradient, { a: Tensor; b: Tensor }>();",
      "// @ts-expect-error nothing is wrong here",
      "gradient.a.sum();",
    ].join("\n");
    expect(typecheck({ ...helper, "planted.ts": text }).map(({ line }) => line)).toEqual([5, 7]);
  });
});
