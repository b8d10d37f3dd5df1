/** What the files of src/ import, by parsing them: the facts the structure tests judge. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "vite";

export const sourceRoot = fileURLToPath(new URL("../../src", import.meta.url));

/** One import, re-export, `import()` (of a value or in a type), or `new URL(…, import.meta.url)`. */
export interface Import {
  /** Relative to src/, such as `graph/node.ts`. */
  readonly from: string;
  readonly specifier: string;
  /** Relative to src/ where the specifier is a path; null for packages and `node:` modules. */
  readonly to: string | null;
  /** "type" leaves nothing at run time; "dynamic" loads only when reached. */
  readonly kind: "static" | "type" | "dynamic";
}

/** The TypeScript files of src/, relative to it, sorted. */
export function sourceFiles(): string[] {
  return readdirSync(sourceRoot, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .sort();
}

/** The imports of one file's text; `file` is relative to src/. */
export function importsOf(file: string, text: string): Import[] {
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} does not parse: ${errors[0].message}`);
  const found: Import[] = [];
  const add = (specifier: string, kind: Import["kind"]): void => {
    const path = specifier.startsWith(".")
      ? relative(sourceRoot, resolve(sourceRoot, dirname(file), specifier))
      : null;
    found.push({ from: file, specifier, to: path?.replace(/\.js$/, ".ts") ?? null, kind });
  };
  for (const { moduleRequest, entries } of module.staticImports)
    add(
      moduleRequest.value,
      entries.length > 0 && entries.every((entry) => entry.isType) ? "type" : "static",
    );
  for (const { entries } of module.staticExports) {
    const requests = new Map<string, boolean>();
    for (const { moduleRequest, isType } of entries)
      if (moduleRequest)
        requests.set(moduleRequest.value, (requests.get(moduleRequest.value) ?? true) && isType);
    for (const [specifier, isType] of requests) add(specifier, isType ? "type" : "static");
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const literal = /^(["'`])([^$]+)\1$/.exec(text.slice(moduleRequest.start, moduleRequest.end));
    add(literal?.[2] ?? "(computed)", "dynamic");
  }
  // two forms the parser's module record leaves out: import("…") in a type, and a worker's URL
  for (const match of text.matchAll(/\bimport\("([^"]+)"\)(?=[.[])/g)) add(match[1], "type");
  for (const match of text.matchAll(/new URL\("([^"]+\.js)", import\.meta\.url\)/g)) add(match[1], "dynamic");
  return found;
}

/** Every import of every file. */
export function allImports(): Import[] {
  return sourceFiles().flatMap((file) => importsOf(file, readFileSync(join(sourceRoot, file), "utf8")));
}

/** Does importing the module do anything but define things? Initial values of constants count as definitions. */
export function actsOnImport(file: string, text: string): boolean {
  const definitions = /^(Import|Export|TS|Variable|Function|Class)/;
  return parseSync(file, text).program.body.some(({ type }) => !definitions.test(type));
}
