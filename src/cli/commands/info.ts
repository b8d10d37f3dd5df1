/** `adjoint info`: what there is on this machine, and what of it is used. */
import { cpus } from "node:os";
import type { Command } from "commander";
import { type Blas, findBlas } from "../../backends/blas/library.js";
import { wasmFeatures } from "../../backends/wasm/features.js";
import { obstacle } from "../../backends/wasm/threads/settings.js";
import { device, devices, threads } from "../../index.js";
import { json, verbose } from "../options.js";
import { print, printEvent } from "../output.js";
import { version } from "../version.js";

export interface InfoOptions {
  readonly json?: boolean;
}

export async function infoCommand({ json }: InfoOptions): Promise<void> {
  const hasWasm = devices().includes("wasm");
  const processors = cpus();
  const facts = {
    adjoint: await version(),
    node: process.versions.node,
    v8: process.versions.v8,
    platform: `${process.platform}-${process.arch}`,
    processor: processors[0]?.model.trim() ?? "unknown",
    processors: processors.length,
    devices: devices(),
    device: device(),
    simd: hasWasm,
    relaxedSimd: hasWasm && wasmFeatures().relaxedMadd,
    blas: hasWasm ? describeBlas() : { reason: "only the wasm device uses one" },
    ...describeThreads(hasWasm, processors.length),
  };
  if (json) {
    printEvent({ event: "info", ...facts });
    return;
  }
  const others = facts.devices.filter((name) => name !== facts.device);
  print(`adjoint       ${facts.adjoint}`);
  print(`Node          ${facts.node} (V8 ${facts.v8}), ${facts.platform}`);
  print(`processor     ${facts.processor}, ${facts.processors} threads`);
  print(`device        ${facts.device}${others.length > 0 ? ` (also there: ${others.join(", ")})` : ""}`);
  print(
    `SIMD          ${facts.simd ? "128-bit WebAssembly SIMD, used" : "none, so no wasm device; use Node 20 or later"}`,
  );
  print(
    `relaxed SIMD  ${facts.relaxedSimd ? "fused multiply-add, used" : "not there: multiplies and adds apart; Node 22 or later has it"}`,
  );
  const { blas } = facts;
  const aboutBlas =
    "used" in blas ? [`${blas.used}, for large products`, ...blas.hints] : ["none used", blas.reason];
  aboutBlas
    .flatMap((text) => wrapped(text, 80 - 14))
    .forEach((line, i) => {
      print(`${i === 0 ? "BLAS" : ""}`.padEnd(14) + line);
    });
  print(`threads       ${facts.threads} used${facts.sharedMemory ? ", on shared memory" : ""}`);
  if (facts.threadsReason !== undefined)
    for (const line of wrapped(facts.threadsReason, 80 - 14)) print(`              ${line}`);
}

/** The words in lines of at most `width`. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Threads in use, and why there are not more. */
function describeThreads(
  hasWasm: boolean,
  processors: number,
): { readonly threads: number; readonly sharedMemory: boolean; readonly threadsReason?: string } {
  if (!hasWasm) return { threads: 1, sharedMemory: false, threadsReason: "only the wasm device uses more" };
  const reason = obstacle();
  if (reason !== undefined) return { threads: 1, sharedMemory: false, threadsReason: reason };
  try {
    const used = threads();
    const fewer = `of ${processors} processors; ADJOINT_THREADS=${processors} or setThreads(${processors}) uses all`;
    return { threads: used, sharedMemory: used > 1, ...(used < processors && { threadsReason: fewer }) };
  } catch (error) {
    return { threads: 1, sharedMemory: false, threadsReason: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The BLAS in use, and what would make it faster; or why there is none: a wrong ADJOINT_BLAS is told here, not thrown. */
function describeBlas():
  | { readonly used: string; readonly hints: readonly string[] }
  | { readonly reason: string } {
  try {
    const { blas, reason } = findBlas();
    return blas === undefined ? { reason } : { used: blas.description, hints: blasHints(blas) };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

/** What keeps products from being as fast as they could be. */
export function blasHints(
  { libraries, worthwhile }: Pick<Blas, "libraries" | "worthwhile">,
  { env, platform }: Pick<NodeJS.Process, "env" | "platform"> = process,
): readonly string[] {
  const hints: string[] = [];
  const core = env.OPENBLAS_CORETYPE;
  if (core !== undefined && Object.values(libraries).some((name) => name.startsWith("OpenBLAS")))
    hints.push(`OPENBLAS_CORETYPE=${core} is set: OpenBLAS does not choose by the processor`);
  // it is the same that makes small products worth a call: 512-bit vectors
  const isWide = worthwhile.float32 !== undefined && worthwhile.float32.operations < 1_000_000;
  if (platform === "linux" && isWide && libraries.float32?.startsWith("OpenBLAS") === true)
    hints.push("oneDNN is some 10 % faster in float32 (apt install libdnnl2 or libdnnl3)");
  return hints;
}

/** Adds the command to a program. */
export function addInfo(program: Command): void {
  program
    .command("info")
    .summary("show what this machine has and what is used")
    .description("Shows the versions, the devices and their features, and what of them is used.")
    .addOption(json("print a JSON object"))
    .addOption(verbose())
    .action((options: InfoOptions) => infoCommand(options));
}
