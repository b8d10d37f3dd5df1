/** What the figures rest on. Run by `npm --prefix bench test`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gemmsOf, itemList, selectItems } from "../src/items.js";
import { help, readOptions, UsageError } from "../src/options.js";
import { peerNames } from "../src/peers.js";
import { markdown, time } from "../src/report.js";
import { disagreement, spread } from "../src/statistics.js";

test("median and quartiles are NumPy's, whatever the order", () => {
  // numpy.quantile([1, 2, 3, 10], [0.25, 0.5, 0.75]) → 1.75, 2.5, 4.75
  assert.deepEqual(spread([10, 2, 1, 3]), { median: 2.5, lower: 1.75, upper: 4.75 });
  assert.deepEqual(spread([7]), { median: 7, lower: 7, upper: 7 });
});

test("results disagree by more than the tolerance, by a NaN, or by their number", () => {
  assert.equal(disagreement([1, 2000], [1.0009, 2001], 1e-3), undefined);
  assert.match(disagreement([1, 2], [1, 2.01], 1e-3) ?? "", /number 1 of 2/);
  assert.match(disagreement([Number.NaN], [1], 1e-3) ?? "", /NaN/);
  assert.match(disagreement([1], [Number.NaN], 1e-3) ?? "", /NaN/);
  assert.match(disagreement([1], [1, 1], 1e-3) ?? "", /1 numbers against 2/);
});

test("a step has three products a layer, and two for the first", () => {
  assert.deepEqual(gemmsOf({ ...sigmoidNetwork, layers: [4, 3, 2], batch: 5 }), [
    [5, 4, 3],
    [3, 5, 4],
    [5, 3, 2],
    [2, 5, 3],
    [5, 2, 3],
  ]);
});

test("items are chosen by the beginning of their names, and a name that fits nothing is refused", () => {
  assert.deepEqual(
    selectItems(["gemm", "mlp-784-30"]).map(({ name }) => name),
    ["mlp-784-30-10-b10", "gemm-512"],
  );
  assert.throws(() => selectItems(["gem", "cnn"]), UsageError);
});

test("options out of range are refused", () => {
  for (const wrong of [
    ["--threads", "0"],
    ["--rounds", "x"],
    ["--peers", "numpy"],
    ["--blas", "on"],
    ["--fast"],
  ])
    assert.throws(() => readOptions(wrong), UsageError, wrong.join(" "));
  assert.equal(readOptions(["--quick"]).rounds, 3);
  assert.equal(readOptions([]).rounds, 25);
});

test("help fits 80 columns and names every peer", () => {
  const lines = help(peerNames()).split("\n");
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
  for (const name of peerNames()) assert.match(help(peerNames()), new RegExp(`\\b${name}\\b`));
  for (const line of itemList().split("\n")) assert.ok(line.length <= 80, line);
});

test("times have three digits and the unit that fits", () => {
  assert.equal(time({ median: 48.21e-6, lower: 47.9e-6, upper: 149e-6 }), "48.2 µs (47.9–149)");
  assert.equal(time({ median: 1.5e-3, lower: 1e-3, upper: 2e-3 }), "1.50 ms (1.00–2.00)");
  assert.equal(time({ median: 5, lower: 4, upper: 6.25 }), "5.00 s (4.00–6.25)");
});

test("the table has a line for each pair, says what is missing, and warns of a busy machine", () => {
  const row = {
    item: "a",
    title: "A",
    peer: "torch",
    peerName: "PyTorch",
    load: 1,
    failed: false,
    notes: [],
  };
  const seconds = { median: 1e-3, lower: 1e-3, upper: 1e-3 };
  const half = { median: 0.5, lower: 0.5, upper: 0.5 };
  const text = markdown({
    started: "2026-01-02T03:04:05Z",
    finished: "2026-01-02T03:05:05Z",
    machine: { processor: "P", cores: 2, memoryGiB: 4, node: "v20.0.0", platform: "linux x64" },
    options: { threads: 1, quick: false, blas: "auto", rounds: 3 },
    loads: { before: 0.2, highest: 1.6 },
    rows: [
      { ...row, title: "B", load: 1.6, ours: seconds, theirs: seconds, ratio: 1, roundRatios: half },
      {
        ...row,
        ours: seconds,
        theirs: { ...seconds, median: 2e-3 },
        ratio: 0.5,
        roundRatios: half,
        flops: 2e6,
      },
      { ...row, skipped: "it is not installed" },
    ],
  });
  assert.match(text, /\| A \| 1\.00 ms .* \| PyTorch \| 2\.00 ms .* \| 0\.500 .* \| 2\.00 · 1\.00 \|/);
  assert.match(text, /- A, PyTorch: it is not installed/);
  assert.match(text, /above 1\.5/);
  assert.match(text, /\| B † \|/);
});

test("both languages use the same batches and the same number of steps", () => {
  const python = readFileSync(new URL("../peers/data_files.py", import.meta.url), "utf8");
  const script = readFileSync(new URL("../src/items.js", import.meta.url), "utf8");
  const number = (/** @type {string} */ text, /** @type {RegExp} */ pattern) =>
    Number(pattern.exec(text)?.[1]);
  assert.equal(number(python, /BATCH_COUNT = (\d+)/), number(script, /batchCount = (\d+)/));
  assert.equal(number(python, /VERIFY_STEPS = (\d+)/), number(script, /verifySteps = (\d+)/));
});

/** @type {import("../src/items.js").Network} */
const sigmoidNetwork = {
  layers: [1, 1],
  batch: 1,
  activation: "sigmoid",
  loss: "quadratic",
  optimizer: "sgd",
  learningRate: 1,
};
