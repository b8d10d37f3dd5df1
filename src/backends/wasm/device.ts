/**
 * The wasm device. Graphs become one WebAssembly program each. Single operations outside of jit are programs too where there is
 * enough to compute; below that, plain TypeScript is faster than copying in and out.
 */

import { kernelCost, memoryOf } from "../../compiler/cost.js";
import { describeKernels, namesOfBuffers } from "../../compiler/describe.js";
import { compile as compileGraph } from "../../compiler/pipeline.js";
import { paramsKey } from "../../compiler/rewrite.js";
import type { CompileOptions, Device, ProfiledProgram, ProfileRequest } from "../../graph/device.js";
import { type Graph, traceGraph } from "../../graph/graph.js";
import { paramKey } from "../../graph/graph-key.js";
import { bindAll } from "../../graph/node.js";
import type { EvaluateContext, Primitive } from "../../graph/primitive.js";
import { HostStorage } from "../../graph/storage.js";
import type { TypedArray } from "../../types/dtype.js";
import { leastOperations } from "../blas/found.js";
import { findBlas } from "../blas/library.js";
import { WasmExecutable } from "./executable.js";
import { WasmProgram } from "./program.js";

/** Floating-point operations below which an operation is evaluated in TypeScript: about 20 µs of it. */
const worthwhile = 16_384;
/** Operations that compute much with every element they are given. */
const factorisations = new Set("cholesky triangularSolve solve det logAbsDet cofactor lu luSolve".split(" "));
/** Evaluations of operations inside a scan above which a program is made of it: some 500 µs of them. */
const worthwhileEvaluations = 256;
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
  if (kind === "control") return evaluateControl(primitive, inputs, context);
  const computes =
    kind === "dot" || kind === "pointwise" || kind === "reduce" || factorisations.has(primitive.name);
  if (!computes || primitive.cost(context.inputTypes, context.outputTypes, context.params).flops < worthwhile)
    return primitive.evaluate(inputs, context);
  const parameters = paramsKey(context.params);
  if (parameters === undefined) return primitive.evaluate(inputs, context);
  return runProgram(primitive, parameters, inputs, context);
}

/** Kernel calls and little else: short runs of short graphs are over before a program is made. */
function evaluateControl<P>(
  primitive: Primitive<P>,
  inputs: readonly TypedArray[],
  context: EvaluateContext<P>,
): readonly TypedArray[] {
  const { params } = context;
  const { lowering } = primitive;
  const control = lowering.kind === "control" ? lowering.control(params) : undefined;
  const evaluations = control?.kind === "scan" ? control.length * control.body.operations.length : 0;
  const { flops } = primitive.cost(context.inputTypes, context.outputTypes, params);
  if (control?.kind !== "while" && evaluations < worthwhileEvaluations && flops < worthwhile)
    return primitive.evaluate(inputs, context);
  return runProgram(primitive, paramKey(params), inputs, context);
}

/** Runs the program of one operation, which is made where it is not among the latest. */
function runProgram<P>(
  primitive: Primitive<P>,
  parameters: string,
  inputs: readonly TypedArray[],
  context: EvaluateContext<P>,
): readonly TypedArray[] {
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

/** Kernel by kernel, through a program made for it: the sum is a little more than a run of all at once. */
function profile({ graph, inputs, paths, donated, runs }: ProfileRequest): ProfiledProgram {
  const compiled = compileGraph(graph, { donated });
  const { schedule } = compiled;
  const program = new WasmProgram(schedule, { exportKernels: true });
  try {
    for (const { buffer, spec } of compiled.constants)
      if (spec.constant !== undefined) program.write(buffer, spec.constant);
    const times = schedule.kernels.map((): number[] => []);
    const starts = schedule.kernels.map((): number[] => []);
    const begun = performance.now();
    for (let run = 0; run < runs; run++) {
      // the arena is shared by its buffers, and donated inputs are written over
      compiled.inputs.forEach((buffer, i) => {
        program.write(buffer, inputs[i].read());
      });
      for (let kernel = 0; kernel < times.length; kernel++) {
        const started = performance.now();
        program.runKernel(kernel);
        times[kernel].push((performance.now() - started) * 1000);
        starts[kernel].push((started - begun) * 1000);
      }
    }
    const called = describeKernels(schedule, namesOfBuffers(compiled, paths));
    const kernels = schedule.kernels.map((kernel, i) => ({
      name: called[i].formula,
      operation: kernel.name,
      extents: called[i].extents,
      ...kernelCost(kernel, schedule),
      starts: starts[i],
      times: times[i],
    }));
    return { kernels, memory: memoryOf(compiled, program.arenaBytes) };
  } finally {
    program.dispose();
  }
}

/** A library that will be wanted is found first: what it does at its start then goes on beside the compiler. */
function compileGraphFor(graph: Graph, options: CompileOptions): WasmExecutable {
  const isLarge = graph.operations.some(({ primitive, inputs, outputs, params }) => {
    if (primitive.lowering.kind !== "dot") return false;
    return primitive.cost(inputs, outputs, params).flops >= leastOperations;
  });
  if (isLarge) findBlas();
  return new WasmExecutable(graph, options);
}

export const wasmDevice: Device = {
  name: "wasm",
  evaluate,
  compile: compileGraphFor,
  profile,
};
