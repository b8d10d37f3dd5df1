#!/usr/bin/env node
/**
 * Writes what the last run measured into README.md and docs/performance.md, between their markers, and draws docs/checkpoint.svg:
 * `npm run bench`, then `node bench/readme.js`. With --print only to the standard output.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkpointPlot } from "./src/checkpoint-plot.js";
import { stepTable, withTables } from "./src/readme.js";
import { checkpointPoints } from "./src/shares.js";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..");
const results = join(here, "results", "latest.json");

if (!existsSync(results)) {
  process.stderr.write("bench: nothing measured yet: npm run bench\n");
  process.exit(1);
}
/** @type {import("./src/report.js").Run} */
const run = JSON.parse(readFileSync(results, "utf8"));
if (process.argv.includes("--print")) process.stdout.write(`${stepTable(run).join("\n")}\n`);
else {
  for (const name of ["README.md", "docs/performance.md"]) {
    const file = join(root, name);
    if (!existsSync(file)) continue;
    const before = readFileSync(file, "utf8");
    const after = withTables(before, run);
    if (after !== before) writeFileSync(file, after);
    process.stderr.write(`${name}: ${after === before ? "as it was" : "written"}\n`);
  }
  const points = checkpointPoints(run.rows);
  if (points.length > 1) {
    writeFileSync(join(root, "docs", "checkpoint.svg"), checkpointPlot(points));
    process.stderr.write("docs/checkpoint.svg: written\n");
  }
}
