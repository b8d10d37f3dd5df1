/**
 * Files of the user's that are run: JavaScript as it is, and TypeScript, whose types Node takes off by itself or a compiler
 * does that is installed beside the file. What goes wrong in them is said with the user's line.
 */
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { AdjointError } from "../index.js";
import type { HooksData } from "./user-hooks.js";

/** Characters of another program's message that are passed on. */
const longestMessage = 240;

/** Calls of an error's stack that are kept: below a user's line may lie a good many of the library's. */
const stackDepth = 100;

const scripts = /\.[cm]?[jt]s$/;

/** Is it a file of JavaScript or TypeScript, by its name? */
export function isScript(what: string): boolean {
  return scripts.test(what);
}

/** What a file exports. */
export type Exports = Readonly<Record<string, unknown>>;

/** The directory the library is in. */
const home = new URL("../", import.meta.url);

/**
 * Runs a file and gives what it exports.
 *
 * @param source run instead of what the file holds now, with the file's place for what it imports
 * @throws AdjointError `file-not-found`, `file-format` where it cannot be loaded, and what the library throws in it
 */
export async function importUserModule(path: string, source?: string): Promise<Exports> {
  if (source === undefined && !existsSync(path))
    throw new AdjointError("file-not-found", `there is no file ${path}`, { file: path });
  const url = pathToFileURL(resolve(path)).href;
  const hooks = new URL("./user-hooks.js", import.meta.url);
  // not there where this runs as TypeScript itself, in tests
  if (existsSync(hooks)) {
    const data: HooksData = {
      home: home.href,
      ...(source === undefined ? {} : { standIn: { url, source } }),
    };
    nodeModule.register(hooks.href, { data });
    // places in compiled TypeScript are those of the user's lines
    process.setSourceMapsEnabled(true);
  }
  Error.stackTraceLimit = stackDepth;
  try {
    return (await import(url)) as Exports;
  } catch (cause) {
    if (cause instanceof AdjointError) throw withUserPlace(cause, path);
    const message = cause instanceof Error ? `${nameOf(cause)}${cause.message}` : String(cause);
    const place = placeOf(cause);
    throw new AdjointError(
      "file-format",
      `${path} cannot be loaded: ${place === undefined || message.includes(place) ? "" : `${place}: `}${oneLine(message)}`,
      { file: path },
      { cause },
    );
  }
}

/**
 * Runs code of the user's; what it throws names the line of a file of theirs, where one took part, or else the file.
 * @throws AdjointError the library's own with the place in front, `user-code` for everything else
 */
export async function runUserCode<R>(file: string, run: () => R | Promise<R>): Promise<R> {
  try {
    return await run();
  } catch (error) {
    throw withUserPlace(error, file);
  }
}

/** The error with `config.ts:12: ` in front of its message. */
function withUserPlace(error: unknown, file: string): unknown {
  const place = placeOf(error) ?? file;
  if (error instanceof AdjointError) {
    if (error.message.startsWith(place)) return error;
    return new AdjointError(error.code, `${place}: ${error.message}`, error.details, { cause: error });
  }
  const message = error instanceof Error ? `${nameOf(error)}${error.message}` : String(error);
  return new AdjointError("user-code", `${place}: ${oneLine(message)}`, {}, { cause: error });
}

/** `config.ts:12`, of the innermost call in a file that is neither the library's nor a package's nor Node's. */
function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // a file that does not parse is named before the message, all others in the calls after it
  const [first, ...lines] = (error.stack ?? "").split("\n");
  const calls = [
    ...(first.startsWith("file:") ? [first] : []),
    ...lines.filter((line) => /^\s+at /.test(line)),
  ];
  for (const line of calls) {
    const [, found, number] = /((?:file:\/\/)?\/[^()]*?\.[cm]?[jt]s):(\d+)/.exec(line) ?? [];
    if (found === undefined) continue;
    const url = found.startsWith("file:") ? found : pathToFileURL(found).href;
    if (url.startsWith(home.href) || url.includes("/node_modules/")) continue;
    const file = relative(process.cwd(), fileURLToPath(url));
    return `${file.startsWith("..") ? fileURLToPath(url) : file}:${number}`;
  }
  return undefined;
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
