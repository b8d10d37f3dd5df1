import { describe, expect, it } from "vitest";
import {
  csv,
  type FitTableOptions,
  fitTable,
  inferColumns,
  readTable,
  Table,
  TableTransform,
} from "../../src/data/index.js";
import { AdjointError, random, tensor } from "../../src/index.js";

const houses = [
  "rooms,town,garden,sold,street,price",
  "3,Ulm,yes,2024-01-01,a,200",
  "NA,Bonn,no,2024-01-03,b,350",
  "5,Ulm,yes,2024-01-02,c,300",
  "4,,?,2024-01-01,d,250",
].join("\n");

async function refused(action: () => unknown): Promise<AdjointError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof AdjointError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const wordy = (rows: number): string =>
  `name,price\n${Array.from({ length: rows }, (_, i) => `name${i},${i}`).join("\n")}`;

describe("inferring columns", () => {
  it("tells numbers, words, truth values and dates apart, and counts what is missing", async () => {
    const columns = inferColumns(await readTable(houses));
    expect(columns.map(({ name, kind, missing, distinct }) => [name, kind, missing, distinct])).toEqual([
      ["rooms", "number", 1, 3],
      ["town", "categorical", 1, 2],
      ["garden", "boolean", 1, 2],
      ["sold", "date", 0, 3],
      ["street", "categorical", 0, 4],
      ["price", "number", 0, 4],
    ]);
  });

  it("finds no use for empty columns, nor for names", async () => {
    const [constant, empty] = inferColumns(await readTable("a,b,y\n7,,1\n7,NA,2\n"));
    expect([constant.kind, empty.kind, empty.reason]).toEqual(["number", "none", "empty"]);
    const [name] = inferColumns(await readTable(wordy(60)));
    expect([name.kind, name.reason]).toEqual(["none", "60 different words in 60 cells: names or notes"]);
  });

  it("takes 0 and 1 for numbers, and one word among numbers for a category, naming it", async () => {
    const [flag, mixed] = inferColumns(await readTable("a,b\n0,1\n1,2\n0,unknown\n"));
    expect(flag.kind).toBe("number");
    expect([mixed.kind, mixed.reason]).toEqual([
      "categorical",
      '3 different values, and not all are numbers: "unknown"',
    ]);
  });

  it("knows days that no calendar has", async () => {
    const [date] = inferColumns(await readTable("a,b\n2023-02-28,1\n2023-02-29,1\n"));
    expect(date.kind).toBe("categorical");
  });
});

