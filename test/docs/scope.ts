/** What is in scope of every example: all exports of `adjoint`, and its other entry points as namespaces. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Modules } from "./run.js";

const namespaces = ["nn", "optim", "losses", "data", "io", "train", "explain"] as const;

/** The entry points, by the specifier users write. */
export async function entryPoints(): Promise<Modules> {
  const modules: Record<string, Record<string, unknown>> = { adjoint: await import("../../src/index.js") };
  for (const name of namespaces) {
    const path = fileURLToPath(new URL(`../../src/${name}/index.ts`, import.meta.url));
    if (existsSync(path)) modules[`adjoint/${name}`] = await import(path);
  }
  return modules;
}

/** The names an example may use without importing them. */
export function scopeOf(modules: Modules): Record<string, unknown> {
  const scope: Record<string, unknown> = { ...modules.adjoint };
  for (const [specifier, module] of Object.entries(modules)) {
    const name = specifier.split("/")[1];
    if (name !== undefined) scope[name] = module;
  }
  return scope;
}
