#!/usr/bin/env node
/**
 * adjoint and its peers side by side: `npm run bench -- --help`. The table goes to the standard output, progress to the
 * standard error, and everything measured to results/latest.json and results/latest.md.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareData } from "./src/data.js";
import { itemList, selectItems } from "./src/items.js";
import { loadNow, machine } from "./src/machine.js";
import { help, readOptions, UsageError } from "./src/options.js";
import { measurePair, pooled } from "./src/pair.js";
import { peerNames } from "./src/peers.js";
import { markdown } from "./src/report.js";

const here = dirname(fileURLToPath(import.meta.url));

/** Lines of progress, and of what is missing. @param {string} line */
const say = (line) => process.stderr.write(`${line}\n`);

/** @param {ReturnType<typeof readOptions>} options */
function checkInstalled(options) {
  // npm runs scripts in the folder of the package, but a relative path is meant from where the user is
  const dist = resolve(process.env.INIT_CWD ?? ".", options.dist ?? join(here, "..", "dist"));
  if (!existsSync(join(dist, "index.js")))
    throw new UsageError(`no built package in ${dist}: run npm run build first, or name one with --dist`);
  const wanted = options.peers.filter((peer) => peer === "jax" || peer === "tfjs");
  if (wanted.length > 0 && !existsSync(join(here, "node_modules", "@jax-js", "jax"))) {
    say("bench: the JavaScript peers are not installed yet: npm ci --prefix bench");
    const installed = spawnSync("npm", ["ci", "--prefix", here], { stdio: ["ignore", 2, 2] });
    if (installed.status !== 0)
      say("bench: npm ci failed; jax and tfjs will be skipped, all other peers run");
  }
  return dist;
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return void process.stdout.write(help(peerNames()));
  if (options.list) return void process.stdout.write(itemList());
  const items = selectItems(options.items, options.quick);
  const dist = checkInstalled(options);
  const started = new Date().toISOString();
  const loadBefore = loadNow();
  const directory = mkdtempSync(join(tmpdir(), "adjoint-bench-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
  const pairs = items.flatMap((chosen) => {
    const item = options.quick ? { ...chosen, ...chosen.quick } : chosen;
    const peers = item.peers.filter((name) => options.peers.includes(name));
    return peers.map((peer) => ({ item, peer }));
  });
  /** @type {Map<string, import("./src/data.js").Files>} */
  const prepared = new Map();
  /** @param {import("./src/items.js").Item} item */
  const filesOf = (item) => {
    const files = prepared.get(item.name) ?? prepareData(item, directory);
    prepared.set(item.name, files);
    return files;
  };
  /** What the passes so far have measured, pair by pair. @type {(import("./src/pair.js").Row | undefined)[]} */
  const measured = pairs.map(() => undefined);
  for (let pass = 0; pass < options.passes; pass++) {
    if (options.passes > 1) say(`pass ${pass + 1} of ${options.passes}`);
    for (const [i, { item, peer }] of pairs.entries()) {
      const before = measured[i];
      // what could not be measured once is not tried again
      if (before?.skipped !== undefined) continue;
      say(`${item.name}: adjoint, ${peer} …`);
      const files = filesOf(item);
      const row = await measurePair({ item, files, peer, dist, directory, options, pass });
      if (row.skipped !== undefined) say(`  skipped: ${row.skipped}`);
      if (pass === 0) for (const note of row.notes) say(`  ${note}`);
      measured[i] = before === undefined ? row : pooled(before, row);
    }
  }
  const rows = measured.filter((row) => row !== undefined);
  const { threads, quick, blas, rounds, passes } = options;
  const loads = { before: loadBefore, highest: Math.max(loadBefore, ...rows.map((row) => row.load)) };
  const run = {
    started,
    finished: new Date().toISOString(),
    machine: machine(),
    options: { threads, quick, blas, rounds, passes },
    loads,
    rows,
  };
  const table = markdown(run);
  mkdirSync(join(here, "results"), { recursive: true });
  writeFileSync(join(here, "results", "latest.json"), `${JSON.stringify(run, null, 1)}\n`);
  writeFileSync(join(here, "results", "latest.md"), table);
  process.stdout.write(options.json ? `${JSON.stringify(run)}\n` : table);
  // a peer that is absent is no failure; results that disagree are
  if (rows.some((row) => row.failed)) process.exitCode = 1;
}

main().catch((error) => {
  say(`bench: ${error instanceof UsageError ? error.message : (error.stack ?? error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
