/** Names: of a function's arguments, of the tensors in them, and which of those a user means. */
import { AdjointError, type Tensor } from "../index.js";
import { invalidArgument } from "../util/checks.js";
import { formatReceived, formatShape } from "../util/errors.js";
import { latexText } from "../util/latex.js";
import type { Formula } from "./document.js";

/** Which derivative to explain: `"layers.1.weight[3,5]"`, or the path and the index apart. */
export type Of = string | { readonly path: string; readonly index?: readonly number[] };

/** Where a tensor is. */
export interface NamedLeaf {
  readonly argument: number;
  readonly path: string;
  readonly shape: readonly number[];
}

/** The names of the arguments: those given, else the function's own where its source tells, else x0, x1, … */
export function argumentNames(
  f: (...args: never) => unknown,
  count: number,
  given: readonly string[] = [],
): string[] {
  const own = parametersOf(Function.prototype.toString.call(f));
  return Array.from({ length: count }, (_, i) => {
    const name = given[i] ?? /^[\p{L}_$][\p{L}\p{N}_$]*/u.exec(own[i] ?? "")?.[0];
    return name ?? (count === 1 ? "x" : `x${i}`);
  });
}

/** The parameters of a function by its source: the text between the commas of its first brackets, outside of inner ones. */
function parametersOf(source: string): string[] {
  const single = /^(?:async\s+)?([\p{L}_$][\p{L}\p{N}_$]*)\s*=>/u.exec(source)?.[1];
  if (single !== undefined) return [single];
  const parameters: string[] = [""];
  let depth = 0;
  for (const character of source.slice(source.indexOf("("))) {
    if (")]}".includes(character)) depth--;
    if (depth === 0 && character === ")") break;
    if (depth === 1 && character === ",") parameters.push("");
    else if (depth > 0) parameters[parameters.length - 1] += character;
    if ("([{".includes(character)) depth++;
  }
  return parameters.map((parameter) => parameter.trim());
}

/** A name for each leaf: its path inside its argument where that is one, alone and unambiguous; else with the argument's name. */
export function leafNames(leaves: readonly NamedLeaf[], args: readonly string[]): string[] {
  const paths = leaves.map(({ path }) => path);
  return leaves.map(({ argument, path }) => {
    if (path === "") return args[argument];
    const isAlone = paths.filter((other) => other === path).length === 1 && !args.includes(path);
    return isAlone && !/^\d/.test(path) ? path : `${args[argument]}.${path}`;
  });
}

/** All that a leaf may be called. A Sequential's layers may be left out, as state dictionaries do. */
function aliasesOf(leaf: NamedLeaf, name: string, args: readonly string[]): string[] {
  const whole = leaf.path === "" ? args[leaf.argument] : `${args[leaf.argument]}.${leaf.path}`;
  const all = [name, leaf.path, whole];
  return [...all, ...all.map((alias) => alias.replace(/(^|\.)layers\./g, "$1"))].filter(
    (text) => text !== "",
  );
}

/** How alike two names are: the share of pairs of neighbouring letters they have in common (Dice 1945). */
function likeness(a: string, b: string): number {
  const pairs = (text: string): string[] =>
    Array.from({ length: Math.max(0, text.length - 1) }, (_, i) => text.slice(i, i + 2).toLowerCase());
  const left = pairs(a);
  const right = pairs(b);
  const rest = [...right];
  let common = 0;
  for (const pair of left) {
    const at = rest.indexOf(pair);
    if (at < 0) continue;
    rest.splice(at, 1);
    common++;
  }
  return (2 * common) / Math.max(1, left.length + right.length);
}

/**
 * Which leaf, and which element of it where that was said.
 * @throws AdjointError `invalid-argument` for a path there is not, offering the nearest; `index-out-of-range`
 */
