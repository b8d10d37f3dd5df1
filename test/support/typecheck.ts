/** Type-checks files with the project's own compiler and options. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Diagnostic {
  /** The file's name, without its folder. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly message: string;
}

/**
 * Checks TypeScript texts as files of a package that has `adjoint` (its source) installed.
 * @param files texts by file name, such as `example.ts`
 * @returns what the compiler says about these files; what it says about others is left out
 */
export function typecheck(files: Readonly<Record<string, string>>): Diagnostic[] {
  const folder = mkdtempSync(join(tmpdir(), "adjoint-types-"));
  try {
    const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
    for (const [name, text] of Object.entries(files)) write(name, text);
    write("package.json", JSON.stringify({ type: "module" }));
    const options = { noEmit: true, noUnusedLocals: false, typeRoots: [join(root, "node_modules/@types")] };
    const config = { extends: join(root, "tsconfig.json"), compilerOptions: options, include: ["*.ts"] };
    write("tsconfig.json", JSON.stringify(config));
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    const run = spawnSync(process.execPath, [compiler, "--pretty", "false", "-p", folder], {
      encoding: "utf8",
      cwd: folder,
    });
    if (run.error) throw run.error;
    const diagnostics = [...run.stdout.matchAll(/^(\S.*)\((\d+),\d+\): error (.*)$/gm)].map(
      ([, path, line, message]) => ({
        file: basename(path),
        line: Number(line),
        message,
      }),
    );
    // a compiler that failed without saying where has checked nothing
    if (run.status !== 0 && diagnostics.length === 0)
      throw new Error(`tsc failed: ${run.stdout}${run.stderr}`);
    return diagnostics.filter(({ file }) => file in files);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
