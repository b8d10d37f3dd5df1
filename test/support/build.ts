/** The package as users get it, built apart from the working tree so that tests and people do not disturb each other. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A new empty folder; the caller removes it. */
export function temporaryFolder(purpose: string): string {
  return mkdtempSync(join(tmpdir(), `adjoint-${purpose}-`));
}

/** Runs a program to its end. @throws Error with all it printed unless it succeeds */
export function execute(command: string, args: readonly string[], cwd: string): string {
  const run = spawnSync(command, [...args], { cwd, encoding: "utf8", input: "", maxBuffer: 64 << 20 });
  if (run.error) throw run.error;
  if (run.status !== 0)
    throw new Error(`${command} ${args.join(" ")} exited with ${run.status}\n${run.stdout}${run.stderr}`);
  return run.stdout;
}

/** Builds the package into `folder`: dist/ and the files beside it. */
export function buildPackage(folder: string): void {
  mkdirSync(folder, { recursive: true });
  execute(process.execPath, [join(root, "scripts/build.js"), join(folder, "dist")], root);
  for (const file of ["package.json", "README.md", "LICENSE", "CHANGELOG.md"])
    copyFileSync(join(root, file), join(folder, file));
}

/** Packs a built package. @returns the tarball's path */
export function packPackage(folder: string): string {
  // built already: the scripts would build the working tree
  execute("npm", ["pack", "--ignore-scripts", "--silent"], folder);
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack left no tarball");
  return join(folder, tarball);
}
