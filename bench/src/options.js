/** The command line. */
import { parseArgs } from "node:util";
import { peerNames } from "./peers.js";

/** The command line is wrong: exit code 2. */
export class UsageError extends Error {}

/** @typedef {ReturnType<typeof readOptions>} Options */

/**
 * @param {readonly string[]} args
 * @throws UsageError
 */
export function readOptions(args) {
  const { values, positionals } = parse(args);
  const quick = values.quick ?? false;
  return {
    items: positionals,
    peers: values.peers === undefined ? peerNames() : peerList(values.peers),
    threads: positive("--threads", values.threads ?? "1"),
    rounds: positive("--rounds", values.rounds ?? (quick ? "3" : "24")),
    passes: positive("--passes", values.passes ?? (quick ? "1" : "3")),
    blas: blasChoice(values.blas ?? "auto"),
    dist: values.dist,
    quick,
    json: values.json ?? false,
    list: values.list ?? false,
    help: values.help ?? false,
  };
}

/** @param {readonly string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        peers: { type: "string" },
        threads: { type: "string" },
        rounds: { type: "string" },
        passes: { type: "string" },
        blas: { type: "string" },
        dist: { type: "string" },
        quick: { type: "boolean" },
        json: { type: "boolean" },
        list: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}; --help lists the options`);
  }
}

/** @param {string} text */
function peerList(text) {
  const names = text.split(",").filter((name) => name !== "");
  const unknown = names.find((name) => !peerNames().includes(name));
  if (unknown !== undefined || names.length === 0)
    throw new UsageError(`--peers takes some of ${peerNames().join(",")}, received ${unknown ?? "none"}`);
  return names;
}

/** @param {string} option @param {string} text */
function positive(option, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`${option} takes an integer of at least 1, received ${text}`);
  return value;
}

/** @param {string} text */
function blasChoice(text) {
  if (text !== "auto" && text !== "off") throw new UsageError(`--blas takes auto or off, received ${text}`);
  return text;
}

/** Help in 80 columns. @param {readonly string[]} peers */
export function help(peers) {
  return `Usage: npm run bench -- [ITEM …] [options]

Measures adjoint (the built package in dist/) and its peers, in turn and
pairwise, a process for each side. Results must agree before anything is timed.
Writes bench/results/latest.json and latest.md, and the table to the standard
output. Without ITEM everything is measured, which takes some half an hour.

  ITEM             an item, a group (mlp, adam, threads, cnn, gemm, function,
                   first-call, growth, checkpoint, epoch) or the beginning of a
                   name; --list shows them all

Options
  --peers LIST     only these, separated by commas:
                   ${peers.join(",")}
  --threads N      threads of both sides, where they can have more (default 1);
                   the items of group threads have two in any case
  --rounds N       how often the two sides alternate (default 24, quick: 3)
  --passes N       in how many passes over all items, each with new processes,
                   the rounds are made (default 3, quick: 1)
  --blas CHOICE    auto (default) or off: may adjoint use a system BLAS? It
                   never does against a peer that is WebAssembly too
  --dist DIR       another build of adjoint
  --quick          a smoke test of a minute or two, no figures to quote; without
                   ITEM the long ones are left out
  --json           the results as one line of JSON instead of the table
  --list           the items
  -h, --help       this

Exit codes: 0 done (an absent peer is skipped, with a notice), 1 results
disagree or a side failed, 2 the command line is wrong.
`;
}
