import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { layersOption, suggestion } from "../../src/cli/arguments.js";
import { confusionTable } from "../../src/cli/confusion-table.js";
import { duration, grouped, loss, percent } from "../../src/cli/output.js";
import { progressBar } from "../../src/cli/progress.js";

describe("suggestions", () => {
  it("are made for slips and not for other words", () => {
    const names = ["sigmoid", "tanh", "relu"];
    expect(suggestion("sigmod", names)).toBe(" (did you mean sigmoid?)");
    expect(suggestion("Tanh", names)).toBe(" (did you mean tanh?)");
    expect(suggestion("rleu", names)).toBe(" (did you mean relu?)");
    expect(suggestion("step", names)).toBe("");
    expect(suggestion("x", [])).toBe("");
  });
});

describe("layers", () => {
  it("are whole numbers with commas", () => {
    expect(layersOption("784, 30,10")).toEqual([784, 30, 10]);
    for (const text of ["", "3", "3,", "3,-1", "3,0", "3,1.5", "3;4", "3,1e2", `3,${"9".repeat(30)}`])
      expect(() => layersOption(text)).toThrow(expect.objectContaining({ code: "usage" }));
  });
});

describe("the confusion table", () => {
  const square = (size: number, f: (i: number, j: number) => number) =>
    Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => f(i, j)));

  it("has true classes as rows and predicted ones as columns", () => {
    expect(
      confusionTable(
        [
          [3, 1],
          [0, 4],
        ],
        ["no", "yes"],
      ),
    ).toBe(["true   no yes    right", "no      3   1   75.0 %", "yes     ·   4  100.0 %"].join("\n"));
  });

  it("is never wider than 80 columns", () => {
    for (const classes of [1, 2, 3, 5, 10, 12, 15, 20, 26, 100])
      for (const count of [1, 1000, 1_000_000])
        for (const length of [1, 4, 12, 60]) {
          const names = Array.from({ length: classes }, (_, i) => `${i}`.padEnd(length, "n"));
          const table = confusionTable(
            square(classes, (i, j) => (i === j ? count : i % 7)),
            names,
          );
          for (const line of table.split("\n"))
            expect(line.length, `${classes} ${count} ${length}\n${table}`).toBeLessThanOrEqual(80);
        }
  });

  it("keeps every count whole, and lists the commonest confusions where there is no room", () => {
    expect(
      confusionTable(
        square(10, (i, j) => 1000 + 10 * i + j),
        [],
      ),
    ).toContain("1099");
    const table = confusionTable(
      square(60, (i, j) => (i === 3 && j === 5 ? 12_345 : 0)),
      [],
    );
    expect(table).toContain("12345  3 taken for 5");
  });

  it("has a dash for a class without examples", () => {
    expect(
      confusionTable(
        [
          [1, 0],
          [0, 0],
        ],
        ["a", "b"],
      ),
    ).toMatch(/^b .*–$/m);
  });
});

describe("numbers for people", () => {
  it("are short and the same everywhere", () => {
    expect([0.12345, 12.3, 0, 1.5e-7, 1e6].map(loss)).toEqual([
      "0.1235",
      "12.3000",
      "0.0000",
      "1.500e-7",
      "1.000e+6",
    ]);
    expect([0.4123, 12.34, 59.99, 61, 3600, 7384].map(duration)).toEqual([
      "0.41 s",
      "12.3 s",
      "60.0 s",
      "1 min 1 s",
      "1 h 0 min",
      "2 h 3 min",
    ]);
    expect([999, 1000, 1234567].map(grouped)).toEqual(["999", "1,000", "1,234,567"]);
    expect(percent(0.92134)).toBe("92.13 %");
  });
});

describe("the progress bar", () => {
  const event = { epoch: 3, epochs: 30, batch: 55, batches: 100, step: 255, loss: 0.1234, seconds: 2 };
  /** What is drawn for one event on a terminal of so many columns. */
  const drawn = (columns: number): string => {
    let written = "";
    const stream = new Writable({
      write(chunk, _encoding, done) {
        written += String(chunk);
        done();
      },
    });
    const display = progressBar(
      Object.assign(stream, { isTTY: true, columns }) as unknown as NodeJS.WriteStream,
    );
    display.update(event);
    const line = /epoch .* left/.exec(written)?.[0] ?? "";
    display.clear();
    return line;
  };
  const cells = (line: string, mark: string): number => line.split(mark).length - 1;

  it("is as full in its first frame as the percentage beside it says", () => {
    const line = drawn(80);
    expect(line).toContain(" 55 %");
    const [full, empty] = [cells(line, "█"), cells(line, "░")];
    // whole cells: off by half a cell at most
    expect(Math.abs(full / (full + empty) - 0.55)).toBeLessThanOrEqual(0.5 / (full + empty));
  });

  it("takes what the terminal has, up to 80 columns", () => {
    const width = (columns: number) => cells(drawn(columns), "█") + cells(drawn(columns), "░");
    expect(drawn(60).length).toBeLessThan(60);
    expect(width(80) - width(70)).toBe(10);
    expect(width(200)).toBe(width(81));
    expect(width(20)).toBeGreaterThan(0);
  });

  it("is nothing where there is no terminal", () => {
    const stream = { isTTY: false, write: () => expect.fail("wrote") };
    progressBar(stream as unknown as NodeJS.WriteStream).update(event);
  });
});
