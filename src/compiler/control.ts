/**
 * control: scans, choices and loops as kernels that run kernels.
 *
 * A graph inside is lowered for itself, with buffers of its own numbers, and then put into the program around it: constants
 * are buffers of the program, what is carried lies in the buffers of the results, and what a step makes anew of it is written
 * there at once where nothing reads the old contents any more.
 *
 * Guarantees: an inner list leaves all carries in their buffers; buffers inside are written before they are read in each step,
 * but for carries.
 */
import type { CondParams, Control, ScanParams, WhileParams } from "../graph/control.js";
import type { Graph } from "../graph/graph.js";
import type { Node, Operation } from "../graph/node.js";
import type { Expr, Kernel, LoopKernel, StepWindow } from "../loops/ir.js";
import type { DType, TypedArray } from "../types/dtype.js";
import { sizeOf } from "../types/shape.js";
import { renamer, writeInPlace } from "./donate.js";
import { buffersOf } from "./kernels.js";
import type { BufferSpec, Lowered } from "./lower.js";
import { uniformOf } from "./rewrite.js";

/** The program around it, as far as it is made. */
export interface Program {
  readonly kernels: Kernel[];
  newBuffer(dtype: DType, length: number, constant?: TypedArray): number;
  bufferOf(node: Node): number;
  allocateFor(node: Node): number;
}

/** A graph as kernels over buffers of its own. */
export type LowerGraph = (graph: Graph) => Lowered;

export function lowerControl(
  program: Program,
  operation: Operation,
  control: Control,
  lowerGraph: LowerGraph,
): void {
  switch (control.kind) {
    case "scan":
      lowerScan(program, operation, control, lowerGraph(control.body));
      break;
    case "cond":
      lowerCond(program, operation, control, lowerGraph);
      break;
    case "while":
      lowerWhile(program, operation, control, lowerGraph);
      break;
  }
}

function lowerScan(
  program: Program,
  { inputs, outputs, primitive }: Operation,
  { constants, carries, length, reverse }: ScanParams,
  lowered: Lowered,
): void {
  const shared = inputs.slice(0, constants).map((node) => program.bufferOf(node));
  const sequences = inputs.slice(constants + carries).map((node) => program.bufferOf(node));
  const carried = startCarries(
    program,
    inputs.slice(constants, constants + carries),
    outputs,
    primitive.name,
  );
  const results = outputs.slice(carries).map((node) => program.allocateFor(node));
  const step = carriedInPlace(lowered, constants, carries);
  const used = new Set([...step.kernels.flatMap((kernel) => [...buffersOf(kernel)]), ...step.outputs]);
  const { kernels, place } = embed(program, step, [...shared, ...carried]);
  const reads = sequences.flatMap((sequence, i): StepWindow[] => {
    const slice = step.inputs[constants + carries + i];
    return used.has(slice) ? [{ sequence, window: place(slice) }] : [];
  });
  const writes = results.map((sequence, i) => ({ sequence, window: place(step.outputs[carries + i]) }));
  program.kernels.push({ kind: "scan", name: primitive.name, length, reverse, reads, writes, body: kernels });
}

function lowerWhile(
  program: Program,
  { inputs, outputs, primitive }: Operation,
  { constants, condition, body }: WhileParams,
  lowerGraph: LowerGraph,
): void {
  const shared = inputs.slice(0, constants).map((node) => program.bufferOf(node));
  const carried = startCarries(program, inputs.slice(constants), outputs, primitive.name);
  const asked = lowerGraph(condition);
  const goesOn = embed(program, asked, [...shared, ...carried]);
  const step = embed(program, carriedInPlace(lowerGraph(body), constants, outputs.length), [
    ...shared,
    ...carried,
  ]);
  program.kernels.push({
    kind: "while",
    name: primitive.name,
    condition: goesOn.kernels,
    predicate: goesOn.place(asked.outputs[0]),
    body: step.kernels,
  });
}

