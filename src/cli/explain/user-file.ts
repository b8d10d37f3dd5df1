/**
 * A file of the user's that exports a function and the point to explain it at. JavaScript is run as it is; so is TypeScript
 * where Node takes the types off by itself, else a compiler that is installed beside the file does.
 */
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { AdjointError, type Tensor, type TensorData, tensor } from "../../index.js";
import { usage } from "../arguments.js";
import type { Subject } from "./subject.js";

/** Characters of another program's message that are passed on. */
const longestMessage = 240;

const scripts = /\.[cm]?[jt]s$/;

/** Is it a file of JavaScript or TypeScript, by its name? */
export function isScript(what: string): boolean {
  return scripts.test(what);
}

type AnyFunction = (...args: never[]) => unknown;

/** Names by which the function is known among several exports. */
const functionNames = ["default", "cost", "loss", "f"];

/**
 * The function of a file: its default export, or `cost`, `loss` or `f`, or the only function there is; and its exports `args`
 * (an array, or a function that returns one), `of` and `names`, as explain takes them.
 *
 * @param given arguments of the command line, instead of those exported
 * @throws AdjointError `file-not-found`, `file-format` where it cannot be loaded, `usage` where the function or its
 * arguments are missing
 */
export async function userSubject(path: string, given: readonly unknown[] | undefined): Promise<Subject> {
  if (!existsSync(path)) throw new AdjointError("file-not-found", `there is no file ${path}`, { file: path });
  const exported = await load(path);
  const f = functionIn(exported, path);
  const args = given === undefined ? await argumentsIn(exported, f, path) : given.map(asTensor);
  const { of, names } = exported;
  if (of !== undefined && typeof of !== "string")
    throw usage(`${path}: its export of must be a text, such as "w[0]"`, "WHAT");
  if (names !== undefined && !(Array.isArray(names) && names.every((name) => typeof name === "string")))
    throw usage(`${path}: its export names must be a list of texts`, "WHAT");
  return {
    f,
    args,
    about: [`${path}${f.name === "" || f.name === "default" ? "" : `: ${f.name}`}`],
    hasPlaces: true,
    ...(of === undefined ? {} : { of }),
    ...(names === undefined ? {} : { names: names as readonly string[] }),
  };
}

/** A number or nested list of the command line, in float64. */
function asTensor(value: unknown): Tensor {
  return tensor(value as TensorData, { dtype: "float64" });
}

type Exports = Readonly<Record<string, unknown>>;

async function load(path: string): Promise<Exports> {
  const file = resolve(path);
  const hooks = new URL("./user-hooks.js", import.meta.url);
  // not there where this runs as TypeScript itself, in tests
  if (existsSync(hooks)) {
    nodeModule.register(hooks.href, {
      data: { home: new URL("../../", import.meta.url).href, file: pathToFileURL(file).href },
    });
    // places in compiled TypeScript are those of the user's lines
    process.setSourceMapsEnabled(true);
  }
  try {
    return (await import(pathToFileURL(file).href)) as Exports;
  } catch (cause) {
    if (cause instanceof AdjointError) throw cause;
    const message = cause instanceof Error ? `${nameOf(cause)}${cause.message}` : String(cause);
    throw new AdjointError(
      "file-format",
      `${path} cannot be loaded: ${oneLine(message)}`,
      { file: path },
      { cause },
    );
  }
}

/** What a compiler draws in colour over many lines, as the beginning of one. */
function oneLine(message: string): string {
  const text = stripVTControlCharacters(message).replace(/\s+/g, " ").trim();
  return text.length > longestMessage ? `${text.slice(0, longestMessage - 1)}…` : text;
}

/** A SyntaxError says so; the hooks' own refusals are whole sentences. */
function nameOf({ name }: Error): string {
  return name === "Error" ? "" : `${name}: `;
}

function functionIn(exported: Exports, path: string): AnyFunction {
  const isFunction = (value: unknown): value is AnyFunction => typeof value === "function";
  for (const name of functionNames) {
    const value = exported[name];
    if (isFunction(value)) return value;
  }
  const others = Object.entries(exported).filter(
    (entry): entry is [string, AnyFunction] => entry[0] !== "args" && isFunction(entry[1]),
  );
  if (others.length === 1) return others[0][1];
  const found = others.map(([name]) => name).join(", ");
  throw usage(
    others.length === 0
      ? `${path} exports no function; write export default (w) => …, which returns a scalar tensor`
      : `${path} exports several functions (${found}); export the one to explain as default`,
    "WHAT",
  );
}

async function argumentsIn(exported: Exports, f: AnyFunction, path: string): Promise<readonly unknown[]> {
  const { args } = exported;
  const list: unknown = typeof args === "function" ? await args() : args;
  if (Array.isArray(list)) return list as unknown[];
  if (list === undefined && f.length === 0) return [];
  throw usage(
    `${path} does not say where to explain its function: export const args = […] with its ${f.length === 1 ? "argument" : `${f.length} arguments`}, or give --args '[…]'`,
    "--args",
  );
}
