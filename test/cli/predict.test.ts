/** `adjoint predict` on files and standard input: formats in and out, streams, and what it refuses. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tensor } from "../../src/index.js";
import { encodeNpy } from "../../src/io/index.js";
import { Command, flowers, numbers } from "./support.js";

let command: Command;
beforeAll(async () => {
  command = new Command("predict");
  writeFileSync(command.path("flowers.csv"), flowers(150));
  writeFileSync(command.path("numbers.csv"), numbers(120));
  const images = Array.from({ length: 40 }, (_, i) => [i % 2, 1 - (i % 2), (i % 5) / 5, 0.5]);
  const config = `import { Linear } from "adjoint/nn";
import { sgd } from "adjoint/optim";
import { arrays } from "adjoint/data";
export default {
  model: (key) => new Linear(4, 2, { key }),
  data: () => arrays(${JSON.stringify(images)}, ${JSON.stringify(images.map(([first]) => first))}, { classes: ["left", "right"] }),
  loss: "softmaxCrossEntropy",
  optimizer: sgd({ learningRate: 1 }),
  epochs: 20,
};
`;
  writeFileSync(command.path("sides.mjs"), config);
  const made = await Promise.all([
    command.run(["train", "flowers.csv", "--label", "kind", "--out", "flowers", "--epochs", "30"]),
    command.run(["train", "numbers.csv", "--target", "y", "--out", "numbers", "--epochs", "5"]),
    command.run(["train", "sides.mjs", "--out", "sides"]),
  ]);
  for (const { code, err } of made) expect([code, err]).toEqual([0, ""]);
});
afterAll(() => command.remove());

const three = "length,width\n0.2,2\n2.3,102\n4.1,3\n";

describe("what adjoint predict prints", () => {
  it("is a class a line, with --probabilities and its probability", async () => {
    const { out } = await command.run(["predict", "flowers", "-", "--probabilities"], three);
    expect(out).toMatch(/^rose (0\.[5-9]\d{3}|1\.0000)\ntulip [01]\.\d{4}\niris [01]\.\d{4}\n$/);
  });

  it("is CSV with a header and the probability of every class, which sum to 1", async () => {
    const { out } = await command.run(["predict", "flowers", "-", "-p", "--csv"], three);
    const [header, ...rows] = out.trimEnd().split("\n");
    expect(header).toBe("prediction,iris,rose,tulip");
    expect(rows.map((row) => row.split(",")[0])).toEqual(["rose", "tulip", "iris"]);
    for (const row of rows) {
      const probabilities = row.split(",").slice(1).map(Number);
      // of float64 logits' softmax: three roundings
      expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 14);
    }
  });

  it("is JSON with outputs and probabilities by class", async () => {
    const { events } = await command.events(["predict", "flowers", "-", "-p"], three);
    expect(events).toMatchObject([
      { row: 1, prediction: "rose" },
      { row: 2 },
      { row: 3, prediction: "iris" },
    ]);
    expect(Object.keys(events[0].probabilities as object)).toEqual(["iris", "rose", "tulip"]);
  });

  it("is numbers for a model of numbers, under their column's name in CSV", async () => {
    const { out } = await command.run(["predict", "numbers", "-", "--csv"], "a,b\n0.5,0.5\n");
    expect(out).toMatch(/^y\n-?\d[\d.e-]*\n$/);
    const refused = await command.run(["predict", "numbers", "-", "-p"], "a,b\n0.5,0.5\n");
    expect([refused.code, refused.err]).toEqual([
      2,
      "adjoint: --probabilities is for classes; numbers predicts numbers\n",
    ]);
  });

  it("is the same however the inputs are written: CSV, JSON, NPY, gzip, several files", async () => {
    const rows = [
      [1, 0, 0.2, 0.5],
      [0, 1, 0.4, 0.5],
    ];
    writeFileSync(command.path("in.csv"), `${rows.map((row) => row.join(",")).join("\n")}\n`);
    writeFileSync(command.path("headed.csv"), `a,b,c,d\n${rows.map((row) => row.join(",")).join("\n")}`);
    writeFileSync(command.path("in.jsonl"), `\n${rows.map((row) => JSON.stringify(row)).join("\n\n")}`);
    writeFileSync(
      command.path("nested.jsonl"),
      rows.map(([a, b, c, d]) => `[[${a},${b}],[${c},${d}]]`).join("\n"),
    );
    writeFileSync(command.path("in.npy"), encodeNpy(tensor(rows)));
    writeFileSync(command.path("in.csv.gz"), gzipSync(rows.map((row) => row.join(",")).join("\r\n")));
    const names = ["in.csv", "headed.csv", "in.jsonl", "nested.jsonl", "in.npy", "in.csv.gz"];
    const { out, err } = await command.run(["predict", "sides", ...names]);
    expect(err).toBe("");
    expect(out).toBe("right\nleft\n".repeat(names.length));
  });

  it("is for PNG images too, made as large as the model takes them, and none of a table", async () => {
    const { encode } = await import("fast-png");
    // 4 × 4 pixels, of which each quarter is one of the model's 2 × 2
    const quarters = (values: readonly number[]) =>
      Uint8Array.from({ length: 16 }, (_, i) => 255 * values[2 * (i >> 3) + ((i & 3) >> 1)]);
    const image = (values: readonly number[]) =>
      encode({ width: 4, height: 4, channels: 1, data: quarters(values) });
    writeFileSync(command.path("right.png"), image([1, 0, 0.2, 0.5]));
    writeFileSync(command.path("left.png"), image([0, 1, 0.4, 0.5]));
    const { out, err } = await command.run(["predict", "sides", "right.png", "left.png"]);
    expect([out, err]).toEqual(["right\nleft\n", ""]);
    const refused = await command.run(["predict", "flowers", "left.png"]);
    expect([refused.code, refused.err]).toEqual([
      1,
      "adjoint: left.png is an image; the model takes rows of a table\n",
    ]);
  });

  it("finds columns in JSON objects by name, and takes what is left out for missing", async () => {
    const text = '{"width": 2, "length": 0.2, "id": "x"}\n{"length": 4.1, "width": "3"}\n{"length": 4.1}\n';
    const { code, out, err } = await command.run(["predict", "flowers", "-"], text);
    expect([code, out]).toEqual([1, "rose\niris\n"]);
    expect(err).toBe(
      'adjoint: standard input, line 3, column "width": expected a finite number; in training none was missing, received an empty cell\n',
    );
  });
});

describe("a model of images", () => {
  it("takes pixels from 0 to 1, and refuses bytes rather than to answer wrongly", async () => {
    const header = [0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 2];
    const pixels = Array.from({ length: 16 }, (_, i) => ((i >> 2) % 2 === i % 2 ? 255 : 0));
    mkdirSync(command.path("tiny"));
    writeFileSync(command.path("tiny/train-images-idx3-ubyte"), Uint8Array.from([...header, ...pixels]));
    writeFileSync(
      command.path("tiny/train-labels-idx1-ubyte"),
      Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 0, 1]),
    );
    const trained = await command.run(["train", "tiny", "--out", "images", "--epochs", "2"]);
    expect([trained.code, trained.err]).toEqual([0, ""]);
    const images = (values: readonly number[]) => encodeNpy(tensor([[0, 1, 0, 1], values]));
    writeFileSync(command.path("bytes.npy"), images([0, 0, 255, 0]));
    writeFileSync(command.path("pixels.npy"), images([0, 0, 1, 0]));
    const right = await command.run(["predict", "images", "pixels.npy", "-"], "0,1,0,1\n1,0,1,0\n");
    expect([right.code, right.err, right.out.trim().split("\n").length]).toEqual([0, "", 4]);
    for (const [file, text, place] of [
      ["bytes.npy", "", "bytes.npy, input 2"],
      ["-", "0,0,0,0\n0,0,255,0\n", "standard input, line 2"],
      ["-", "[0,0,0,0]\n[0,0,255,0]\n", "standard input, line 2"],
    ]) {
      const { code, err } = await command.run(["predict", "images", file], text);
      expect([code, err]).toEqual([
        1,
        `adjoint: ${place}: pixels are numbers from 0 to 1, received 255; divide bytes by 255\n`,
      ]);
    }
  });

  it("names the file of an array that is refused", async () => {
    writeFileSync(command.path("cut.npy"), encodeNpy(tensor([[0, 1, 0, 1]])).subarray(0, 100));
    const { code, err } = await command.run(["predict", "sides", "cut.npy"]);
    expect([code, err]).toEqual([1, expect.stringMatching(/^adjoint: cut\.npy/)]);
  });
});

it.runIf(existsSync("/dev/full"))("a full disk behind standard output is one line, and code 1", async () => {
  const child = spawn(
    "sh",
    ["-c", 'exec "$0" "$1" predict flowers flowers.csv > /dev/full', process.execPath, command.main],
    {
      cwd: command.directory,
    },
  );
  let err = "";
  child.stderr.on("data", (part) => {
    err += part;
  });
  const [code] = await once(child, "close");
  expect([code, err]).toEqual([1, "adjoint: cannot write to standard output: the disk is full\n"]);
});

describe("a stream of inputs", () => {
  it("is answered line by line, before it ends", async () => {
    const { printed, write, ended } = command.interactive(["predict", "flowers", "-"]);
    write("length,width\n0.2,2\n");
    await printed("rose\n");
    write("2.3,1");
    write("02\n");
    await printed("rose\ntulip\n");
    write("4.1,3\n", true);
    expect(await ended).toMatchObject({ code: 0, out: "rose\ntulip\niris\n", err: "" });
  });

  it("that is long is never in memory, and a reader that leaves is no failure", async () => {
    const child = spawn(process.execPath, [command.main, "predict", "flowers", "-"], {
      cwd: command.directory,
    });
    let err = "";
    child.stderr.on("data", (part) => {
      err += part;
    });
    child.stdin.on("error", () => {});
    const feed = () => {
      // without an end: only the reader's leaving ends it
      while (child.stdin.writable && child.stdin.write("0.2,2\n".repeat(1000)));
    };
    child.stdin.write("length,width\n");
    child.stdin.on("drain", feed);
    feed();
    await once(child.stdout, "data");
    child.stdout.destroy();
    const [code] = await once(child, "close");
    expect([code, err]).toEqual([0, ""]);
  });

  it("that ends in the middle of a row is answered up to there", async () => {
    const { code, out, err } = await command.run(["predict", "flowers", "-"], "length,width\n0.2,2\n4.1");
    expect([code, out]).toEqual([1, "rose\n"]);
    expect(err).toBe("adjoint: standard input, line 3: expected 2 cells, as in the first line, received 1\n");
  });
});

describe("what adjoint predict refuses", () => {
  it.each([
    ["nothing at all", "flowers", "", "standard input, line 1: there are no rows of inputs"],
    ["a header alone", "flowers", "length,width\n", "standard input, line 1: there are no rows of inputs"],
    ["a column that is missing", "flowers", "length\n1\n", 'has no column "width" (an input)'],
    ["another number of cells", "sides", "1,2,3\n", "the model takes 4 numbers a row, received 3"],
    [
      "a word among numbers",
      "sides",
      "1,2,3,4\n1,2,x,4\n",
      'line 2: column 3: expected a finite number, received "x"',
    ],
    ["a quote that is not closed", "flowers", 'length,width\n1,"2\n', "a quoted cell is not closed"],
    [
      "JSON that is cut off",
      "sides",
      "[1,2,3,4]\n[1,2",
      "line 2: expected a value of JSON, all of it in this line",
    ],
    ["an array of another size", "sides", "[1,2,3]\n", "line 1: expected an array of 4 numbers"],
    ["an object for pixels", "sides", '{"a":1}\n', "line 1: expected an array of 4 numbers"],
    ["an array for columns", "flowers", "[1,2]\n", 'line 1: expected an object such as {"length": …}'],
    [
      "a cell that is a list",
      "flowers",
      '{"length":[1],"width":2}\n',
      'line 1: column "length": expected a text',
    ],
    ["bytes that are no text", "flowers", "length,width\n1,\u00ff2\n", ""],
  ])("%s", async (what, model, text, message) => {
    const input = what.startsWith("bytes") ? Buffer.from(text, "latin1") : text;
    const { code, err } = await command.run(["predict", model, "-"], input);
    expect(code).toBe(1);
    expect(err).toContain(message || "standard input is not UTF-8 text");
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });

  it("answers the rows before the one that is wrong", async () => {
    const { code, out, err } = await command.run(["predict", "flowers", "-"], `${three}oops,1\n0.2,2\n`);
    expect([code, out]).toEqual([1, "rose\ntulip\niris\n"]);
    expect(err).toContain('line 5, column "length": expected a finite number, received "oops"');
  });

  it("two formats at once, and a configuration file for a model that has none", async () => {
    expect((await command.run(["predict", "flowers", "-", "--csv", "--json"], three)).code).toBe(2);
    const { code, err } = await command.run(["predict", "flowers", "-", "--config", "sides.mjs"], three);
    expect([code, err]).toEqual([
      2,
      "adjoint: --config is for models of a configuration file; flowers holds its network itself\n",
    ]);
  });
});
