/**
 * The wasm device. Graphs become one WebAssembly program each. Single operations outside of jit are programs too where there is
 * enough to compute; below that, plain TypeScript is faster than copying in and out.
 */

import { paramsKey } from "../../compiler/rewrite.js";
import type { CompileOptions, Device } from "../../graph/device.js";
import { traceGraph } from "../../graph/graph.js";
import { bindAll } from "../../graph/node.js";
import type { EvaluateContext, Primitive } from "../../graph/primitive.js";
import { HostStorage } from "../../graph/storage.js";
import type { TypedArray } from "../../types/dtype.js";
import { WasmExecutable } from "./executable.js";

/** Floating-point operations below which an operation is evaluated in TypeScript: about 20 µs of it. */
const worthwhile = 16_384;
/** Programs of single operations that are kept; their memory is small but not nothing. */
const kept = 128;

/** Least recently used first. */
const programs = new Map<string, WasmExecutable>();

function evaluate<P>(
  primitive: Primitive<P>,
  inputs: readonly TypedArray[],
  context: EvaluateContext<P>,
): readonly TypedArray[] {
  const { kind } = primitive.lowering;
  const computes = kind === "dot" || kind === "pointwise" || kind === "reduce";
  if (!computes || primitive.cost(context.inputTypes, context.outputTypes, context.params).flops < worthwhile)
    return primitive.evaluate(inputs, context);
  const parameters = paramsKey(context.params);
  if (parameters === undefined) return primitive.evaluate(inputs, context);
  const key = `${primitive.name}${parameters}${context.inputTypes.map(({ shape, dtype }) => `${dtype}[${shape}]`).join()}`;
  let program = programs.get(key);
  if (program === undefined) {
    const types = context.inputTypes.map(({ shape, dtype }) => ({ shape, dtype }));
    const graph = traceGraph("compile", types, (leaves) => bindAll(primitive, leaves, context.params));
    program = new WasmExecutable(graph, { donated: types.map(() => false) });
    if (programs.size >= kept) {
      const [oldest] = programs;
      programs.delete(oldest[0]);
      oldest[1].dispose();
    }
  } else programs.delete(key);
  programs.set(key, program);
  return program.run(inputs.map((array) => new HostStorage(array))).map((storage) => storage.read());
}

export const wasmDevice: Device = {
  name: "wasm",
  evaluate,
  compile: (graph, options: CompileOptions) => new WasmExecutable(graph, options),
};
