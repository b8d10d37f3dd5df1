/** `adjoint export`: what other programs compute of a model's raw inputs is what `adjoint predict` says. */
import { existsSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tensor } from "../../src/index.js";
import { importOnnx, loadNpz, loadSafetensors } from "../../src/io/index.js";
import { Command, type Event, flowers } from "./support.js";

let command: Command;
beforeAll(async () => {
  command = new Command("export");
  writeFileSync(command.path("flowers.csv"), flowers(60));
  // two words, a truth value, a date, a number with a hole, and a target of another size
  const rows = Array.from({ length: 60 }, (_, i) =>
    [
      i % 7,
      i === 9 ? "" : (i * 13) % 50,
      ["Ulm", "Bonn"][i % 2],
      i % 3 === 0 ? "yes" : "no",
      `2020-01-${10 + (i % 9)}`,
      1000 * (i % 7) + 300 * (i % 2),
    ].join(","),
  );
  writeFileSync(
    command.path("houses.csv"),
    `${["rooms,area,town,garden,built,price", ...rows].join("\n")}\n`,
  );
  for (const args of [
    ["train", "flowers.csv", "--label", "kind", "--out", "flowers", "--epochs", "3"],
    ["train", "houses.csv", "--target", "price", "--out", "houses", "--epochs", "3"],
  ])
    expect((await command.run(args)).code).toBe(0);
});
afterAll(() => command.remove());

/** The largest difference, relative to the largest value. */
function difference(actual: readonly number[], expected: readonly number[]): number {
  expect(actual).toHaveLength(expected.length);
  const size = Math.max(...expected.map(Math.abs));
  return Math.max(...actual.map((value, i) => Math.abs(value - expected[i]))) / size;
}

const outputsOf = (events: readonly Event[]): number[] =>
  events.flatMap(({ outputs }) => outputs as number[]);
// float32 through two layers of at most 30 terms, in another order: some tens of roundings of 6e-8
const tolerance = 1e-5;

describe("adjoint export to ONNX", () => {
  it("holds the scaling of the columns, for any number of rows", async () => {
    const { code, out } = await command.run(["export", "flowers"]);
    expect(code).toBe(0);
    expect(out).toBe(
      "input    [batch, 2]: length, width\noutput   iris, rose, tulip\nwritten  flowers/model.onnx\n",
    );
    const model = await importOnnx(command.path("flowers/model.onnx"));
    const raw = [
      [0.2, 2],
      [2.3, 102],
      [4.1, 3],
    ];
    const text = `length,width\n${raw.map((row) => row.join(",")).join("\n")}\n`;
    const { events } = await command.events(["predict", "flowers", "-"], text);
    for (const count of [1, 3]) {
      const outputs = model.forward(tensor(raw.slice(0, count))) as ReturnType<typeof tensor>;
      expect(outputs.shape).toEqual([count, 3]);
      expect(difference(Array.from(await outputs.data()), outputsOf(events.slice(0, count)))).toBeLessThan(
        tolerance,
      );
    }
  });

  it("gives probabilities where asked, and another file and number of rows", async () => {
    const args = ["export", "flowers", "--to", "p.onnx", "-p", "--batch", "2", "--json"];
    const { code, out } = await command.run(args);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      event: "export",
      file: "p.onnx",
      input: { shape: [2, 2], columns: ["length", "width"] },
      output: { name: "probabilities", columns: ["iris", "rose", "tulip"] },
    });
    const model = await importOnnx(command.path("p.onnx"));
    const outputs = model.forward(
      tensor([
        [0.2, 2],
        [2.3, 102],
      ]),
    ) as ReturnType<typeof tensor>;
    for (const row of await outputs.array<number[][]>())
      expect(Math.abs(row.reduce((sum, value) => sum + value, 0) - 1)).toBeLessThan(1e-6);
  });

  it("takes words as columns of 0 and 1, dates as days, and gives numbers in their own size", async () => {
    const { out } = await command.run(["export", "houses", "--out", "houses.onnx"]);
    expect(out).toContain("input    [batch, 6]: rooms, area, town=Bonn, town=Ulm, garden,");
    const model = await importOnnx(command.path("houses.onnx"));
    const days = Date.UTC(2020, 0, 12) / 86_400_000;
    const outputs = model.forward(tensor([[3, 20, 0, 1, 1, days]])) as ReturnType<typeof tensor>;
    const { events } = await command.events(
      ["predict", "houses", "-"],
      "rooms,area,town,garden,built\n3,20,Ulm,yes,2020-01-12\n",
    );
    // days since 1970 are 18,273: as float32 they keep 1e-3 of a day, of which the model sees a deviation of 2.6
    expect(difference(Array.from(await outputs.data()), outputsOf(events))).toBeLessThan(1e-3);
  });
});

describe("adjoint export of weights", () => {
  it("writes them as NPZ and safetensors, by the file's name or the format", async () => {
    const original = await loadSafetensors(command.path("flowers/model.safetensors"));
    expect((await command.run(["export", "flowers", "--to", "w.npz"])).out).toBe(
      "written  w.npz: 4 tensors, 0.weight, 0.bias, 2.weight, …\n",
    );
    expect((await command.run(["export", "flowers", "--format", "safetensors"])).code).toBe(0);
    const written = [
      await loadNpz(command.path("w.npz")),
      await loadSafetensors(command.path("flowers/weights.safetensors")),
    ];
    for (const tensors of written) {
      expect([...tensors.keys()].sort()).toEqual([...original.keys()].sort());
      for (const [name, value] of tensors)
        expect(await value.array()).toEqual(await original.get(name)?.array());
    }
  });

  it("refuses what only a computation has, and two names", async () => {
    for (const [args, message] of [
      [["--to", "w.npz", "-p"], "--probabilities is for the computation, which only --format onnx writes"],
      [["--to", "w.npz", "--batch", "2"], "--batch is for the computation"],
      [["--to", "a.onnx", "--out", "b.onnx"], "--out and --to are one option"],
    ] as const) {
      const { code, err } = await command.run(["export", "flowers", ...args]);
      expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    }
    expect(existsSync(command.path("a.onnx"))).toBe(false);
  });
});
