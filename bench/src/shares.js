/** What follows from several measurements: how near a step comes to what is possible, what memory it takes, how it grows. */
import { bytes, digits, duration, percent, table } from "./units.js";

/** @typedef {import("./pair.js").Row} Row */

/** The ceiling of 128-bit SIMD that the library was first planned with, in GFLOP/s a core. */
const plannedCeiling = 36;

/** @param {readonly Row[]} rows @param {string} item @param {string} peer */
const find = (rows, item, peer) =>
  rows.find((row) => row.item === item && row.peer === peer && row.ours !== undefined);

/** @param {Row | undefined} row @param {"ours" | "theirs"} side */
const rateOf = (row, side) =>
  row?.flops === undefined || row[side] === undefined ? undefined : row.flops / row[side].median / 1e9;

/** What this machine's products reach at best, in GFLOP/s: by its BLAS, and in WebAssembly. @param {readonly Row[]} rows */
export function peaksOf(rows) {
  return {
    blas: rateOf(find(rows, "gemm-512", "cblas"), "theirs"),
    wasm: rateOf(find(rows, "gemm-512-bare-1", "ceiling"), "theirs"),
    wasmTwo: rateOf(find(rows, "gemm-512-bare-2", "ceiling"), "theirs"),
  };
}

/** Steps beside their bare products, and products beside the ceiling. @param {readonly Row[]} rows @returns {string[]} */
export function shareTable(rows) {
  const peaks = peaksOf(rows);
  const cell = (/** @type {number | undefined} */ value, /** @type {(value: number) => string} */ write) =>
    value === undefined || !Number.isFinite(value) ? "–" : write(value);
  const lines = [];
  for (const row of rows) {
    if (row.kind !== "step" || row.ours === undefined || row.flops === undefined) continue;
    // those have tables of their own
    if (row.item.startsWith("growth-") || row.peer === "plain") continue;
    const alone = find(rows, row.item, "cblas");
    const own = find(rows, row.item, "own-gemms");
    // one line for each way of computing: the first peer's with BLAS, and the first in WebAssembly alone
    const first = rows.find(
      ({ item, blas, ours }) => item === row.item && blas === row.blas && ours !== undefined,
    );
    if (first !== row) continue;
    const withBlas = row.blas !== "off";
    const rate = row.flops / row.ours.median / 1e9;
    const peak = withBlas ? peaks.blas : peaks.wasm;
    lines.push([
      row.title,
      withBlas ? "BLAS" : "WebAssembly",
      duration(row.ours.median),
      cell(withBlas ? alone?.ratio : undefined, (ratio) => `${digits(ratio)} ×`),
      cell(withBlas && own?.theirs && own.ours ? own.theirs.median / own.ours.median : undefined, percent),
      digits(rate),
      cell(peak && row.threads === 1 ? rate / peak : undefined, percent),
    ]);
  }
  for (const row of rows) {
    if (row.peer !== "ceiling" || row.ours === undefined || row.theirs === undefined) continue;
    const rate = rateOf(row, "ours") ?? Number.NaN;
    const ofPlan = percent(rate / row.threads / plannedCeiling);
    lines.push([
      row.title,
      "WebAssembly",
      duration(row.ours.median),
      "–",
      "–",
      digits(rate),
      `${percent(row.theirs.median / row.ours.median)} (${ofPlan} of ${plannedCeiling} GFLOP/s a core)`,
    ]);
  }
  if (lines.length === 0) return [];
  return [
    "### How near to what is possible",
    "",
    `Peak: ${cell(peaks.blas, (peak) => `${digits(peak)} GFLOP/s, by the system's BLAS at 512³`)}; in WebAssembly ${cell(peaks.wasm, (peak) => `${digits(peak)}, the measured ceiling of 128-bit vectors`)}${cell(peaks.wasmTwo, (peak) => `, on two threads ${digits(peak)}`).replace("–", "")}.`,
    "",
    ...table(
      [
        "work",
        "by",
        "ours",
        "÷ bare products (cblas)",
        "own products' share of it",
        "GFLOP/s of the products",
        "of peak",
      ],
      lines,
    ),
    "",
  ];
}

