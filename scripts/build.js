/**
 * Builds the package: `node scripts/build.js [DIRECTORY/dist]` empties the directory (default dist/ here) and
 * compiles src/ into it. Runs on `npm ci` through the `prepare` script, so it needs nothing but TypeScript.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const target = resolve(process.argv[2] ?? join(root, "dist"));
// what is emptied is always called dist: a mistyped argument must not cost anyone their files
if (basename(target) !== "dist") {
  console.error(`build: the directory to empty and fill must be called dist, received ${target}`);
  process.exit(1);
}
rmSync(target, { recursive: true, force: true });

const compiler = join(
  dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin",
  "tsc",
);
const compiled = spawnSync(
  process.execPath,
  [compiler, "-p", join(root, "tsconfig.build.json"), "--outDir", target],
  {
    stdio: "inherit",
    cwd: root,
  },
);

// npm links the command as it is, and a link to a file that may not be executed is refused by the shell
const command = join(target, "cli", "main.js");
if (existsSync(command)) chmodSync(command, 0o755);
process.exit(compiled.status ?? 1);
