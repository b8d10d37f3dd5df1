/** Programs as the compiler makes them: compiled with some passes off, run, and compared with the reference. */
import { WasmProgram } from "../../src/backends/wasm/index.js";
import { type Compiled, compile, type PassName } from "../../src/compiler/pipeline.js";
import { evaluateGraph, traceGraph } from "../../src/graph/graph.js";
import { type Node, readValue } from "../../src/graph/node.js";
import { random, setDevice, type Tensor, vjp } from "../../src/index.js";
import type { Kernel } from "../../src/loops/ir.js";

export type TensorFunction = (...args: Tensor[]) => Tensor | readonly Tensor[];

/** Seeded, in −1 … 1, float64 unless said. */
export const uniform = (
  seed: number,
  shape: readonly number[],
  dtype: "float32" | "float64" = "float64",
): Tensor => random.uniform(random.key(seed), { shape, dtype, low: -1, high: 1 });

export interface CompileSettings {
  readonly disable?: readonly PassName[];
  readonly donated?: readonly boolean[];
}

/** The verified program of a function. */
export function compileFunction(
  f: TensorFunction,
  args: readonly Tensor[],
  { disable = [], donated = [] }: CompileSettings = {},
): Compiled {
  const graph = traceGraph("jit", args, (leaves) => [f(...(leaves as Tensor[]))].flat());
  return compile(graph, { donated, disable: new Set(disable), verify: true });
}

/** Compiles and runs; gives the outputs. */
export function runCompiled(
  f: TensorFunction,
  args: readonly Tensor[],
  settings: CompileSettings = {},
): number[][] {
  const compiled = compileFunction(f, args, settings);
  const program = new WasmProgram(compiled.schedule);
  for (const { buffer, spec } of compiled.constants)
    if (spec.constant !== undefined) program.write(buffer, spec.constant);
  compiled.inputs.forEach((buffer, i) => {
    program.write(buffer, args[i].dataSync());
  });
  program.run();
  const outputs = compiled.outputs.map((buffer) => Array.from(program.read(buffer)));
  program.dispose();
  return outputs;
}

/** The same by the primitives' own reference code. */
export function runReference(f: TensorFunction, args: readonly Tensor[]): number[][] {
  setDevice("reference");
  try {
    const graph = traceGraph("jit", args, (leaves) => [f(...(leaves as Tensor[]))].flat());
    return evaluateGraph(graph, args as readonly Node[]).map((node) => Array.from(readValue(node)));
  } finally {
    setDevice("wasm");
  }
}

/** Differences of at most `tolerance` times the value, or times 1 where it is smaller. */
export function expectClose(got: number[][], want: number[][], tolerance: number): void {
  if (got.length !== want.length) throw new Error(`${got.length} outputs, expected ${want.length}`);
  got.forEach((values, o) => {
    if (values.length !== want[o].length)
      throw new Error(`output ${o} has ${values.length} elements, expected ${want[o].length}`);
    values.forEach((value, i) => {
      const expected = want[o][i];
      const same = value === expected || (Number.isNaN(value) && Number.isNaN(expected));
      if (!same && !(Math.abs(value - expected) <= tolerance * Math.max(1, Math.abs(expected))))
        throw new Error(`output ${o}, element ${i}: ${value}, expected ${expected}`);
    });
  });
}

/** With the passes over kernels, with none of them, with each alone: float64, so 1e-12 is thousands of roundings of values of order 1. */
export function expectSame(f: TensorFunction, args: readonly Tensor[]): void {
  const want = runReference(f, args);
  for (const disable of [[], ["merge"], ["rows"], ["merge", "rows"]] as const)
    expectClose(runCompiled(f, args, { disable }), want, 1e-12);
}

export const kernelsOf = (f: TensorFunction, args: readonly Tensor[]): readonly Kernel[] =>
  compileFunction(f, args).schedule.kernels;

/** The function's value, and its gradient for a given cotangent. */
export const withGradient =
  (f: (x: Tensor) => Tensor): TensorFunction =>
  (x, bar) => {
    const [y, pullback] = vjp(f, x);
    return [y, ...pullback(bar)];
  };
