import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "vite";
import { describe, expect, it } from "vitest";
import { floors } from "../structure/floors.js";
import { sourceRoot } from "../structure/imports.js";
import { root } from "../support/build.js";

/** What an entry point exports by name, with the file and the local name it comes from. */
function publicExports(file: string): { name: string; local: string; from: string }[] {
  const text = readFileSync(join(sourceRoot, file), "utf8");
  return parseSync(file, text).module.staticExports.flatMap(({ entries }) =>
    entries.flatMap((entry) => {
      const from = entry.moduleRequest ? resolveFrom(file, entry.moduleRequest.value) : file;
      if (entry.importName.kind === "AllButDefault") return publicExports(from);
      const name = entry.exportName.name ?? "default";
      if (entry.importName.kind === "All")
        return publicExports(from).map((inner) => ({ ...inner, name: `${name}.${inner.name}` }));
      // an export through further files is followed to where it is declared
      const local = (from === file ? entry.localName.name : entry.importName.name) ?? name;
      const further = from === file ? undefined : publicExports(from).find((inner) => inner.name === local);
      return [{ name, local: further?.local ?? local, from: further?.from ?? from }];
    }),
  );
}

function resolveFrom(file: string, specifier: string): string {
  return join(file, "..", specifier).replace(/\.js$/, ".ts");
}

interface Declaration {
  readonly comment: string | null;
  /** A function or class: what is called needs an example, what is only read does not. */
  readonly isCallable: boolean;
}

/** The declaration of a name in a file, with the doc comment right before it. */
function declarationOf(file: string, name: string): Declaration {
  const text = readFileSync(join(sourceRoot, file), "utf8");
  const keyword = "(const|let|function\\*?|class|interface|type)";
  const declared = new RegExp(
    `(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\\s*)?^(?:export )?(?:abstract )?(?:async )?${keyword} ${name}\\b(.*)`,
    "m",
  ).exec(text);
  if (declared === null) throw new Error(`no declaration of ${name} in src/${file}`);
  const [, comment, kind, rest] = declared;
  return {
    comment: comment ?? null,
    isCallable: /^(function|class)/.test(kind) || (kind === "const" && /^[^=]*= (async )?[(<]/.test(rest)),
  };
}

const entries = ["index.ts", ...floors.flat().map((floor) => `${floor}/index.ts`)].filter((file) => {
  const packaged: Record<string, unknown> = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  ).exports;
  const specifier = file === "index.ts" ? "." : `./${file.split("/")[0]}`;
  return specifier in packaged && existsSync(join(sourceRoot, file));
});

describe("every export is documented", () => {
  it.each(entries)("of %s", (entry) => {
    const missing = publicExports(entry).filter(
      ({ from, local }) => declarationOf(from, local).comment === null,
    );
    expect(missing.map(({ name, from }) => `${name} (src/${from})`)).toEqual([]);
  });

  it.each(entries)("of %s, and every function and class by an example", (entry) => {
    const missing = publicExports(entry).filter(({ from, local }) => {
      const { comment, isCallable } = declarationOf(from, local);
      return isCallable && !comment?.includes("@example");
    });
    expect(missing.map(({ name, from }) => `${name} (src/${from})`)).toEqual([]);
  });

  it("and the rule sees what it is about", () => {
    expect(publicExports("index.ts").map(({ name }) => name)).toEqual(
      expect.arrayContaining(["grad", "matmul", "var"]),
    );
    expect(declarationOf("transforms/grad.ts", "grad")).toMatchObject({ isCallable: true });
    expect(declarationOf("transforms/grad.ts", "grad").comment).toContain("@example");
    expect(declarationOf("transforms/grad.ts", "zeroLike")).toEqual({ comment: null, isCallable: true });
    expect(declarationOf("tensor/elementwise.ts", "add").isCallable).toBe(true);
    expect(declarationOf("tensor/random.ts", "random").isCallable).toBe(false);
  });
});

describe("every error code", () => {
  it("has its section in docs/errors.md, and no section is without a code", () => {
    const source = readFileSync(join(sourceRoot, "util/errors.ts"), "utf8");
    const union = /export type ErrorCode =([^;]*);/.exec(source)?.[1] ?? "";
    const codes = [...union.matchAll(/"([\w-]+)"/g)].map(([, code]) => code);
    const page = readFileSync(join(root, "docs/errors.md"), "utf8");
    const sections = [...page.matchAll(/^## (\S+)$/gm)].map(([, heading]) => heading);
    expect(codes.length).toBeGreaterThan(20);
    expect(sections.sort()).toEqual(codes.sort());
  });
});
