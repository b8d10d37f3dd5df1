/** What the figures rest on. Run by `npm --prefix bench test`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checkpointPlot } from "../src/checkpoint-plot.js";
import { itemList, selectItems } from "../src/items.js";
import { convolutionsOf, gemmsOf, parametersOf } from "../src/networks.js";
import { help, readOptions, UsageError } from "../src/options.js";
import { pooled } from "../src/pair.js";
import { peerNames } from "../src/peers.js";
import { withTables } from "../src/readme.js";
import { markdown, time } from "../src/report.js";
import { checkpointName, checkpointPoints, growthTable, memoryTable, shareTable } from "../src/shares.js";
import { disagreement, spread } from "../src/statistics.js";
import { targetTable } from "../src/targets.js";

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

test("passes are pooled round by round, and one that failed leaves no figures", () => {
  /** @param {number[][]} rounds @param {string} note */
  const row = (rounds, note) => ({
    ...{ item: "x", title: "x", peer: "torch", peerName: "PyTorch", kind: "step", threads: 1, blas: "auto" },
    ...{ load: rounds.length, failed: false, notes: ["both", note], rounds, repeats: [1, 1], ratio: 0.5 },
  });
  const [first, second] = [row([[1, 2]], "first"), row([[3, 4], [2, 6]], "second")]; // biome-ignore format: pairs
  const both = pooled(first, second);
  assert.deepEqual(both.rounds, [[1, 2], [3, 4], [2, 6]]); // biome-ignore format: pairs
  assert.equal(both.ours?.median, 2);
  assert.equal(both.theirs?.median, 4);
  assert.equal(both.ratio, 0.5);
  assert.equal(both.roundRatios?.median, 0.5);
  assert.equal(both.load, 2);
  assert.deepEqual(both.notes, ["both", "first", "second"]);
  const broken = pooled(first, { ...second, failed: true, skipped: "results disagree" });
  assert.equal(broken.skipped, "results disagree");
  assert.ok(broken.failed);
  assert.equal(broken.ratio, undefined);
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

test("convolutions are the products of their windows, and every shape follows from the image", () => {
  const network = {
    ...sigmoidNetwork,
    image: /** @type {const} */ ([1, 28, 28]),
    convolutions: [
      { channels: 6, size: 5, padding: 2, pool: true },
      { channels: 16, size: 5, padding: 0, pool: true },
    ],
    layers: [400, 10],
    batch: 2,
  };
  assert.deepEqual(
    convolutionsOf(network).map(({ inputs, rows, columns }) => [inputs, rows, columns]),
    [
      [1, 28, 28],
      [6, 10, 10],
    ],
  );
  assert.deepEqual(
    parametersOf(network).map(({ shape }) => shape),
    [
      [6, 1, 5, 5],
      [16, 6, 5, 5],
      [10, 400],
    ],
  );
  assert.deepEqual(gemmsOf(network).slice(0, 5), [
    [2 * 28 * 28, 25, 6],
    [6, 2 * 28 * 28, 25],
    [2 * 10 * 10, 150, 16],
    [16, 2 * 10 * 10, 150],
    [2 * 10 * 10, 16, 150],
  ]);
});

test("items are chosen by the beginning of their names, and a name that fits nothing is refused", () => {
  assert.deepEqual(
    selectItems(["gemm", "mlp-784-30"]).map(({ name }) => name),
    ["mlp-784-30-10-b10", "gemm-512", "gemm-512-bare-1", "gemm-512-bare-2"],
  );
  assert.throws(() => selectItems(["gem", "rnn"]), UsageError);
});

