/**
 * What the WebAssembly engine at hand can do, found out by asking it to validate tiny modules.
 *
 * Fused multiply-add (relaxed SIMD) is off by default in Node 20, where a V8 flag turns it on at run time; later engines
 * have it on and merely warn about the flag, so validation is always asked first. No module of Node is imported: where
 * there is no `process`, there is no flag to set.
 */
import { AdjointError } from "../../util/errors.js";
import { ModuleBuilder } from "./assembler/module.js";
import { f32x4, i32x4 } from "./assembler/opcodes.js";

export interface WasmFeatures {
  /** `f32x4.relaxed_madd` and `f64x2.relaxed_madd`: one rounding where the machine has it. */
  readonly relaxedMadd: boolean;
}

let detected: WasmFeatures | undefined;

/**
 * The features of this engine; asked once.
 * @throws AdjointError `device` without WebAssembly SIMD
 */
export function wasmFeatures(): WasmFeatures {
  detected ??= detect();
  return detected;
}

function detect(): WasmFeatures {
  if (typeof WebAssembly === "undefined" || !validates(i32x4.add, 2))
    throw new AdjointError(
      "device",
      "wasm: this JavaScript engine has no WebAssembly SIMD; use Node 20 or later, or a browser of 2023 or later",
    );
  let relaxedMadd = validates(f32x4.relaxedMadd, 3);
  if (!relaxedMadd && enableRelaxedSimd()) relaxedMadd = validates(f32x4.relaxedMadd, 3);
  return { relaxedMadd };
}

/** Whether the engine accepts this instruction on vectors. */
function validates(instruction: number, operands: number): boolean {
  const module = new ModuleBuilder();
  const body = module.function(["v128"], ["v128"]);
  for (let i = 0; i < operands; i++) body.get(0);
  body.op(instruction);
  return WebAssembly.validate(module.finish());
}

interface NodeProcess {
  readonly getBuiltinModule?: (name: string) => unknown;
}

interface V8Module {
  readonly setFlagsFromString: (flag: string) => void;
}

function enableRelaxedSimd(): boolean {
  const node = (globalThis as { readonly process?: NodeProcess }).process;
  const v8 = node?.getBuiltinModule?.("v8") as V8Module | undefined;
  if (v8 === undefined) return false;
  try {
    v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
    return true;
  } catch {
    return false;
  }
}