describe("a fitted table", () => {
  const options: FitTableOptions = { target: "price", missing: "mean", columns: { sold: "date" } };

  it("makes numbers of words, truth values, dates and holes", async () => {
    const table = await readTable(houses);
    const transform = fitTable(table, { ...options, features: ["rooms", "town", "garden", "sold"] });
    expect(transform.inputNames).toEqual(["rooms", "town=Bonn", "town=Ulm", "garden", "sold"]);
    const set = transform.apply(table);
    // 19723 days from 1970-01-01 to 2024-01-01; the mean of 3, 5, 4 is 4; Ulm and yes are the most frequent
    expect([...set.inputs]).toEqual(
      [
        [3, 0, 1, 1, 19723],
        [4, 1, 0, 0, 19725],
        [5, 0, 1, 1, 19724],
        [4, 0, 1, 1, 19723],
      ].flat(),
    );
    expect([...set.targets]).toEqual([200, 350, 300, 250]);
    expect([set.inputShape, set.targetShape]).toEqual([[5], [1]]);
  });

  it("standardizes by the training rows, and treats other rows by the same numbers", async () => {
    const table = await readTable("a,y\n1,10\n3,30\n");
    const transform = fitTable(table, { target: "y", standardize: true, standardizeTarget: true });
    expect([...transform.apply(table).inputs]).toEqual([-1, 1]);
    expect([...transform.apply(table).targets]).toEqual([-1, 1]);
    const later = transform.inputs([{ a: 7 }]);
    // (7 − 2) / 1
    expect(later.arraySync()).toEqual([[5]]);
    expect(transform.unscale(tensor([[2]])).arraySync()).toEqual([[40]]);
  });

  it("is the same after a round trip through JSON, for every row", async () => {
    const table = await readTable(houses);
    const transform = fitTable(table, { ...options, standardize: true, unseen: "other" });
    const again = TableTransform.fromJSON(JSON.parse(JSON.stringify(transform)));
    expect(again.toJSON()).toEqual(transform.toJSON());
    expect(again.apply(table)).toEqual(transform.apply(table));
  });

  it("does not depend on rows it was not fitted on", async () => {
    const table = await readTable(houses);
    const [training, held] = table.split(0.5, random.key(3));
    expect([training.size, held.size]).toEqual([2, 2]);
    expect([...training.rows, ...held.rows].map(({ line }) => line).sort()).toEqual([2, 3, 4, 5]);
    const transform = fitTable(training, { ...options, features: ["rooms"] });
    const rooms = training.column("rooms").filter((cell) => cell !== "NA");
    const mean = rooms.reduce((total, cell) => total + Number(cell), 0) / rooms.length;
    expect(transform.columns[0].missing).toBe(mean);
  });

  it("refuses missing cells unless told what stands in for them, naming line and column", async () => {
    const table = await readTable(houses);
    const transform = fitTable(table, { target: "price", features: ["rooms"] });
    const error = await refused(() => transform.apply(table));
    expect(error.code).toBe("invalid-data");
    expect(error.message).toBe(
      'TableTransform: the text, line 3, column "rooms": expected a finite number; say what stands in for missing values with { missing }, received "NA"',
    );
    expect(error.details).toMatchObject({ line: 3, argument: "rooms" });
  });

  it.each([
    ["mean", 4],
    ["median", 3],
    ["mostFrequent", 3],
    [{ constant: -1 }, -1],
  ] as const)("puts %o in the place of a missing number", async (missing, expected) => {
    const table = await readTable("a,y\n3,1\n3,1\n6,1\nNA,1");
    const transform = fitTable(table, { target: "y", missing });
    expect(transform.apply(table).inputs[3]).toBe(expected);
  });

  it("takes the mean of the two in the middle for the median of an even number", async () => {
    const table = await readTable("a,y\n9,1\n2,1\n4,1\n1,1\n,1");
    expect(fitTable(table, { target: "y", missing: "median" }).columns[0].missing).toBe(3);
  });

  it("takes a constant that is no word of the table for a category of its own", async () => {
    const table = await readTable("town,y\nUlm,1\n,2\nBonn,3");
    const transform = fitTable(table, { target: "y", missing: { constant: "unknown" } });
    expect(transform.inputNames).toEqual(["town=Bonn", "town=Ulm", "town=unknown"]);
    expect([...transform.apply(table).inputs]).toEqual([0, 1, 0, 0, 0, 1, 1, 0, 0]);
  });

  it("refuses a word it has not seen, or takes it for none of those it has", async () => {
    const table = await readTable("town,y\nUlm,1\nBonn,2");
    const strict = fitTable(table, { target: "y" });
    const error = await refused(() => strict.inputs([{ town: "Kiel" }]));
    expect(error.message).toBe(
      'TableTransform: the records, line 1, column "town": expected one of Bonn, Ulm; { unseen: "other" } takes other words for none of them, received "Kiel"',
    );
    const lenient = fitTable(table, { target: "y", unseen: "other" });
    expect(lenient.inputs([{ town: "Kiel" }]).arraySync()).toEqual([[0, 0]]);
    const coded = fitTable(table, { target: "y", unseen: "other", encode: "code" });
    expect(coded.inputs([{ town: "Kiel" }, { town: "Ulm" }]).arraySync()).toEqual([[2], [1]]);
  });

  it("keeps the most frequent words where asked, and takes the others for none of them", async () => {
    const table = await readTable("town,y\nUlm,1\nBonn,2\nUlm,3\nKiel,4\nBonn,5");
    const transform = fitTable(table, { target: "y", columns: { town: { maxCategories: 2 } } });
    expect(transform.inputNames).toEqual(["town=Bonn", "town=Ulm"]);
    expect([...transform.apply(table).inputs.subarray(6, 8)]).toEqual([0, 0]);
  });

  it("refuses a column of dates unless asked for, saying how to ask", async () => {
    const error = await refused(async () => fitTable(await readTable(houses), { target: "price" }));
    expect(error.message).toBe(
      'data.fitTable: the text: column "sold" holds dates, such as 2024-01-01; in { columns: { "sold": … } } "date" makes days since 1970-01-01 of them, "none" leaves the column out',
    );
  });

  it("refuses a column of no use where features ask for it, and leaves it out where not", async () => {
    const table = await readTable(`${wordy(60).replace("name,", "name,k,").replace(/(\d),/g, "$1,$1,")}`);
    expect(fitTable(table, { target: "price" }).inputNames).toEqual(["k"]);
    const error = await refused(() => fitTable(table, { target: "price", features: ["name"] }));
    expect(error.message).toContain('column "name" seems to be of no use (60 different words');
  });

  it("refuses or drops rows without an answer", async () => {
    const table = await readTable("a,kind\n1,x\n2,\n3,y");
    const transform = fitTable(table, { label: "kind" });
    expect(transform.classes).toEqual(["x", "y"]);
    const error = await refused(() => transform.apply(table));
    expect(error.message).toContain('line 3, column "kind": expected one of x, y, received an empty cell');
    const set = transform.apply(table, { missingTarget: "drop" });
    expect([[...set.inputs], [...set.targets]]).toEqual([
      [1, 3],
      [0, 1],
    ]);
  });

  it("takes records in any order of their fields, and refuses other values than a cell can hold", async () => {
    const table = await readTable("a,town,y\n1,Ulm,1\n2,Bonn,2");
    const transform = fitTable(table, { target: "y", missing: "mean" });
    expect(
      transform
        .inputs([
          { town: "Ulm", a: 3 },
          { a: null, town: "Bonn" },
        ])
        .arraySync(),
    ).toEqual([
      [3, 0, 1],
      [1.5, 1, 0],
    ]);
    const error = await refused(() => transform.inputs([{ a: [1] as never, town: "Ulm" }]));
    expect(error.message).toContain('line 1, column "a": expected a text, a number, true, false or null');
    const absent = await refused(() => transform.inputs([{ a: 1 }]));
    expect([absent.code, absent.message]).toEqual([
      "invalid-argument",
      'TableTransform: the records has no column "town" (an input); its columns are a',
    ]);
  });

  it("stores names that objects already have without harm", async () => {
    const table = Table.from([
      JSON.parse('{"__proto__": "x", "constructor": 1, "y": 1}'),
      JSON.parse('{"__proto__": "z", "constructor": 2, "y": 2}'),
    ]);
    const transform = fitTable(table, { target: "y" });
    expect(transform.inputNames).toEqual(["__proto__=x", "__proto__=z", "constructor"]);
    const again = TableTransform.fromJSON(JSON.parse(JSON.stringify(transform)));
    expect(again.apply(table)).toEqual(transform.apply(table));
  });

  it("refuses JSON that is no transform, naming the field", async () => {
    const good = fitTable(await readTable("town,a,y\nUlm,1,1\nBonn,2,2"), { target: "y" }).toJSON();
    const broken: [string, unknown, string][] = [
      ["null", null, "the transform must be an object, received null"],
      ["another format", { ...good, format: "x" }, 'format must be "adjoint-table", received "x"'],
      ["no columns", { ...good, columns: [] }, "columns must be at least one column, received array of 0"],
      [
        "a category twice",
        { ...good, columns: [{ ...good.columns[0], categories: ["a", "a"] }] },
        "columns[0].categories must be different texts, at least one, received array of 2",
      ],
      [
        "a deviation of 0",
        { ...good, columns: [{ ...good.columns[1], deviation: 0 }] },
        "columns[0].deviation must be a positive number, received 0",
      ],
      [
        "an answer of no kind",
        { ...good, answer: {} },
        'answer.kind must be "classes" or "numbers", received undefined',
      ],
    ];
    for (const [what, json, message] of broken) {
      const error = await refused(() => TableTransform.fromJSON(json));
      expect([error.code, error.message], what).toEqual(["invalid-data", `TableTransform: ${message}`]);
    }
  });

  it.each([
    [{}, "name the column of the answers"],
    [{ target: "price", label: "town" }, "received both"],
    [{ target: "prize" }, 'has no column "prize"'],
    [{ target: "price", columns: { toun: "number" } }, 'has no column "toun"'],
    [
      { target: "price", missing: "maen" },
      'options.missing must be "refuse", "mean", "median" or "mostFrequent"',
    ],
    [{ target: "price", columns: { town: { kind: "word" } } }, "columns.town must be"],
    [{ target: "price", colums: {} }, "did you mean columns?"],
    [{ target: "price", features: ["price"] }, 'received "price", which is the answer'],
    [{ target: "price", columns: { rooms: { missing: { constant: "x" } } } }, "must be a finite number"],
  ])("refuses the options %o", async (options, message) => {
    const table = await readTable("rooms,town,price\n3,Ulm,1\n4,Bonn,2");
    const error = await refused(() => fitTable(table, options as unknown as FitTableOptions));
    expect([error.code, error.message.includes(message), error.message]).toEqual([
      "invalid-argument",
      true,
      error.message,
    ]);
  });
});

describe("data.csv with typed columns", () => {
  it("infers them where asked, and keeps to numbers where not", async () => {
    const text = "rooms,town,price\n3,Ulm,2\n,Bonn,3";
    const set = await csv(text, { target: "price", columns: "infer", missing: "median" });
    expect([...set.inputs]).toEqual([3, 0, 1, 3, 1, 0]);
    const error = await refused(() => csv(text, { target: "price" }));
    expect(error.message).toContain('line 2, column "town": expected a finite number, received "Ulm"');
  });
});
