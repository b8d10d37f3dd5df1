/** Data as they come: mixed line ends, columns that do not vary, early dates, functions that give nothing. */
import { describe, expect, it } from "vitest";
import {
  csv,
  fitTable,
  inferColumns,
  readTable,
  type Stream,
  stream,
  type TableTransform,
} from "../../src/data/index.js";
import { ahead } from "../../src/data/prefetch.js";
import { AdjointError, tensor } from "../../src/index.js";
import { Standardize } from "../../src/nn/index.js";

async function refused(action: () => unknown): Promise<AdjointError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof AdjointError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("tables as they come", () => {
  it("have line ends of several kinds, inside quotes too", async () => {
    const { inputs, classes } = await csv('a,k\r\n1,x\n2,"y\nz"\r\n3,x\r4,x\n', { label: "k" });
    expect([...inputs]).toEqual([1, 2, 3, 4]);
    expect(classes).toEqual(["x", "y\nz"]);
  });

  it("are refused where a quote is still open, saying that it was opened before", async () => {
    const error = await refused(() => csv('a,k\n1,"x\n2,y\n3,z\n', { label: "k" }));
    expect(error.message).toContain(
      "line 4: the text ends here within a quoted cell: a quote before is not closed",
    );
  });

  it("say which delimiter is meant where all columns are taken for one", async () => {
    const error = await refused(() => csv("a;k\n1;x\n2;y\n", { label: "k" }));
    expect(error.code).toBe("invalid-argument");
    expect(error.message).toContain('only column is "a;k"; is { delimiter: ";" } meant?');
    expect((await csv("a;k\n1;x\n2;y\n", { label: "k", delimiter: ";" })).size).toBe(2);
  });

  it("may have 20,000 columns, whose names are compared once each", async () => {
    // where every name is compared with every other, 2e8 comparisons, this takes seconds
    const names = Array.from({ length: 20_000 }, (_, i) => `c${i}`);
    const table = await readTable(`${names.join()}\n${names.map((_, i) => i).join()}`, {});
    expect(table.columns).toEqual(names);
    expect((await refused(() => readTable(`${names.join()},c7\n${names.join()},1`, {}))).message).toContain(
      'named "c7"',
    );
  });

  it("refuse names that are given twice", async () => {
    const text = "a,b,k\n1,2,x\n3,4,y\n";
    for (const options of [
      { label: "k", classes: ["x", "y", "x"] },
      { label: "k", features: ["a", "a"] },
      { target: ["a", "a"] },
    ])
      expect((await refused(() => csv(text, options))).message).toMatch(
        /must be different names, received ".*" twice/,
      );
  });
});

describe("a fitted table", () => {
  const fitted = async (text: string, more = {}): Promise<TableTransform> =>
    fitTable(await readTable(text, {}), { target: "y", ...more });

  it("takes a column for constant exactly where it is, whatever its mean would be rounded to", async () => {
    // 0.1 + 0.1 + 0.1 is not 0.3
    const rows = Array.from({ length: 1000 }, () => "0.1,1").join("\n");
    const transform = await fitted(`a,y\n${rows}`, { standardize: true, standardizeTarget: true });
    expect(transform.columns[0]).toMatchObject({ mean: 0.1, deviation: 1 });
    // float32 of 0.2 − 0.1
    expect(transform.inputs([{ a: 0.2 }]).arraySync()).toEqual([[Math.fround(0.1)]]);
  });

  it("knows the years before 100, and no hour after the end of a day", async () => {
    const days = async (date: string) =>
      (await fitted(`d,y\n${date},1\n2024-01-01,2`, { dtype: "float64", columns: { d: "date" } }))
        .inputs([{ d: date }])
        .arraySync();
    // 719,162 days from 0001-01-01 to 1970-01-01 in the proleptic Gregorian calendar
    expect(await days("0001-01-01")).toEqual([[-719162]]);
    expect(await days("1970-01-01T24:00")).toEqual([[1]]);
    expect((await refused(() => days("1970-01-01T24:30"))).code).toBe("invalid-data");
    expect(inferColumns(await readTable("d,y\n0050-02-29,1", {}))[0].kind).not.toBe("date");
  });

  it("keeps rows of a class that is called as missing values are, where the classes say so", async () => {
    const table = await readTable("a,k\n1,None\n2,x\n3,\n", {});
    const transform = fitTable(table, { label: "k", classes: ["None", "x"] });
    expect([...transform.apply(table, { missingTarget: "drop" }).targets]).toEqual([0, 1]);
    const error = await refused(() => fitTable(table, { label: "k", classes: ["x", "y"] }).apply(table));
    expect(error.message).toContain('received "None", which counts as missing');
  });

  it("undoes a scale only of a tensor with as many columns as answers", async () => {
    const transform = await fitted("a,b,y\n1,2,3\n4,5,7", { target: ["b", "y"], standardizeTarget: true });
    expect(transform.unscale(tensor([[0, 1]])).arraySync()).toEqual([[3.5, 7]]);
    for (const outputs of [tensor([[0]]), tensor(1), [[0, 1]]])
      expect((await refused(() => transform.unscale(outputs as never))).code).toBe("invalid-argument");
  });

  it("refuses more numbers than an array holds, before it asks for the memory", async () => {
    const rows = Array.from({ length: 40_000 }, (_, i) => `w${i},1`).join("\n");
    const table = await readTable(`w,y\n${rows}`, {});
    const transform = fitTable(table, { target: "y", columns: { w: "categorical" } });
    const error = await refused(() => transform.apply(table));
    expect(error.code).toBe("invalid-data");
    expect(error.message).toContain("maxCategories");
  });

  it("names the option that is no rule, and the column that is described by nothing", async () => {
    expect((await refused(() => fitted("a,y\n1,2", { missing: null }))).message).toContain("options.missing");
    expect((await refused(() => fitted("a,y\n1,2", { columns: { a: null } }))).message).toContain(
      "columns.a",
    );
  });
});