test("options out of range are refused", () => {
  for (const wrong of [
    ["--threads", "0"],
    ["--rounds", "x"],
    ["--passes", "0"],
    ["--peers", "numpy"],
    ["--blas", "on"],
    ["--fast"],
  ])
    assert.throws(() => readOptions(wrong), UsageError, wrong.join(" "));
  assert.equal(readOptions(["--quick"]).rounds, 3);
  assert.equal(readOptions([]).rounds, 24);
  assert.equal(readOptions(["--quick"]).passes, 1);
  assert.equal(readOptions([]).passes, 3);
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
    kind: "step",
    threads: 1,
    blas: "auto",
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
    options: { threads: 1, quick: false, blas: "auto", rounds: 3, passes: 1 },
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

/** A row of which only some matters. @param {Partial<import("../src/pair.js").Row>} parts @returns {import("../src/pair.js").Row} */
const rowOf = (parts) => ({
  item: "mlp-a",
  title: "A",
  peer: "torch",
  peerName: "PyTorch",
  kind: "step",
  threads: 1,
  blas: "auto",
  load: 1,
  failed: false,
  notes: [],
  ours: at(2e-3),
  theirs: at(4e-3),
  ratio: 0.5,
  flops: 1e8,
  ...parts,
});

/** @param {number} seconds */
const at = (seconds) => ({ median: seconds, lower: seconds, upper: seconds });

test("a step stands beside its bare products and beside the peak", () => {
  const product = { item: "gemm-512", kind: "gemm", blas: "off", flops: 2 * 512 ** 3 };
  const rows = [
    rowOf({}),
    rowOf({ peer: "cblas", theirs: at(1e-3), ratio: 2 }),
    rowOf({ ...product, peer: "cblas", theirs: at((2 * 512 ** 3) / 100e9) }),
    rowOf({
      ...product,
      item: "gemm-512-bare-1",
      title: "G",
      peer: "ceiling",
      ours: at(2e-3),
      theirs: at(1e-3),
    }),
  ];
  const text = shareTable(rows).join("\n");
  assert.match(text, /Peak: 100 GFLOP\/s/);
  // 10⁸ operations in 2 ms: 50 GFLOP/s, half of the peak
  assert.match(text, /\| A \| BLAS \| 2\.00 ms \| 2\.00 × \| – \| 50\.0 \| 50 % \|/);
  assert.match(text, /\| G \| WebAssembly \| .* \| 50 % \(373 % of 36 GFLOP\/s a core\) \|/);
});

test("memory is told beside what no program could do without, and checkpoints beside what they save", () => {
  const memory = {
    parameterBytes: 1000,
    optimizerBytes: 4,
    staticBytes: 1100,
    arenaBytes: 2000,
    liveBytes: 1996,
  };
  const facts = { firstCallSeconds: 0.02, memory };
  assert.match(
    memoryTable([rowOf({ oursFacts: facts })]).join("\n"),
    /\| A \| 1\.00 kB \| 4 B \| 2\.00 kB \| 3\.10 kB \| 1\.03 \|/,
  );
  assert.match(
    growthTable([rowOf({ item: "growth-1", oursFacts: facts })]).join("\n"),
    /\| A \| 20\.0 ms \| 3\.10 kB \| 100 MFLOP \| 2\.00 ms \| 50\.0 \|/,
  );
  const plain = { firstCallSeconds: 0.01, memory: { ...memory, arenaBytes: 8000 } };
  const rows = ["checkpoint-1", "checkpoint-4", "checkpoint-chain-3"].map((item) =>
    rowOf({ item, peer: "plain", oursFacts: facts, theirFacts: plain, ratio: 1.25 }),
  );
  const points = checkpointPoints(rows);
  assert.deepEqual(
    points.map((point) => [checkpointName(point), point.saved, point.time]),
    [
      ["every layer", 4, 1.25],
      ["every 4 layers", 4, 1.25],
      ["keep: 3", 4, 1.25],
    ],
  );
  // the best that is quick enough is judged
  const better = { ...facts, memory: { ...memory, arenaBytes: 1000 } };
  const text = targetTable([
    ...rows,
    rowOf({ item: "checkpoint-chain-2", peer: "plain", oursFacts: better, theirFacts: plain, ratio: 1.5 }),
  ]).join("\n");
  assert.match(text, /\| checkpoint\(\), every layer, memory \| without \| 0\.250 \| 0\.250 \| reached \|/);
  const plot = checkpointPlot(points);
  assert.match(plot, /^<svg [\s\S]*prefers-color-scheme: dark[\s\S]*<\/svg>\n$/);
  assert.doesNotMatch(plot, /NaN|undefined|Infinity/);
});

test("targets are those that were measured, and a miss says by how much", () => {
  const rows = [
    rowOf({ item: "mlp-784-30-10-b10", ratio: 0.25 }),
    rowOf({ item: "mlp-784-128-10-b64", title: "B", ratio: 0.5 }),
    rowOf({ item: "first-call-lenet", title: "C", kind: "first-call", ours: at(0.12) }),
  ];
  const text = targetTable(rows).join("\n");
  assert.match(text, /\| A \| PyTorch \| 0\.250 \| 0\.200 \| missed by 25 % \|/);
  assert.match(text, /\| B \| PyTorch \| 0\.500 \| 0\.556 \| reached \|/);
  assert.match(text, /\| C \| – \| 120 ms \| 150 ms \| reached \|/);
  assert.deepEqual(targetTable([]), []);
});

test("every target is one of an item and a peer that there are", () => {
  const text = readFileSync(new URL("../src/targets.js", import.meta.url), "utf8");
  const named = [...text.matchAll(/\["([\w-]+)", (?:"([\w-]+)", )?\d/g)].map(([, item, peer]) => ({
    item,
    peer,
  }));
  assert.ok(named.length > 30);
  for (const { item, peer } of named) {
    const [found] = selectItems([item]);
    assert.equal(found.name, item);
    if (peer !== undefined) assert.ok(found.peers.includes(peer), `${item} has no ${peer}`);
  }
});

test("tables are written between their markers, and nowhere else", () => {
  const run = {
    started: "2026-01-02T03:04:05Z",
    finished: "2026-01-02T03:05:05Z",
    machine: { processor: "P", cores: 2, memoryGiB: 4, node: "v20.0.0", platform: "linux x64" },
    options: { threads: 1, quick: false, blas: "auto", rounds: 3, passes: 1 },
    loads: { before: 0.2, highest: 0.6 },
    rows: [rowOf({})],
  };
  const text = "before\n<!-- bench:steps -->\nold\n<!-- /bench:steps -->\nafter\n";
  const written = withTables(text, run);
  assert.match(
    written,
    /^before\n<!-- bench:steps -->\n\| step [\s\S]*\| A \| 2\.00 ms \| 4\.00 ms \(0\.500\) \| – \| – \| – \|\n<!-- \/bench:steps -->\nafter\n$/,
  );
  assert.equal(withTables(written, run), written);
  assert.throws(
    () => withTables("<!-- bench:none -->\n<!-- /bench:none -->", run),
    /no table is called none/,
  );
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
