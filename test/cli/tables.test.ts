/** Tables with words, holes, dates and columns of no use, by one command, and what their models make of new rows. */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadSafetensors } from "../../src/io/index.js";
import { Command } from "./support.js";

const towns = ["Ulm", "Bonn", "Berlin", "Jena", "Kiel"];

/** Prices of houses that follow from area, town and garden, with holes: the same every time. */
function houses(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const rooms = 1 + ((i * 5) % 7);
    const area = 20 * rooms + ((i * 13) % 17);
    const town = (i * 3) % 5;
    const garden = (i * 7) % 2;
    const price = 2000 * area + 30_000 * town + 25_000 * garden;
    const cells = [
      `H${i}`,
      rooms,
      i % 17 === 3 ? "" : area,
      i % 23 === 4 ? "NA" : towns[town],
      garden === 1 ? "yes" : "no",
      `19${50 + (i % 50)}-03-0${1 + (i % 9)}`,
      "DE",
      i % 50 === 7 ? "" : price,
    ];
    return cells.join(",");
  });
  return `${["id,rooms,area,town,garden,built,country,price", ...lines].join("\n")}\n`;
}

let command: Command;
beforeAll(async () => {
  command = new Command("tables");
  writeFileSync(command.path("houses.csv"), houses(300));
  const { code, err } = await command.run(["train", "houses.csv", "--target", "price", "--out", "houses"]);
  expect([code, err]).toEqual([0, ""]);
});
afterAll(() => command.remove());

