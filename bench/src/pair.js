/** Two sides in alternation, so that what drifts in the machine drifts in both. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { loadNow } from "./machine.js";
import { commandOf, peerOf } from "./peers.js";
import { Side, Unavailable } from "./process.js";
import { disagreement, spread } from "./statistics.js";

/**
 * @typedef {import("./statistics.js").Spread} Spread
 *
 * @typedef {object} Row one line of the table
 * @property {string} item
 * @property {string} title
 * @property {string} peer
 * @property {string} peerName
 * @property {string} [oursName]
 * @property {string} kind
 * @property {number} threads
 * @property {string} blas whether ours might use one: auto or off
 * @property {number} [flops]
 * @property {import("./process.js").Facts} [oursFacts]
 * @property {import("./process.js").Facts} [theirFacts]
 * @property {Spread} [ours] seconds
 * @property {Spread} [theirs] seconds
 * @property {number} [ratio] of the medians, ours ÷ theirs
 * @property {Spread} [roundRatios] of the two neighbours of each round
 * @property {number[][]} [rounds] seconds, ours and theirs
 * @property {number[]} [repeats] runs within a round, ours and theirs
 * @property {number} load
 * @property {string} [skipped] why there is nothing to see
 * @property {boolean} failed whether something is wrong: results disagree, or our side failed
 * @property {string[]} notes
 */

/**
 * Seconds: how long each side runs before anything counts, how long one turn lasts at least, and what all rounds of a pair
 * may take.
 */
const full = { warmUp: 1, turn: 0.06, total: 40 };
const quick = { warmUp: 0.05, turn: 0.01, total: 2 };

/**
 * Milliseconds between turns where there are several threads: a thread pool spins before it sleeps (PyTorch with OpenBLAS for
 * 100 ms here, by its processor time), and would take a core from the other side.
 */
const settling = 150;

/** Fewer rounds than this, of all passes together, say nothing about the spread, however long they take. */
const fewestRounds = 5;
/** New processes for a first call, of all passes together. */
const firstCalls = 11;

/**
 * A share of the rounds of a pair: those of one pass.
 *
 * @param {{ item: import("./items.js").Item, files: import("./data.js").Files, peer: string, dist: string,
 *   directory: string, options: import("./options.js").Options, pass: number }} job
 * @returns {Promise<Row>}
 */
export async function measurePair({ item, files, peer, dist, directory, options, pass }) {
  /** Of so many rounds in all, those of this pass. @param {number} rounds */
  const share = (rounds) => Math.ceil(Math.min(options.rounds, rounds) / options.passes);
  const their = peerOf(peer);
  const threads = item.threads ?? options.threads;
  const settings = { threads, blas: options.blas, dist };
  // WebAssembly is measured against WebAssembly
  const blas = their.wasm || item.wasm === true ? "off" : options.blas;
  const commands = [
    commandOf(peerOf(item.ours ?? "adjoint"), { ...settings, blas }),
    commandOf(their, { ...settings, blas }),
  ];
  /** @type {Row} */
  const row = {
    item: item.name,
    title: item.title,
    peer,
    peerName: peer,
    flops: item.flops,
    kind: item.kind,
    threads,
    blas,
    load: loadNow(),
    failed: false,
    notes: [],
  };
  const theirItem = { ...item, network: item.theirNetwork ?? item.network };
  /** @type {Side[]} */
  const sides = [];
  /** Who is being asked, so that a failure is laid at the right door. */
  let asked = "adjoint";
  /** @param {number} index */
  const open = (index) => {
    const command = commands[index];
    if (typeof command === "string") throw new Unavailable(command);
    const side = new Side(command);
    sides.push(side);
    return side;
  };
  try {
    const pair = [];
    const paths = [];
    for (const index of [0, 1]) {
      asked = index === 0 ? "adjoint" : peer;
      const side = open(index);
      const about = await side.load(index === 0 ? item : theirItem, files);
      if (index === 0) row.oursName = about.name;
      else row.peerName = about.name;
      row.notes.push(...about.notes.map((note) => `${about.name}: ${note}`));
      paths.push(join(directory, `result-${index}.bin`));
      // bare products have no result to compare with ours
      if (comparable(item, peer)) await side.verify(paths[index]);
      pair.push(side);
    }
    if (comparable(item, peer)) {
      const [ours, theirs] = paths.map(readFloats);
      const difference = disagreement(ours, theirs, item.tolerance);
      if (difference !== undefined) {
        row.failed = true;
        row.skipped = `results disagree: ${difference}`;
        return row;
      }
      row.notes.push(...accuracyNote(item, ours, theirs));
    }
    if (threads > 1 && !their.threaded) row.notes.push(`${row.peerName}: one thread, it has no more here`);

    if (pass === 0 && item.kind === "step" && (peer === item.peers[0] || peer === "plain")) {
      row.oursFacts = await factsOf(pair[0], row);
      if (peer === "plain") row.theirFacts = await factsOf(pair[1], row);
    }

    const pace = options.quick ? quick : full;
    const rounds = [];
    const repeats = [1, 1];
    if (item.kind === "first-call") {
      // a first call happens once in the life of a process
      for (const side of sides.splice(0)) await side.close();
      for (let round = 0; round < share(firstCalls); round++) {
        const times = [];
        for (const index of [0, 1]) {
          asked = index === 0 ? "adjoint" : peer;
          const side = open(index);
          await side.load(item, files);
          times.push(await side.run(1));
          await side.close();
        }
        rounds.push(times);
      }
    } else {
      const once = item.kind === "epoch";
      for (const index of [0, 1]) {
        asked = index === 0 ? "adjoint" : peer;
        if (!once) repeats[index] = await warmUp(pair[index], pace);
      }
      const begun = performance.now();
      // an epoch is not warmed up but verified, so the first of a process are slower than the rest: all passes have as many
      const wanted = once ? Math.min(options.rounds, fewestRounds) : share(options.rounds);
      while (rounds.length < wanted) {
        const spent = (performance.now() - begun) / 1000;
        if (!once && spent > pace.total / options.passes && rounds.length >= share(fewestRounds)) break;
        const times = [];
        for (const index of [0, 1]) {
          asked = index === 0 ? "adjoint" : peer;
          if (threads > 1) await setTimeout(settling);
          times.push((await pair[index].run(repeats[index])) / repeats[index]);
        }
        rounds.push(times);
      }
    }
    row.repeats = repeats;
    Object.assign(row, summary(rounds));
    row.load = Math.max(row.load, loadNow());
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    row.failed = asked === "adjoint" && !error.expected;
    row.skipped = row.failed ? `adjoint failed: ${error.message}` : error.message;
  } finally {
    for (const side of sides) await side.close();
  }
  return row;
}

