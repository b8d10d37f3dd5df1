/** `adjoint info`: what there is on this machine, and what of it is used. */
import { cpus } from "node:os";
import { findBlas } from "../../backends/blas/library.js";
import { wasmFeatures } from "../../backends/wasm/features.js";
import { device, devices } from "../../index.js";
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
    threads: 1,
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
  print(`SIMD          ${facts.simd ? "128-bit WebAssembly SIMD, used" : "none"}`);
  print(
    `relaxed SIMD  ${facts.relaxedSimd ? "fused multiply-add, used" : "not there: multiplies and adds apart"}`,
  );
  const { blas } = facts;
  print(`BLAS          ${"used" in blas ? `${blas.used}, for large products` : "none used"}`);
  if ("reason" in blas) for (const line of wrapped(blas.reason, 80 - 14)) print(`              ${line}`);
  print(`threads       ${facts.threads} used`);
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

/** The BLAS in use, or why there is none: a wrong ADJOINT_BLAS is told here, not thrown. */
function describeBlas(): { readonly used: string } | { readonly reason: string } {
  try {
    const { blas, reason } = findBlas();
    return blas === undefined ? { reason } : { used: blas.description };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}
