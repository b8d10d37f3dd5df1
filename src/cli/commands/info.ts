/** `adjoint info`: what there is on this machine, and what of it is used. */
import { cpus } from "node:os";
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
  print(`threads       ${facts.threads} used`);
}
