/** docs/notes.md lists the 51 points; each has a test by its number where the page says, and functions that exist. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as adjoint from "../../src/index.js";
import * as losses from "../../src/losses/index.js";
import * as optim from "../../src/optim/index.js";

const page = readFileSync(new URL("../../docs/notes.md", import.meta.url), "utf8");
const folder = new URL("./", import.meta.url);
const suites = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => [name.replace(".test.ts", ""), readFileSync(new URL(name, folder), "utf8")]),
);

/** The names the page gives to the files. */
const files: Readonly<Record<string, string>> = {
  "000": "000-reading-guide",
  "001": "001-chain-rule-walk",
  "002 notation": "002-notation",
  "002 equations": "002-equations",
  "002 algorithm": "002-algorithm",
  "003": "003-goodfellow",
  "004": "004-narrated",
  "the example": "worked-example",
  slowdown: "learning-slowdown",
  slips: "slips",
};

const rows = [...page.matchAll(/^\| (\d\d) \| (.+) \| (.+) \| (.+) \|$/gm)].map(
  ([, number, text, tests, where]) => ({
    number,
    text,
    tests: tests.split(", "),
    functions: [...where.matchAll(/`([\w.]+)`/g)].map((match) => match[1]),
  }),
);

const options = new Set(["argnum", "argnums", "mode"]);

describe("docs/notes.md", () => {
  it("has the points 01 to 51, once each and in order", () => {
    const numbers = Array.from({ length: 51 }, (_, i) => String(i + 1).padStart(2, "0"));
    expect(rows.map(({ number }) => number)).toEqual(numbers);
  });

  for (const { number, tests, functions } of rows) {
    it(`point ${number} has its test in every file named, and in no other`, () => {
      const having = [...suites].filter(([, text]) => text.includes(`"${number}: `)).map(([name]) => name);
      expect(having.sort()).toEqual(tests.map((name) => files[name]).sort());
    });

    it(`point ${number} names functions that exist`, () => {
      const known: Readonly<Record<string, object>> = { losses, optim };
      for (const name of functions.filter((one) => !options.has(one))) {
        const [space, member] = name.includes(".") ? name.split(".") : ["", name];
        expect(Object.keys(space === "" ? adjoint : known[space]), name).toContain(member);
      }
    });
  }

  it("links only to files that exist", () => {
    const linked = [...page.matchAll(/\]\(\.\.\/test\/notes\/([\w-]+)\.test\.ts\)/g)].map(
      (match) => match[1],
    );
    expect(new Set(linked).size).toBe(10);
    for (const name of linked) expect([...suites.keys()]).toContain(name);
  });

  it("defines the words the notes use, and those this library uses for them", () => {
    const glossary = page.slice(page.indexOf("## Glossary"));
    for (const word of [
      "gradient",
      "Jacobian",
      "activation",
      "weighted input",
      "saturation",
      "cotangent",
      "tangent",
    ])
      expect(glossary).toContain(`**${word}**`);
  });
});
