/** What is meant to be reached, and by how much it is or is not. */
import { checkpointName, checkpointPoints } from "./shares.js";
import { digits, table } from "./units.js";

/** @typedef {import("./pair.js").Row} Row */

/** Ratios of medians, ours ÷ theirs, at most. @type {readonly (readonly [item: string, peer: string, most: number])[]} */
const ratios = [
  ["mlp-784-30-10-b10", "torch", 1 / 5],
  ["mlp-784-128-10-b64", "torch", 1 / 1.8],
  ["mlp-784-256-128-10-b128", "torch", 1 / 1.4],
  ["mlp-784-1024-1024-10-b256", "torch", 1 / 1.15],
  ["adam-784-128-10-b64", "torch", 1 / 2.2],
  ["adam-784-256-128-10-b128", "torch", 1 / 1.7],
  ["adam-784-1024-1024-10-b256", "torch", 1 / 1.3],
  ["threads-784-30-10-b10", "torch", 1 / 5],
  ["threads-784-128-10-b64", "torch", 1 / 2],
  ["threads-784-256-128-10-b128", "torch", 1 / 1.8],
  ["threads-784-1024-1024-10-b256", "torch", 1 / 1.2],
  ["mlp-784-30-10-b10", "cblas", 2.5],
  ["mlp-784-128-10-b64", "cblas", 1.4],
  ["mlp-784-256-128-10-b128", "cblas", 1.25],
  ["mlp-784-1024-1024-10-b256", "cblas", 1.15],
  ["mlp-784-256-128-10-b128", "jax", 1 / 1.8],
  ["mlp-784-256-128-10-b128", "tfjs", 1 / 12],
  ["gemm-512-bare-1", "ceiling", 1 / 0.85],
  ["gemm-512-bare-2", "ceiling", 1 / 0.8],
  ["cnn-lenet", "torch", 1 / 1.5],
  ["cnn-cnn", "torch", 1 / 1.2],
  ["function-tanh", "torch", 1],
  ["function-tanh-disposed", "torch", 1],
  ["function-exp", "torch", 1],
  ["function-exp-disposed", "torch", 1],
  ["function-gelu", "torch", 1],
  ["function-gelu-disposed", "torch", 1],
  ["function-softmax", "torch", 1],
  ["function-softmax-disposed", "torch", 1],
  ["function-layer-norm", "torch", 1],
  ["function-layer-norm-disposed", "torch", 1],
  ["epoch", "book", 1 / 25],
];

/** Seconds of a first call, at most. @type {readonly (readonly [item: string, seconds: number])[]} */
const firstCalls = [
  ["first-call-784-30-10-b10", 0.06],
  ["first-call-784-256-128-10-b128", 0.06],
  ["first-call-lenet", 0.15],
  ["first-call-cnn", 0.15],
];

/** Peak memory over parameters, optimizer state and what is alive at once, at most. */
const mostMemory = 1.3;
/** What checkpoints of some kind save at least, and cost at most. */
const checkpoints = { saved: 4, time: 1.4 };

/** @param {string} work @param {string} against @param {number} value @param {number} most @param {(value: number) => string} [write] */
function line(work, against, value, most, write = digits) {
  const verdict = value <= most ? "reached" : `missed by ${((value / most - 1) * 100).toFixed(0)} %`;
  return [work, against, write(value), write(most), verdict];
}

/** Every target that was measured, and whether it is reached. @param {readonly Row[]} rows @returns {string[]} */
export function targetTable(rows) {
  const find = (/** @type {string} */ item, /** @type {string | undefined} */ peer) =>
    rows.find(
      (row) => row.item === item && (peer === undefined || row.peer === peer) && row.ratio !== undefined,
    );
  const lines = ratios.flatMap(([item, peer, most]) => {
    const row = find(item, peer);
    return row?.ratio === undefined ? [] : [line(row.title, row.peerName, row.ratio, most)];
  });
  for (const [item, most] of firstCalls) {
    const row = find(item, undefined);
    if (row?.ours)
      lines.push(line(row.title, "–", row.ours.median, most, (seconds) => `${digits(1000 * seconds)} ms`));
  }
  for (const { title, peer, threads, oursFacts } of rows) {
    if (oursFacts === undefined || peer === "plain" || threads > 1) continue;
    const { parameterBytes, optimizerBytes, staticBytes, arenaBytes, liveBytes } = oursFacts.memory;
    const least = parameterBytes + optimizerBytes + liveBytes;
    lines.push(line(`memory, ${title}`, "what it needs", (staticBytes + arenaBytes) / least, mostMemory));
  }
  const points = checkpointPoints(rows);
  if (points.length > 0) {
    const affordable = points.filter(({ time }) => time <= checkpoints.time);
    const best = (affordable.length > 0 ? affordable : points).reduce((a, b) => (b.saved > a.saved ? b : a));
    const work = `checkpoint(), ${checkpointName(best)}`;
    lines.push(line(`${work}, memory`, "without", 1 / best.saved, 1 / checkpoints.saved));
    lines.push(line(`${work}, time`, "without", best.time, checkpoints.time));
  }
  if (lines.length === 0) return [];
  return ["### Targets", "", ...table(["work", "against", "measured", "at most", ""], lines), ""];
}
