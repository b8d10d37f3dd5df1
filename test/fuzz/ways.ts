/** Ways to evaluate a program, and how two results are compared. */
import { WasmProgram } from "../../src/backends/wasm/index.js";
import { compile, type PassName, passNames } from "../../src/compiler/pipeline.js";
import { traceGraph } from "../../src/graph/graph.js";
import { checkpoint, grad, jit, setDevice, stack, type Tensor, tensor, vmap } from "../../src/index.js";
import { argumentsOf, type Block, evaluate, type Program } from "./generate.js";
import type { Random } from "./random.js";

export const isFloat = (x: Tensor): boolean => x.dtype === "float64" || x.dtype === "float32";

/** Does the program compute anything in single precision? */
export const isSingle = (program: Program): boolean => program.values.some(([x]) => x.dtype === "float32");

/**
 * Programs are up to 12 operations deep on values up to 100, kept away from singularities: rounding is magnified by less than
 * 10⁶ ε in float64 (so 1e-9 of the largest element), derivatives have one more factor of the kind. In float32 the
 * same programs leave three digits.
 */
export function expectClose(
  what: string,
  got: readonly Tensor[],
  want: readonly Tensor[],
  tolerance: number,
): void {
  if (got.length !== want.length) throw new Error(`${what}: ${got.length} tensors, expected ${want.length}`);
  want.forEach((expected, i) => {
    const actual = got[i];
    if (actual.dtype !== expected.dtype || actual.shape.join() !== expected.shape.join())
      throw new Error(
        `${what}: result ${i} is ${actual.dtype}[${actual.shape}], expected ${expected.dtype}[${expected.shape}]`,
      );
    const [a, b] = [actual.dataSync(), expected.dataSync()];
    let scale = 1;
    for (const value of b) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
    for (let k = 0; k < b.length; k++)
      if (
        !(
          a[k] === b[k] ||
          (Number.isNaN(a[k]) && Number.isNaN(b[k])) ||
          Math.abs(a[k] - b[k]) <= tolerance * scale
        )
      )
        throw new Error(
          `${what}: result ${i} ${expected.dtype}[${expected.shape}] element ${k} is ${a[k]}, expected ${b[k]}`,
        );
  });
}

export const tolerance = (program: Program): number => (isSingle(program) ? 1e-3 : 1e-9);

/** The program as a function of its inputs. */
export const functionOf =
  (program: Program, block?: Block) =>
  (...inputs: Tensor[]): Tensor[] =>
    evaluate(program, inputs, block);

/** Evaluated on the reference device. */
export function onReference<T>(body: () => T): T {
  setDevice("reference");
  try {
    return body();
  } finally {
    setDevice("wasm");
  }
}

/** A scalar made of every floating-point output, each element with a weight of its own. */
export function lossOf(program: Program, block?: Block): (...inputs: Tensor[]) => Tensor {
  const weights = program.outputs.map((k) => {
    const [{ shape, size }] = program.values[k];
    return tensor(
      Float64Array.from({ length: size }, (_, i) => Math.sin(3 * i + k + 1)),
      { shape },
    );
  });
  return (...inputs) => {
    let total: Tensor = tensor(0, { dtype: "float64" });
    evaluate(program, inputs, block).forEach((output, i) => {
      if (isFloat(output)) total = total.add(output.mul(weights[i]).sum());
    });
    return total;
  };
}

export const floatInputs = (program: Program): number[] =>
  program.inputs.map((_, i) => i).filter((i) => program.inputs[i].dtype.startsWith("float"));

export function direction(random: Random, like: Tensor): Tensor {
  const values = Float64Array.from({ length: like.size }, () => random.uniform(-1, 1));
  return tensor(values, { shape: like.shape }).cast(like.dtype);
}

export const inner = (a: readonly Tensor[], b: readonly Tensor[]): number =>
  a.reduce((sum, x, i) => sum + x.cast("float64").mul(b[i].cast("float64")).sum().itemSync(), 0);

export function expectNear(what: string, got: number, want: number, tolerance: number, scale = 0): void {
  const size = Math.max(1, Math.abs(got), Math.abs(want), scale);
  if (!(Math.abs(got - want) <= tolerance * size)) throw new Error(`${what}: ${got}, expected ${want}`);
}

