/**
 * The table of bad input: two lines a row.
 *
 *     matmul(ones([2, 3]), ones([4, 5]))                                             the call, in plain JavaScript
 *         shape-mismatch | matmul: inner dimensions differ: a [2, 3] … (3 ≠ 4)       its code, and its message; … is any text
 *
 * Plain text, because bad input is what TypeScript would refuse to write.
 */
import { readdirSync, readFileSync } from "node:fs";
import * as adjoint from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as train from "../../src/train/index.js";

export interface Row {
  readonly call: string;
  readonly code: string;
  readonly message: string;
}

const folder = new URL("./rows/", import.meta.url);

/** The names of the tables. */
export const tables: readonly string[] = readdirSync(folder).map((name) => name.replace(".txt", ""));

export function readRows(table: string): Row[] {
  const rows: Row[] = [];
  for (const line of readFileSync(new URL(`${table}.txt`, folder), "utf8").split("\n")) {
    if (line.trim() === "") continue;
    const [first, ...rest] = line.trim().split(" | ");
    if (!line.startsWith("    ")) rows.push({ call: line, code: "", message: "" });
    else rows.push({ ...takeLast(rows), code: first, message: rest.join(" | ") });
  }
  return rows;
}

function takeLast(rows: Row[]): Row {
  const row = rows.pop();
  if (row === undefined) throw new Error("a table starts with a call");
  return row;
}

/** What examples and rows see: every export by its name, and layers and training under theirs. */
const scope: Record<string, unknown> = { ...adjoint, adjoint, nn, train };
// `var` is a keyword: such a call is written adjoint.var(…)
const names = Object.keys(scope).filter((name) => name !== "var");

/** Runs a call written in JavaScript, with every export of adjoint in scope, and gives its value or rejects. */
export async function run(call: string): Promise<unknown> {
  const body = new Function(...names, `"use strict"; return (${call});`);
  return await body(...names.map((name) => scope[name]));
}

/** Runs statements the same way. */
export async function runStatements(code: string): Promise<unknown> {
  const body = new Function(...names, `"use strict"; return (async () => { ${code} })();`);
  return await body(...names.map((name) => scope[name]));
}

/** Are the parts of the pattern, between its …, in the message and in this order? The first must be its beginning. */
export function fits(message: string, pattern: string): boolean {
  let at = 0;
  for (const [i, part] of pattern.split("…").entries()) {
    const wanted = part.trim();
    const found = message.indexOf(wanted, at);
    if (found < 0 || (i === 0 && found !== 0)) return false;
    at = found + wanted.length;
  }
  return true;
}
