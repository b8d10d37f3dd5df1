/** The table people read and the tests that hold it up name the same things. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const table = read("../../docs/numerics.md").split("## Accuracy")[0];
const tests = [...read("./table.test.ts").matchAll(/\btest\("([^"]+)"/g)].map((match) => match[1]);
const named = table
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| where"))
  .map((line) => line.split("|").at(-2)?.trim() ?? "");

test("every row of docs/numerics.md names a test that exists", () => {
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((name) => !tests.includes(name))).toEqual([]);
});

test("every numerics test has its row, or its sentence", () => {
  const sentences = ["where lets no NaN of the branch not taken into the value"];
  expect(tests.filter((name) => !named.includes(name) && !sentences.includes(name))).toEqual([]);
});