describe("adjoint train on a table with words and holes", () => {
  it("says what it makes of every column, in 80 columns", async () => {
    const { out } = await command.run(["train", "houses.csv", "--target", "price", "--epochs", "1"]);
    expect(out.split("\n").slice(0, 8)).toEqual([
      "data     houses: 235 examples to train, 59 to validate",
      expect.stringMatching(/^numbers {2}rooms, area \(18 missing: \d+(\.\d+)?\)$/),
      expect.stringMatching(/^words {4}town: 5 \(13 missing: \w+\)$/),
      "yes/no   garden",
      "dates    built",
      "unused   id (300 different words in 300 cells: names or notes),",
      "         country (always DE)",
      "missing  6 rows without price: left out",
    ]);
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("learns prices in their own size, and says how far it is off in their units", async () => {
    const { events } = await command.events(["eval", "houses"]);
    const { r2, meanAbsoluteError } = events[0] as unknown as Record<string, number>;
    // without noise but for holes: a sixteenth of the areas and a twentieth of the towns are guesses
    expect(r2).toBeGreaterThan(0.9);
    // the deviation of the prices is about 90,000
    expect(meanAbsoluteError).toBeGreaterThan(100);
    expect(meanAbsoluteError).toBeLessThan(25_000);
    const { out } = await command.run(["eval", "houses"]);
    expect(out).toMatch(/^R² 0\.9\d{3} {2}mean absolute error \d+ \(price\)$/m);
  });

  it("fits columns to the training rows alone, and keeps what it learned with the model", async () => {
    const { metadata } = await loadSafetensors(command.path("houses/model.safetensors"));
    const { data, network } = JSON.parse(metadata.get("adjoint") ?? "");
    expect(data.features).toEqual(["rooms", "area", "town", "garden", "built"]);
    expect(network.layers).toEqual([9, 30, 1]);
    const town = data.table.columns[2];
    expect(town).toMatchObject({ kind: "categorical", unseen: "other", categories: towns.toSorted() });
    // of 235 rows, not of 294: the mean of the column's cells in the file is another
    const cells = houses(300)
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => Number(line.split(",")[1]));
    const mean = cells.reduce((sum, value) => sum + value, 0) / cells.length;
    expect(data.table.columns[0].mean).not.toBe(mean);
    expect(Math.abs(data.table.columns[0].mean - mean)).toBeLessThan(0.5);
  });

  it("fills holes and takes unknown words in new rows as in training, and refuses holes where there were none", async () => {
    const header = "rooms,area,town,garden,built\n";
    const predict = async (row: string) => {
      const { code, out, err } = await command.run(["predict", "houses", "-"], header + row);
      return code === 0 ? Number(out) : err;
    };
    const { metadata } = await loadSafetensors(command.path("houses/model.safetensors"));
    const { missing } = JSON.parse(metadata.get("adjoint") ?? "").data.table.columns[1];
    const day = "yes,1970-03-01";
    expect(await predict(`3,,Ulm,${day}\n`)).toBe(await predict(`3,${missing},Ulm,${day}\n`));
    // 30,000 a town: another town is another price
    expect(
      Math.abs(Number(await predict(`3,61,Kiel,${day}\n`)) - Number(await predict(`3,61,Ulm,${day}\n`))),
    ).toBeGreaterThan(50_000);
    // unknown words are none of the known, whichever they are
    expect(await predict(`3,61,Wien,${day}\n`)).toBe(await predict(`3,61,Rom,${day}\n`));
    expect(await predict("3,61,Ulm,,1970-03-01\n")).toContain(
      'line 2, column "garden": expected true, false, yes, no, 1 or 0',
    );
    expect(await predict(`x,61,Ulm,${day}\n`)).toContain(
      'line 2, column "rooms": expected a finite number, received "x"',
    );
    expect(await predict("3,61,Ulm,yes,1970-02-30\n")).toContain('column "built": expected a date');
  });

  it("measures the held-out rows again, and all of another table", async () => {
    const { events } = await command.events(["eval", "houses"]);
    expect(events[0]).toMatchObject({ data: "houses (validation)", examples: 59 });
    const all = await command.run(["eval", "houses", "houses.csv"]);
    expect(all.out).toContain("houses.csv (all rows, those it was trained on among them): 294 examples");
    const original = readFileSync(command.path("houses.csv"), "utf8");
    try {
      writeFileSync(command.path("houses.csv"), original.replace("H0,1", "H0,2"));
      expect((await command.run(["eval", "houses"])).err).toContain(
        "has changed since the model was trained",
      );
    } finally {
      writeFileSync(command.path("houses.csv"), original);
    }
  });

  it("takes numbers for names where told, and the columns it is told", async () => {
    const codes = Array.from(
      { length: 90 },
      (_, i) => `${[10115, 89073, 53111][i % 3]},${i % 7},${(i % 3) * 4 + (i % 7)}`,
    );
    writeFileSync(command.path("codes.csv"), `${["code,size,rent", ...codes].join("\n")}\n`);
    const args = ["train", "codes.csv", "--target", "rent", "--epochs", "100", "--categorical", "code"];
    const { out } = await command.run([...args, "--out", "codes"]);
    expect(out).toContain("numbers  size\nwords    code: 3\n");
    const predicted = await command.run(["predict", "codes", "-"], "size,code\n3,89073\n");
    // rent = 4 · place of the code + size, exactly learnable
    expect(Math.abs(Number(predicted.out) - 7)).toBeLessThan(0.5);
    const few = await command.run([...args, "--features", "code"]);
    expect(few.out).toContain("words    code: 3\nunused   size\n");
  });

  it("classifies with words among the inputs, and classes that only held-out rows have are known", async () => {
    const lines = Array.from(
      { length: 60 },
      (_, i) => `${["red", "green"][i % 2]},${i % 5},${i === 7 ? "rare" : ["stop", "go"][i % 2]}`,
    );
    writeFileSync(command.path("lights.csv"), `${["colour,size,kind", ...lines].join("\n")}\n`);
    for (const seed of ["1", "2", "3", "4", "5", "6"]) {
      const { code, out } = await command.run([
        "train",
        "lights.csv",
        "--label",
        "kind",
        "--seed",
        seed,
        "--out",
        "lights",
      ]);
      expect([seed, code]).toEqual([seed, 0]);
      expect(out).toMatch(/^true +go +rare +stop +right$/m);
    }
    const { out } = await command.run(["predict", "lights", "-"], "size,colour\n2,red\n2,green\n");
    expect(out).toBe("stop\ngo\n");
  });

  it("a clean table of numbers is used as ever: standardised columns, and targets as they are", async () => {
    const lines = Array.from({ length: 50 }, (_, i) => `${i % 9},${(i % 9) / 3}`);
    writeFileSync(command.path("clean.csv"), `${["a,y", ...lines].join("\n")}\n`);
    const { out } = await command.run([
      "train",
      "clean.csv",
      "--target",
      "y",
      "--epochs",
      "1",
      "--out",
      "clean",
    ]);
    expect(out).not.toMatch(/^(numbers|words|unused)/m);
    const { metadata } = await loadSafetensors(command.path("clean/model.safetensors"));
    const record = JSON.parse(metadata.get("adjoint") ?? "");
    expect(record.data.table).toBeUndefined();
    expect(record.scaling.mean).toHaveLength(1);
  });

  it("codes of which some have letters are left out, and not refused as slips", async () => {
    const lines = Array.from(
      { length: 80 },
      (_, i) => `${i % 9},${i % 4 === 0 ? `PC ${i}` : 1000 + i},${i % 2}`,
    );
    writeFileSync(command.path("tickets.csv"), `${["a,ticket,y", ...lines].join("\n")}\n`);
    const { code, out } = await command.run(["train", "tickets.csv", "--label", "y", "--epochs", "1"]);
    expect([code, out]).toEqual([0, expect.stringContaining("unused   ticket (80 different words")]);
  });

  it("names that would steer a terminal are shown, not obeyed", async () => {
    const lines = Array.from(
      { length: 40 },
      (_, i) => `${i % 7},${i % 2 === 0 ? "\x1b[31mred" : "\x9b2Jblank"}`,
    );
    writeFileSync(command.path("escapes.csv"), `${["a,kind", ...lines].join("\n")}\n`);
    const { out } = await command.run(["train", "escapes.csv", "--label", "kind", "--epochs", "1"]);
    expect(out).toContain("␛[31mred");
    const { err } = await command.run(["train", "escapes.csv", "--label", "\x1b]0;title\x07"]);
    expect(err).toContain('no column "␛]0;title␇"');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(`${out}${err}`).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  });

  it("refuses a model whose columns were edited", async () => {
    const tensors = await loadSafetensors(command.path("houses/model.safetensors"));
    const record = JSON.parse(tensors.metadata.get("adjoint") ?? "");
    record.data.table.columns[0].deviation = 0;
    const { encodeSafetensors } = await import("../../src/io/index.js");
    writeFileSync(
      command.path("edited.safetensors"),
      encodeSafetensors(tensors, { adjoint: JSON.stringify(record) }),
    );
    const { code, err } = await command.run(["predict", "edited.safetensors", "houses.csv"]);
    expect([code, err]).toEqual([1, expect.stringContaining("configuration entry data.table must be")]);
  });
});