/** Memory of each step that told it. @param {readonly Row[]} rows @returns {string[]} */
export function memoryTable(rows) {
  const lines = rows.flatMap(({ title, peer, oursFacts, threads }) => {
    // checkpoints have a table of their own
    if (oursFacts === undefined || peer === "plain" || threads > 1) return [];
    const { parameterBytes, optimizerBytes, staticBytes, arenaBytes, liveBytes } = oursFacts.memory;
    const peak = staticBytes + arenaBytes;
    const least = parameterBytes + optimizerBytes + liveBytes;
    return [
      [
        title,
        bytes(parameterBytes),
        bytes(optimizerBytes),
        bytes(liveBytes),
        bytes(peak),
        digits(peak / least),
      ],
    ];
  });
  if (lines.length === 0) return [];
  return [
    "### Memory of a step",
    "",
    ...table(["work", "parameters", "optimizer state", "alive at once", "peak", "peak ÷ their sum"], lines),
    "",
  ];
}

/** Steps of 1, 2 and 4 times the layers and the batch. @param {readonly Row[]} rows @returns {string[]} */
export function growthTable(rows) {
  const steps = rows.filter((row) => row.item.startsWith("growth-") && row.ours && row.oursFacts);
  if (steps.length === 0) return [];
  const lines = steps.map(({ title, flops, ours, oursFacts }) => {
    const { memory, firstCallSeconds } = /** @type {import("./process.js").Facts} */ (oursFacts);
    const seconds = ours?.median ?? Number.NaN;
    return [
      title,
      duration(firstCallSeconds),
      bytes(memory.staticBytes + memory.arenaBytes),
      `${digits((flops ?? 0) / 1e6)} MFLOP`,
      duration(seconds),
      digits((flops ?? 0) / seconds / 1e9),
    ];
  });
  return [
    "### Growth",
    "",
    "Four times the layers and four times the batch are sixteen times the operations; compile time should follow the layers, memory both.",
    "",
    ...table(["work", "first call", "peak memory", "products", "a step", "GFLOP/s"], lines),
    "",
  ];
}

/**
 * What checkpoints save and cost: in blocks of so many layers, or as a chain that keeps so many values.
 *
 * @param {readonly Row[]} rows
 */
export function checkpointPoints(rows) {
  return rows.flatMap(({ item, peer, ratio, oursFacts, theirFacts, ours, theirs }) => {
    if (peer !== "plain" || !ratio || !oursFacts || !theirFacts || !ours || !theirs) return [];
    const way = item.startsWith("checkpoint-chain-") ? "chain" : "blocks";
    return [
      {
        way,
        /** Layers in a block, or values kept. */
        count: Number(item.slice(item.lastIndexOf("-") + 1)),
        bytes: oursFacts.memory.arenaBytes,
        plainBytes: theirFacts.memory.arenaBytes,
        seconds: ours.median,
        plainSeconds: theirs.median,
        time: ratio,
        saved: theirFacts.memory.arenaBytes / oursFacts.memory.arenaBytes,
      },
    ];
  });
}

/** @param {{ way: string, count: number }} point */
export const checkpointName = ({ way, count }) =>
  way === "chain" ? `keep: ${count}` : count === 1 ? "every layer" : `every ${count} layers`;

/** @param {readonly Row[]} rows @returns {string[]} */
export function checkpointTable(rows) {
  const points = checkpointPoints(rows);
  if (points.length === 0) return [];
  const [{ plainBytes, plainSeconds }] = points;
  return [
    "### checkpoint() on 32 layers of 128, batch 1024",
    "",
    `Without: ${bytes(plainBytes)} of values between kernels, ${duration(plainSeconds)} a step.`,
    "",
    ...table(
      ["checkpoint", "values between kernels", "less by", "a step", "more by"],
      points.map((point) => [
        checkpointName(point),
        bytes(point.bytes),
        `${digits(point.saved)} ×`,
        duration(point.seconds),
        percent(point.time - 1),
      ]),
    ),
    "",
  ];
}