/** @param {number[][]} rounds seconds, ours and theirs */
function summary(rounds) {
  const ours = spread(rounds.map(([seconds]) => seconds));
  const theirs = spread(rounds.map(([, seconds]) => seconds));
  const roundRatios = spread(rounds.map(([mine, other]) => mine / other));
  return { rounds, ours, theirs, ratio: ours.median / theirs.median, roundRatios };
}

/**
 * Two passes of a pair as one: an engine, an allocator or a neighbour on the machine that is unlucky for minutes, or for the
 * life of a process, is then one of several.
 *
 * @param {Row} before of a pass that was measured
 * @param {Row} row
 * @returns {Row}
 */
export function pooled(before, row) {
  if (row.skipped !== undefined) return { ...before, failed: row.failed, skipped: row.skipped, ...nothing };
  const rounds = [...(before.rounds ?? []), ...(row.rounds ?? [])];
  const notes = [...new Set([...before.notes, ...row.notes])];
  return { ...before, load: Math.max(before.load, row.load), notes, ...summary(rounds) };
}

/** A pair that failed in one pass has no figures. */
const nothing = { ours: undefined, theirs: undefined, ratio: undefined, roundRatios: undefined };

/** Runs until warm, and says how many runs fill a turn. @param {Side} side @param {typeof full} pace */
async function warmUp(side, pace) {
  let times = 1;
  let spent = 0;
  let seconds = await side.run(1);
  while (spent + seconds < pace.warmUp) {
    spent += seconds;
    if (seconds < pace.turn) times = Math.ceil(times * Math.min(4, (1.2 * pace.turn) / seconds));
    seconds = await side.run(times);
  }
  return Math.max(1, Math.round((times * pace.turn) / seconds));
}

/** Matrix products alone stand beside a training step without being one. @param {import("./items.js").Item} item @param {string} peer */
const comparable = (item, peer) =>
  peer !== "ceiling" && (item.kind === "gemm" || (peer !== "cblas" && peer !== "own-gemms"));

/** What a side says of itself; where it cannot, a note says why. @param {Side} side @param {Row} row */
async function factsOf(side, row) {
  try {
    return await side.facts();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    row.notes.push(`no facts about memory: ${error.message}`);
    return undefined;
  }
}

/** @param {import("./items.js").Item} item @param {Float32Array} ours @param {Float32Array} theirs */
function accuracyNote(item, ours, theirs) {
  if (item.kind !== "epoch") return [];
  const percent = (/** @type {number} */ value) => `${(100 * value).toFixed(1)} %`;
  return [`accuracy on the test images after the epoch: ${percent(ours[0])}, theirs ${percent(theirs[0])}`];
}

/** @param {string} path */
function readFloats(path) {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
