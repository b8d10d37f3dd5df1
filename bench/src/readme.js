/** Tables of README.md and docs/ from what was measured, between the markers `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`. */
import { checkpointTable, growthTable, memoryTable, shareTable } from "./shares.js";
import { digits, duration, table } from "./units.js";

/**
 * @typedef {import("./pair.js").Row} Row
 * @typedef {import("./report.js").Run} Run
 */

const plot = "![Memory over time of a step of 32 layers, by what checkpoint() keeps](checkpoint.svg)";

/** @param {readonly Row[]} rows @param {string} item @param {string} peer */
const find = (rows, item, peer) => rows.find((row) => row.item === item && row.peer === peer && row.ours);

/** Their time, and in brackets ours over theirs. @param {Row | undefined} row */
const theirs = (row) =>
  row?.theirs && row.ratio ? `${duration(row.theirs.median)} (${digits(row.ratio)})` : "–";
/** @param {Row | undefined} row */
const ours = (row) => (row?.ours ? duration(row.ours.median) : "–");

/** @param {readonly Row[]} rows @param {(item: string) => boolean} wanted */
function itemsOf(rows, wanted) {
  const titles = new Map(rows.filter(({ item }) => wanted(item)).map(({ item, title }) => [item, title]));
  return [...titles];
}

/** One line for each training step: with BLAS beside PyTorch, in WebAssembly beside those that are. @param {Run} run */
export function stepTable({ rows }) {
  const isStep = (/** @type {string} */ item) => /^(mlp|adam|cnn|threads)-/.test(item);
  return table(
    ["step", "adjoint, BLAS", "PyTorch", "adjoint, wasm", "jax-js", "TensorFlow.js"],
    itemsOf(rows, isStep).map(([item, title]) => {
      const [torch, jax, tfjs] = ["torch", "jax", "tfjs"].map((peer) => find(rows, item, peer));
      return [title, ours(torch), theirs(torch), ours(jax ?? tfjs), theirs(jax), theirs(tfjs)];
    }),
  );
}

/** Everything else that is measured in pairs. @param {Run} run */
export function otherTable({ rows }) {
  const isOther = (/** @type {string} */ item) => /^(gemm|function|first-call|epoch)/.test(item);
  return table(
    ["work", "adjoint", "beside", "theirs (ours ÷ theirs)"],
    rows
      .filter((row) => isOther(row.item) && row.ours)
      .map((row) => [row.title, ours(row), row.peerName, theirs(row)]),
  );
}

/** Where and when. @param {Run} run */
export function setting({ machine, started, loads, options }) {
  const { processor, cores, node } = machine;
  const quick = options.quick ? " A quick run: no figures to quote." : "";
  return [
    `${processor}, ${cores} cores, Node ${node.slice(1)}, ${started.slice(0, 10)}; load average at most ${loads.highest}.${quick}`,
  ];
}

/**
 * The text with every marked part replaced; what has no marker is left out.
 *
 * @param {string} text
 * @param {Run} run
 * @throws Error for a marker that no table is called
 */
export function withTables(text, run) {
  /** @type {Readonly<Record<string, () => readonly string[]>>} */
  const parts = {
    setting: () => setting(run),
    steps: () => stepTable(run),
    others: () => otherTable(run),
    shares: () => shareTable(run.rows),
    memory: () => memoryTable(run.rows),
    growth: () => growthTable(run.rows),
    // the plot is drawn from the same rows
    checkpoint: () => {
      const lines = checkpointTable(run.rows);
      return lines.length === 0 ? [] : [...lines, plot];
    },
  };
  return text.replace(
    /<!-- bench:([a-z]+) -->\n[\s\S]*?<!-- \/bench:\1 -->/g,
    (_whole, /** @type {string} */ name) => {
      const part = parts[name];
      if (part === undefined)
        throw new Error(`bench: no table is called ${name}; there are ${Object.keys(parts).join(", ")}`);
      const lines = part().filter((line, i, all) => line !== "" || i < all.length - 1);
      return `<!-- bench:${name} -->\n${lines.length > 0 ? lines.join("\n") : "Not measured in this run."}\n<!-- /bench:${name} -->`;
    },
  );
}
