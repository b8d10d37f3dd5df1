/** What was measured, for people. */
import { checkpointTable, growthTable, memoryTable, shareTable } from "./shares.js";
import { targetTable } from "./targets.js";
import { digits, unitOf } from "./units.js";

/**
 * @typedef {import("./pair.js").Row} Row
 * @typedef {import("./statistics.js").Spread} Spread
 *
 * @typedef {object} Run
 * @property {string} started
 * @property {string} finished
 * @property {ReturnType<typeof import("./machine.js").machine>} machine
 * @property {{ threads: number, quick: boolean, blas: string, rounds: number, passes: number }} options
 * @property {{ before: number, highest: number }} loads
 * @property {readonly Row[]} rows
 */

/** Above this someone else was computing: the measurement alone makes for a load of one. */
const quietLoad = 1.5;

/**
 * A time and its quartiles in the unit that fits: 48.2 µs (47.9–49.0).
 *
 * @param {Spread} seconds
 */
export function time({ median, lower, upper }) {
  const [unit, scale] = unitOf(median);
  return `${digits(median / scale)} ${unit} (${digits(lower / scale)}–${digits(upper / scale)})`;
}

/** @param {Row} row */
function line(row) {
  const { peerName, ours, theirs, ratio, roundRatios, flops } = row;
  const title = row.load > quietLoad && ours !== undefined ? `${row.title} †` : row.title;
  if (ours === undefined || theirs === undefined || ratio === undefined || roundRatios === undefined)
    return `| ${title} | – | ${peerName} | ${row.failed ? "**failed**" : "skipped"} | – | – |`;
  const ratios = `${digits(ratio)} (${digits(roundRatios.lower)}–${digits(roundRatios.upper)})`;
  const rate = (/** @type {Spread} */ side) => digits((flops ?? 0) / side.median / 1e9);
  const rates = flops === undefined ? "–" : `${rate(ours)} · ${rate(theirs)}`;
  return `| ${title} | ${time(ours)} | ${peerName} | ${time(theirs)} | ${ratios} | ${rates} |`;
}

/** @param {Run} run */
export function markdown({ started, machine, options, loads, rows }) {
  const { threads, quick, blas } = options;
  const ours = rows.find((row) => row.oursName !== undefined)?.oursName ?? "adjoint";
  const reasons = rows.flatMap((row) =>
    row.skipped === undefined ? [] : [`${row.title}, ${row.peerName}: ${row.skipped}`],
  );
  return [
    `${ours}, ${threads === 1 ? "one thread" : `${threads} threads`}, BLAS ${blas}${blas === "off" ? "" : " (off against WebAssembly)"}, on ${machine.processor} (${machine.cores} cores), Node ${machine.node.slice(1)}, ${started.slice(0, 16).replace("T", " ")} UTC.`,
    `Load average ${loads.before} before, at most ${loads.highest} during${loads.highest > quietLoad ? `: **where it was above ${quietLoad} (†) others were computing too**` : ""}.`,
    ...(quick ? ["**A quick run: a smoke test, no figures to quote.**"] : []),
    "",
    "| work | ours, median (quartiles) | peer | theirs, median (quartiles) | ours ÷ theirs (quartiles of the rounds) | GFLOP/s of the products, ours · theirs |",
    "|---|---|---|---|---|---|",
    ...rows.map(line),
    "",
    ...targetTable(rows),
    ...shareTable(rows),
    ...memoryTable(rows),
    ...growthTable(rows),
    ...checkpointTable(rows),
    ...[...reasons, ...notesOf(rows)].map((note) => `- ${note}`),
    "",
  ].join("\n");
}

/** Every note once, with the work it is about unless it is about all of a side's. @param {readonly Row[]} rows */
function notesOf(rows) {
  /** @type {Map<string, Set<string>>} */
  const titles = new Map();
  for (const { title, notes } of rows)
    for (const note of notes) titles.set(note, (titles.get(note) ?? new Set()).add(title));
  return [...titles].map(([note, about]) =>
    about.size > 2 ? `${note} (${about.size} items)` : `${[...about].join("; ")}: ${note}`,
  );
}
