import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CsvOptions, csv } from "../../src/data/index.js";
import { AdjointError } from "../../src/index.js";

const flowers = "length,width,kind\n1.5,0.2,setosa\n4.5,1.5,versicolor\n1.25,.5,setosa\n";

async function refusal(source: string, options: CsvOptions): Promise<AdjointError> {
  try {
    await csv(source, options);
  } catch (error) {
    if (error instanceof AdjointError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("data.csv", () => {
  it("reads inputs in column order and words as classes", async () => {
    const set = await csv(flowers, { label: "kind" });
    expect(set).toMatchObject({
      size: 3,
      inputShape: [2],
      targetShape: [],
      classes: ["setosa", "versicolor"],
    });
    expect([...set.inputs]).toEqual([1.5, Math.fround(0.2), 4.5, 1.5, 1.25, 0.5]);
    expect(set.targets).toEqual(Int32Array.of(0, 1, 0));
  });

  it("sorts numeric classes as numbers", async () => {
    const set = await csv("x,y\n1,10\n2,9\n3,10", { label: "y" });
    expect(set.classes).toEqual(["9", "10"]);
    expect([...set.targets]).toEqual([1, 0, 1]);
  });

  it("takes the classes it is given, in their order", async () => {
    const set = await csv(flowers, { label: "kind", classes: ["virginica", "versicolor", "setosa"] });
    expect([...set.targets]).toEqual([2, 1, 2]);
  });

  it("reads numbers to regress on, one column or several, in float64 when asked", async () => {
    const one = await csv("a,b,c\n1,2,0.1\n", { target: "c", dtype: "float64" });
    expect([one.targetShape, one.targets]).toEqual([[1], Float64Array.of(0.1)]);
    const two = await csv("a,b,c\n1,2,3\n", { target: ["c", "a"] });
    expect([two.inputShape, [...two.targets]]).toEqual([[1], [3, 1]]);
  });

  it("takes only the features asked for, in that order", async () => {
    const set = await csv("id,a,b,y\nx1,1,2,3\n", { target: "y", features: ["b", "a"] });
    expect([...set.inputs]).toEqual([2, 1]);
  });

  it("understands quotes, blank lines, spaces, other delimiters, a byte order mark and no header", async () => {
    const set = await csv('\ufeff"a";"the ""kind"""\r\n 1 ;"x;y"\r\n\r\n-2.5e1;z\r\n', {
      label: 'the "kind"',
      delimiter: ";",
    });
    expect([[...set.inputs], set.classes]).toEqual([
      [1, -25],
      ["x;y", "z"],
    ]);
    const bare = await csv("1,2\n3,4\n", { target: "2", header: false });
    expect([...bare.targets]).toEqual([2, 4]);
  });

  it.each([
    [
      "an empty cell",
      "a,y\n1,2\n,3\n",
      3,
      /line 3, column "a": expected a finite number, received an empty cell/,
    ],
    ["a word among numbers", "a,y\n1,2\n\n3,4\nx,5\n", 5, /column "a": .* received "x"/],
    ["NaN", "a,y\nNaN,2\n", 2, /received "NaN"/],
    ["Infinity", "a,y\n1,-Infinity\n", 2, /column "y": .* received "-Infinity"/],
    ["a number that overflows float32", "a,y\n1e39,2\n", 2, /received "1e39"/],
    ["hexadecimal", "a,y\n0x10,2\n", 2, /received "0x10"/],
    ["a decimal comma", 'a,y\n"1,5",2\n', 2, /received "1,5"/],
  ])("refuses %s with line and column", async (_name, text, line, message) => {
    const error = await refusal(text, { target: "y" });
    expect([error.code, error.details.line]).toEqual(["invalid-data", line]);
    expect(error.message).toMatch(message);
  });

  it("refuses an empty label and an unknown one", async () => {
    expect((await refusal("a,y\n1,\n", { label: "y" })).message).toBe(
      'data.csv: the text, line 2, column "y": expected a class, received an empty cell',
    );
    expect((await refusal("a,y\n1,c\n", { label: "y", classes: ["a", "b"] })).message).toMatch(
      /expected one of a, b, received "c"/,
    );
  });

  it.each([
    ["a short row", "a,y\n1,2\n3\n", 3, "expected 2 cells, as in the first line, received 1"],
    ["a long row", "a,y\n1,2,3\n", 2, "expected 2 cells, as in the first line, received 3"],
    ["an open quote", 'a,y\n1,"2\n', 2, "the text ends here within a quoted cell"],
    ["a quote inside a cell", 'a,y\n1,"2"x\n', 2, "a quote inside a cell"],
    ["a column without a name", "a,,y\n1,2,3\n", 1, "column 2 has no name"],
    ["two columns of one name", "a,a,y\n1,2,3\n", 1, 'two columns are named "a"'],
    ["a header alone", "a,y\n", 1, "no rows below"],
    ["blank lines alone", "\n\n", 1, "at least one line"],
  ])("refuses %s", async (_name, text, line, message) => {
    const error = await refusal(text, { target: "y" });
    expect([error.code, error.details.line]).toEqual(["file-format", line]);
    expect(error.message).toContain(message);
  });

  it.each([
    ["no column of answers", {}, /received neither/],
    ["both kinds of answers", { label: "kind", target: "width" }, /received both/],
    [
      "a column that is not there",
      { label: "species" },
      /no column "species" \(label\); its columns are length, width, kind/,
    ],
    ["a feature that is not there", { label: "kind", features: ["height"] }, /"height" \(features\)/],
    [
      "the answer as an input",
      { label: "kind", features: ["width", "kind"] },
      /both an input and the answer/,
    ],
    ["no inputs", { label: "kind", features: [] }, /no column of inputs/],
  ])("refuses %s", async (_name, options, message) => {
    const error = await refusal(flowers, options);
    expect(error.code).toBe("invalid-argument");
    expect(error.message).toMatch(message);
  });

  describe("from a file", () => {
    let directory = "";
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), "adjoint-csv-"));
    });
    afterAll(() => rm(directory, { recursive: true }));

    it("names the file in refusals and as the name of the set", async () => {
      const path = join(directory, "flowers.csv");
      await writeFile(path, flowers);
      expect((await csv(path, { label: "kind" })).name).toBe(path);
      await writeFile(path, flowers.replace("4.5", "4,5"));
      const error = await refusal(path, { label: "kind" });
      expect([error.details.file, error.details.line]).toEqual([path, 3]);
    });

    it("refuses bytes that are not text, and a file that is not there", async () => {
      const path = join(directory, "binary.csv");
      await writeFile(path, Uint8Array.of(0x61, 0xff, 0xfe, 0x0a));
      expect((await refusal(path, { label: "kind" })).message).toMatch(/is not UTF-8 text/);
      expect((await refusal(join(directory, "none.csv"), { label: "kind" })).code).toBe("file-not-found");
    });
  });
});