/** The gradients towards every floating-point input. */
export const gradients = (program: Program, block?: Block) =>
  grad(lossOf(program, block), { argnums: floatInputs(program) });

/** Batches of the examples, and which inputs have them. */
export function batches(program: Program): { args: Tensor[]; inAxes: (number | null)[] } {
  return {
    args: program.inputs.map(({ shared, examples }) => (shared ? examples[0] : stack(examples))),
    inAxes: program.inputs.map(({ shared }) => (shared ? null : 0)),
  };
}

export const examplesOf = (program: Program): number => program.inputs[0].examples.length;

/** f at each example, stacked. */
export function loop(program: Program, f: (...inputs: Tensor[]) => Tensor[]): Tensor[] {
  const results = Array.from({ length: examplesOf(program) }, (_, k) => f(...argumentsOf(program, k)));
  return results[0].map((_, i) => stack(results.map((result) => result[i])));
}

/** Some steps inside another function. */
export function randomBlock(program: Program, random: Random, wrap: Block["wrap"]): Block {
  const from = random.integer(0, Math.max(0, program.steps.length - 1));
  const to = random.integer(Math.min(from + 1, program.steps.length), program.steps.length);
  const closed = new Set(program.values.map((_, k) => k).filter(() => random.chance(0.3)));
  return { from, to, closed, wrap };
}

type Wrap = Block["wrap"];
const jitted: Wrap = (f) => jit(f);
const checkpointed: Wrap = (f) => checkpoint(f);
/** A batch of one. */
const batchedOnce: Wrap = (f) => {
  const batched = vmap(f);
  return (...args) => batched(...args.map((x) => x.expandDims(0))).map((y) => y.slice(0));
};
/** A batch of one along the last axis. */
const batchedLast: Wrap = (f) => {
  const batched = vmap(f, { inAxes: -1, outAxes: -1 });
  return (...args) => batched(...args.map((x) => x.expandDims(-1))).map((y) => y.squeeze(-1));
};
export const wraps: readonly (readonly [string, Wrap])[] = [
  ["jit", jitted],
  ["checkpoint", checkpointed],
  ["vmap", batchedOnce],
  ["vmap over the last axis", batchedLast],
  ["jit of vmap", (f) => jit(batchedOnce(f))],
  ["vmap of jit", (f) => batchedOnce(jitted(f))],
  ["jit of checkpoint", (f) => jit(checkpoint(f))],
  ["checkpoint of jit", (f) => checkpoint(jit(f))],
  ["vmap of checkpoint", (f) => batchedOnce(checkpoint(f))],
  ["a chain of checkpoints", (f) => checkpoint(f, { keep: 1 })],
  ["jit of a chain of checkpoints", (f) => jit(checkpoint(f, { keep: 1 }))],
  ["checkpoint of checkpoint", (f) => checkpoint((...a: Tensor[]) => checkpoint(f)(...a))],
];

/** Compiled with some passes left out and every step verified. */
export function runWithout(
  program: Program,
  disable: ReadonlySet<PassName>,
  args: readonly Tensor[],
  f = functionOf(program),
): Tensor[] {
  const graph = traceGraph("jit", args, (leaves) => f(...(leaves as Tensor[])));
  const compiled = compile(graph, { donated: [], disable, verify: true });
  const executable = new WasmProgram(compiled.schedule);
  try {
    for (const { buffer, spec } of compiled.constants)
      if (spec.constant !== undefined) executable.write(buffer, spec.constant);
    compiled.inputs.forEach((buffer, i) => {
      executable.write(buffer, args[i].dataSync());
    });
    executable.run();
    return compiled.outputs.map((buffer, i) => {
      const { shape, dtype } = graph.outputs[i];
      const values = executable.read(buffer);
      return dtype === "bool"
        ? tensor(Int32Array.from(values), { shape }).cast("bool")
        : tensor(values, { shape });
    });
  } finally {
    executable.dispose();
  }
}

export const optional = passNames.filter((name) => name !== "inline");
