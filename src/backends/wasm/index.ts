/** The WebAssembly backend: schedules of loop kernels compiled to one SIMD module each. */
export { type CompiledSchedule, compileSchedule } from "./codegen/schedule.js";
export { type WasmFeatures, wasmFeatures } from "./features.js";
export { WasmMemory } from "./memory.js";
export { WasmProgram } from "./program.js";
export { Pool } from "./threads/pool.js";
