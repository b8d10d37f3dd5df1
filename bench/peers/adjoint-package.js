/** The build of this library that is measured: dist/, or what `--dist` names. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const dist = process.env.ADJOINT_BENCH_DIST ?? "";
const threads = Number(process.env.ADJOINT_BENCH_THREADS ?? 1);

/** A subpath export, such as nn. @param {string} name */
export const part = (name) => import(pathToFileURL(join(dist, name, "index.js")).href);

/** What is measured needs something that this build does not have. */
export class Absent extends Error {
  absent = true;
}

export const adjoint = await part(".");

const manifest = join(dist, "..", "package.json");
const version = existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : "";
/** @type {string[]} */
const notes = [];
if (typeof adjoint.setThreads === "function") adjoint.setThreads(threads);
else if (threads > 1) notes.push("one thread, this build has no setThreads");
notes.push(`adjoint's BLAS: ${await blasInUse()}; threads: ${await threadsInUse()}`);

/** What large products go to; a build without BLAS has no such file. */
async function blasInUse() {
  const file = join(dist, "backends", "blas", "library.js");
  if (!existsSync(file)) return "none";
  const { blas, reason } = (await import(pathToFileURL(file).href)).findBlas();
  return blas === undefined ? `none (${reason})` : blas.description;
}

/** As the build itself counts them. */
async function threadsInUse() {
  return typeof adjoint.threads === "function"
    ? adjoint.threads()
    : typeof adjoint.setThreads === "function"
      ? threads
      : 1;
}

export const identity = { name: `adjoint ${version}`.trim(), notes };