describe("Standardize.of", () => {
  it("only moves what is constant, however many there are of it", () => {
    // summed as they are, a million roundings make a deviation of 1e-12
    const layer = Standardize.of({ inputs: new Float32Array(1e6).fill(0.1), inputShape: [1] });
    expect(layer.moments.deviation.arraySync()).toEqual([1]);
    expect(layer.forward(tensor([[0.1]])).arraySync()).toEqual([[0]]);
  });

  it("refuses what is no number, and integers as its element type", async () => {
    const inputs = Float32Array.of(1, Number.NaN);
    const error = await refused(() => Standardize.of({ inputs, inputShape: [1] }));
    expect(error.message).toContain("finite numbers, received NaN");
    expect((await refused(() => new Standardize([0], [1], { dtype: "int32" }))).code).toBe(
      "invalid-argument",
    );
  });
});

describe("streams of functions", () => {
  const shapes = { inputShape: [1], targetShape: [1] };
  const numbers = (count: number): Stream =>
    stream.generate(shapes, function* () {
      for (let i = 0; i < count; i++) yield { x: [i], y: [i] };
    });

  it("refuse a function that gives no iterable, or the same used-up iterator for every pass", async () => {
    for (const nothing of [() => undefined, () => 5, () => ({})])
      expect((await refused(() => stream.generate(shapes, nothing as never).first(1))).code).toBe(
        "invalid-argument",
      );
    const once = [{ x: [1], y: [1] }].values();
    const spent = stream.generate(shapes, () => once);
    await spent.first(1);
    expect((await refused(() => spent.first(1))).message).toContain("the same iterator again");
    const array = [{ x: [1], y: [1] }];
    const again = stream.generate(shapes, () => array);
    await again.first(1);
    expect((await again.first(1)).x.arraySync()).toEqual([[1]]);
  });

  it("refuse an example without a target, and a map that gives no batch", async () => {
    const half = stream.generate(shapes, () => [{ x: [1] }] as never);
    expect((await refused(() => half.first(1))).message).toContain("y of an example");
    const mapped = numbers(3).map(() => undefined as never);
    expect((await refused(() => mapped.first(1))).message).toContain("stream.map: f must be");
  });

  it("may be read further ahead than they are long", async () => {
    let examples = 0;
    for await (const { x } of numbers(5)
      .prefetch(2 ** 40)
      .batches(2))
      examples += x.shape[0];
    expect(examples).toBe(5);
  });

  it("are asked for one batch after the other, and for no more than k beyond the one in use", async () => {
    let [asked, atOnce, most] = [0, 0, 0];
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        async next() {
          most = Math.max(most, ++atOnce);
          await new Promise((resolve) => setImmediate(resolve));
          atOnce--;
          return asked < 10 ? { done: false, value: asked++ } : { done: true, value: undefined };
        },
      }),
    };
    const seen: number[] = [];
    for await (const value of ahead(source, 3)) {
      seen.push(value);
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(asked).toBe(Math.min(10, value + 4));
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(most).toBe(1);
  });
});