export function resolveTarget(
  of: unknown,
  leaves: readonly NamedLeaf[],
  names: readonly string[],
  args: readonly string[],
): { leaf: number; index: readonly number[] | null } {
  const asked = typeof of === "string" ? { path: of } : of;
  if (typeof asked !== "object" || asked === null || !("path" in asked) || typeof asked.path !== "string")
    throw invalidArgument("explain", "of", 'a path such as "layers.1.weight[3,5]"', formatReceived(of));
  const known = leaves.map((leaf, i) => aliasesOf(leaf, names[i], args));
  const find = (path: string): number => known.findIndex((aliases) => aliases.includes(path));
  // brackets are an index into the tensor, or into a list on the way to it
  const text = asked.path.replace(/\[(\d+)\](?=\.)/g, ".$1");
  const base = text.replace(/(\[[^[\]]*\])+$/, "");
  const brackets = [...text.slice(base.length).matchAll(/\[([^[\]]*)\]/g)].map(([, inside]) => inside);
  for (let taken = 0; taken <= brackets.length; taken++) {
    const leaf = find([base, ...brackets.slice(0, taken)].join("."));
    if (leaf < 0) continue;
    const rest = brackets.slice(taken).flatMap((inside) => inside.split(",").map((part) => part.trim()));
    const given = "index" in asked && Array.isArray(asked.index) ? asked.index : rest.map(toNumber);
    return { leaf, index: checkIndex(given, leaves[leaf].shape, names[leaf]) };
  }
  const near = names
    .map((name, i) => ({ name, score: Math.max(...known[i].map((alias) => likeness(alias, base))) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, 3)
    .map(({ name }) => name);
  throw new AdjointError(
    "invalid-argument",
    `explain: there is no parameter ${JSON.stringify(base)}; the nearest ${near.length === 1 ? "is" : "are"} ${near.join(", ")}`,
    { operation: "explain", argument: "of", expected: names.slice(0, 20).join(" | "), received: base },
  );
}

function toNumber(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
}

function checkIndex(
  given: readonly unknown[],
  shape: readonly number[],
  name: string,
): readonly number[] | null {
  if (given.length === 0) return shape.length === 0 ? [] : null;
  const received = `[${given.join(", ")}]`;
  if (given.length !== shape.length)
    throw invalidArgument(
      "explain",
      `the index of ${name}`,
      `${shape.length} numbers for shape ${formatShape(shape)}`,
      received,
    );
  return given.map((at, axis) => {
    if (typeof at !== "number" || !Number.isInteger(at))
      throw invalidArgument("explain", `the index of ${name}`, "whole numbers", received);
    if (at < -shape[axis] || at >= shape[axis])
      throw new AdjointError(
        "index-out-of-range",
        `explain: index ${received} is outside ${name} of shape ${formatShape(shape)}: axis ${axis} has ${shape[axis]} elements`,
        {
          operation: "explain",
          argument: "of",
          expected: `${-shape[axis]} … ${shape[axis] - 1}`,
          received: String(at),
        },
      );
    return at < 0 ? at + shape[axis] : at;
  });
}

/** A name for formulas: one letter stays as it is, `w1` becomes w₁, a path is set upright. */
export function symbolOf(name: string): Formula {
  const indexed = /^(\p{L})(\d+)$/u.exec(name);
  if (indexed !== null) return { text: name, latex: `${indexed[1]}_{${indexed[2]}}` };
  if (/^\p{L}$/u.test(name)) return { text: name, latex: name };
  // any string may be a key in the user's tree
  return { text: name, latex: `\\texttt{${latexText(name)}}` };
}

/** The symbol of an element: `W1[0,2]`. */
export function elementSymbol({ text, latex }: Formula, index: readonly number[]): Formula {
  if (index.length === 0) return { text, latex };
  return { text: `${text}[${index.join(",")}]`, latex: `${latex}[${index.join(",")}]` };
}

/** The index of a flat position. */
export function unflatten(flat: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length);
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
}

/** The flat position of an index. */
export function flattenIndex(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((flat, at, axis) => flat * shape[axis] + at, 0);
}

/** Whether a value is a tensor of floating-point numbers. */
export function isFloat({ dtype }: Pick<Tensor, "dtype">): boolean {
  return dtype === "float32" || dtype === "float64";
}
