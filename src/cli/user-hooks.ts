/**
 * How Node loads a user's file: `adjoint` is the library that runs, not a second copy of it; types are taken off. These hooks
 * run in a thread of Node's own.
 */
import { existsSync, readFileSync } from "node:fs";
import * as nodeModule from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What the hooks are told. */
export interface HooksData {
  /** The URL of the directory the library is in. */
  readonly home: string;
  /** The text to run as a file, whatever is there now: one that has changed or gone since. */
  readonly standIn?: { readonly url: string; readonly source: string };
}

let data: HooksData = { home: "" };

export function initialize(given: HooksData): void {
  data = given;
}

type Next<C, R> = (url: string, context: C) => Promise<R>;
interface Resolved {
  readonly url: string;
  readonly format?: string | null;
  readonly shortCircuit?: boolean;
}

/** Finds the library, and TypeScript that is imported by the name its JavaScript will have. */
export async function resolve(
  specifier: string,
  context: { readonly parentURL?: string },
  next: Next<{ readonly parentURL?: string }, Resolved>,
): Promise<Resolved> {
  if (specifier === data.standIn?.url) return { url: specifier, shortCircuit: true };
  const own = /^adjoint(?:\/(\w+))?$/.exec(specifier);
  if (own !== null) {
    const url = new URL(own[1] === undefined ? "index.js" : `${own[1]}/index.js`, data.home);
    if (existsSync(url)) return { url: url.href, shortCircuit: true };
  }
  if (specifier.startsWith(".") && context.parentURL !== undefined) {
    const url = new URL(specifier, context.parentURL);
    const source = new URL(url.href.replace(/\.([cm]?)js$/, ".$1ts"));
    if (url.protocol === "file:" && !existsSync(url) && existsSync(source))
      return { url: source.href, shortCircuit: true };
  }
  return next(specifier, context);
}

interface Loaded {
  readonly format: string;
  readonly source?: string;
  readonly shortCircuit?: boolean;
}

/** Takes the types off, outside node_modules. */
export async function load(
  url: string,
  context: { readonly format?: string | null },
  next: Next<{ readonly format?: string | null }, Loaded>,
): Promise<Loaded> {
  const standIn = url === data.standIn?.url ? data.standIn.source : undefined;
  const isTyped = /^file:.*\.m?ts$/.test(url) && !url.includes("/node_modules/");
  if (!isTyped && standIn === undefined) return next(url, context);
  const file = fileURLToPath(url);
  const text = standIn ?? readFileSync(file, "utf8");
  return { format: "module", source: isTyped ? await withoutTypes(text, file) : text, shortCircuit: true };
}

interface Compiled {
  readonly code: string;
  readonly map?: unknown;
}

/** A compiler, by the package it is in; only what is called here is described. */
type Compiler = (
  loaded: Record<string, unknown>,
  source: string,
  file: string,
) => Promise<Compiled> | Compiled;

type Transform = (...given: readonly unknown[]) => Promise<Compiled>;

const compilers: Readonly<Record<string, Compiler>> = {
  esbuild: ({ transform }, source, file) =>
    (transform as Transform)(source, { loader: "ts", sourcefile: file, sourcemap: true, target: "es2022" }),
  vite: ({ transformWithOxc, transformWithEsbuild }, source, file) =>
    ((transformWithOxc ?? transformWithEsbuild) as Transform)(source, file, { sourcemap: true }),
  typescript: ({ transpileModule, default: whole }, source, file) => {
    const transpile = transpileModule ?? (whole as Record<string, unknown> | undefined)?.transpileModule;
    if (typeof transpile !== "function") throw new TypeError("this TypeScript has no transpileModule");
    const made = transpile(source, {
      fileName: file,
      compilerOptions: { module: 99, target: 9, sourceMap: true, verbatimModuleSyntax: true },
    }) as { outputText: string; sourceMapText?: string };
    return { code: made.outputText, map: made.sourceMapText };
  },
};

/** By Node itself where it can (22.13 and later), which keeps every position; else by what is installed. */
async function withoutTypes(source: string, file: string): Promise<string> {
  const { stripTypeScriptTypes } = nodeModule as { stripTypeScriptTypes?: (source: string) => string };
  if (stripTypeScriptTypes !== undefined) return quietly(() => stripTypeScriptTypes(source));
  for (const from of [file, fileURLToPath(import.meta.url)])
    for (const [name, compile] of Object.entries(compilers)) {
      const loaded = await loadPackage(name, from);
      if (loaded === undefined) continue;
      try {
        const { code, map } = await compile(loaded, source, file);
        return `${code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "")}\n${mapComment(map, file)}`;
      } catch (error) {
        // a compiler of another version is none; what it says of the source is for the user
        if (!(error instanceof TypeError)) throw error;
      }
    }
  throw new Error(
    `Node ${process.versions.node} does not run TypeScript; use Node 22.18 or newer, or npm install --save-dev esbuild beside it`,
  );
}

/** Node warns that taking types off is new; whoever runs a command has not asked. */
function quietly(run: () => string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return run();
  } finally {
    process.emitWarning = emitWarning;
  }
}

async function loadPackage(name: string, from: string): Promise<Record<string, unknown> | undefined> {
  try {
    const path = nodeModule.createRequire(from).resolve(name);
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function mapComment(map: unknown, file: string): string {
  const parsed: unknown = typeof map === "string" ? JSON.parse(map) : map;
  if (typeof parsed !== "object" || parsed === null) return "";
  const named = { ...parsed, sources: [pathToFileURL(file).href], sourceRoot: "" };
  const text = Buffer.from(JSON.stringify(named)).toString("base64");
  return `//# sourceMappingURL=data:application/json;base64,${text}`;
}
