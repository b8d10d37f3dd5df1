/**
 * The claim of the README, run in full: the notes' network, 30 epochs from each of five seeds, reaches 94.5 % or more on the
 * test images, and an epoch takes under a second. Prints a table; fails where the claim does. About two minutes.
 *
 *     npm run seeds
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const command = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const wanted = { accuracy: 0.945, seconds: 1 };
const folder = mkdtempSync(join(tmpdir(), "adjoint-seeds-"));
let failed = false;
console.log("seed   after epoch 1   after epoch 30   median epoch");
try {
  for (const seed of [1, 2, 3, 4, 5]) {
    const out = join(folder, String(seed));
    const run = spawnSync(
      process.execPath,
      [command, "train", "mnist", "--seed", String(seed), "--out", out, "--json"],
      {
        encoding: "utf8",
        maxBuffer: 2 ** 26,
      },
    );
    if (run.status !== 0) throw new Error(run.stderr);
    const epochs = run.stdout
      .split("\n")
      .filter((line) => line.includes('"event":"epoch"'))
      .map((line) => JSON.parse(line));
    const accuracy = (epoch) => epochs[epoch - 1].validation.accuracy;
    const seconds = epochs.map((epoch) => epoch.seconds).sort((a, b) => a - b)[epochs.length >> 1];
    const percent = (value) => `${(100 * value).toFixed(2)} %`;
    console.log(
      `${String(seed).padEnd(4)}${percent(accuracy(1)).padStart(16)}${percent(accuracy(30)).padStart(17)}${`${seconds.toFixed(2)} s`.padStart(15)}`,
    );
    if (accuracy(30) < wanted.accuracy || seconds >= wanted.seconds) failed = true;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (failed) {
  console.error("a seed stays below 94.5 %, or an epoch takes a second or more");
  process.exit(1);
}