function lowerCond(
  program: Program,
  { inputs: [predicate, ...operands], outputs, primitive }: Operation,
  { onTrue, onFalse }: CondParams,
  lowerGraph: LowerGraph,
): void {
  const chosen = program.bufferOf(predicate);
  const given = operands.map((node) => program.bufferOf(node));
  const results = outputs.map((node) => program.allocateFor(node));
  const [yes, no] = [onTrue, onFalse].map((graph) => {
    const lowered = lowerGraph(graph);
    const seen = new Set<number>(lowered.inputs);
    const separate = withCopies(lowered, (buffer) => {
      const isTaken = seen.has(buffer);
      seen.add(buffer);
      return isTaken;
    });
    return embed(program, separate, given, new Map(separate.outputs.map((buffer, i) => [buffer, results[i]])))
      .kernels;
  });
  program.kernels.push({ kind: "cond", name: primitive.name, predicate: chosen, onTrue: yes, onFalse: no });
}

/** Puts the first carries where the last will be, and gives these buffers. */
function startCarries(
  program: Program,
  first: readonly Node[],
  last: readonly Node[],
  name: string,
): number[] {
  return first.map((node, i) => {
    const { dtype } = node;
    const uniform = node.isAbstract ? undefined : uniformOf(node);
    const value: Expr =
      uniform === undefined
        ? { kind: "load", dtype, buffer: program.bufferOf(node), offset: 0, strides: [1] }
        : { kind: "constant", dtype, value: uniform };
    const buffer = program.allocateFor(last[i]);
    if (sizeOf(node.shape) > 0)
      program.kernels.push(elementwise(`${name} (start)`, sizeOf(node.shape), buffer, value));
    return buffer;
  });
}

function elementwise(name: string, length: number, buffer: number, value: Expr): LoopKernel {
  return {
    kind: "loops",
    name,
    loops: [length],
    reducedLoops: 0,
    reductions: [],
    stores: [{ buffer, offset: 0, strides: [1], value }],
  };
}

/** Outputs as buffers of their own where `isTaken` says so of the buffer an output is in. */
function withCopies(lowered: Lowered, isTaken: (buffer: number, output: number) => boolean): Lowered {
  const buffers: BufferSpec[] = [...lowered.buffers];
  const kernels = [...lowered.kernels];
  const outputs = lowered.outputs.map((buffer, output) => {
    const { dtype, length, constant } = buffers[buffer];
    const taken = isTaken(buffer, output);
    if (!taken && constant === undefined) return buffer;
    const copy = buffers.push({ dtype, length }) - 1;
    if (length > 0)
      kernels.push(
        elementwise("keep", length, copy, { kind: "load", dtype, buffer, offset: 0, strides: [1] }),
      );
    return copy;
  });
  return { ...lowered, buffers, kernels, outputs };
}

/** A step that ends with each new carry in the buffer of the old one. */
function carriedInPlace(lowered: Lowered, constants: number, carries: number): Lowered {
  const inputs = new Set(lowered.inputs);
  const old = new Set(lowered.inputs.slice(constants, constants + carries));
  const next = new Set<number>();
  const separate = withCopies(lowered, (buffer, output) => {
    // what a step gives as a slice must not be a carry that the step replaces
    if (output >= carries) return old.has(buffer);
    if (buffer === lowered.inputs[constants + output]) return false;
    const isTaken = inputs.has(buffer) || next.has(buffer);
    next.add(buffer);
    return isTaken;
  });
  return writeInPlace(
    separate,
    separate.outputs.map((_, output) => (output < carries ? constants + output : -1)),
  );
}

/**
 * Gives the buffers of a lowered graph places in the program.
 * @param given buffers of the program for the first inputs
 * @param known further ones that have a place already
 */
function embed(
  program: Program,
  lowered: Lowered,
  given: readonly number[],
  known: ReadonlyMap<number, number> = new Map(),
): { readonly kernels: Kernel[]; readonly place: (buffer: number) => number } {
  const places = new Map(known);
  given.forEach((buffer, i) => {
    places.set(lowered.inputs[i], buffer);
  });
  const place = (buffer: number): number => {
    let found = places.get(buffer);
    if (found === undefined) {
      const { dtype, length, constant } = lowered.buffers[buffer];
      found = program.newBuffer(dtype, length, constant);
      places.set(buffer, found);
    }
    return found;
  };
  for (const kernel of lowered.kernels) for (const buffer of buffersOf(kernel)) place(buffer);
  return { kernels: lowered.kernels.map(renamer(places)), place };
}
