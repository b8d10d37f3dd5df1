/**
 * The tape of a scalar function: every operation between its arguments and its result, with values, places in the user's
 * code and adjoints. This is what explanations read; they see the inside of the library through this file alone.
 *
 * Compiled calls, checkpoints, scans and loops are dissolved into what they are made of, and the aliases of finished transforms vanish,
 * so that the tape holds primitives only.
 */
import { type CallSite, callSite } from "../graph/call-site.js";
import { evaluateGraph, type Graph } from "../graph/graph.js";
import { bindAll, type Node, type Operation, observed, uniformNode } from "../graph/node.js";
import { add } from "../primitives/binary.js";
import type { Tensor } from "../tensor/tensor.js";
import { isFloating } from "../types/dtype.js";
import { AdjointError, formatShape } from "../util/errors.js";
import { leafPaths } from "../util/tree.js";
import { checkPrimals, checkScalar, checkSynchronous, flattenTensors, rebuild } from "./arguments.js";
import type { CallParams } from "./call.js";
import { type Recorded, recordOn } from "./reverse.js";
import { unrollControl } from "./unroll-control.js";

export type { CallSite, Place } from "../graph/call-site.js";
export { constantNode, type Node, type Operation, readValue, uniformNode } from "../graph/node.js";
export type { Primitive } from "../graph/primitive.js";
export type { ListedParams } from "../graph/print.js";
export { listParams } from "../graph/print.js";
export type { PrimitiveName } from "../primitives/registry.js";

/** A floating-point tensor of the arguments: what the function is differentiated towards. */
export interface TapeLeaf {
  readonly node: Node;
  /** Which argument it is in, and where there; "" where the argument is the tensor itself. */
  readonly argument: number;
  readonly path: string;
}

/** A recorded scalar function. */
export interface Tape {
  readonly leaves: readonly TapeLeaf[];
  /** Each after those it depends on. */
  readonly operations: readonly Operation[];
  readonly output: Node;
  readonly sites: ReadonlyMap<Operation, CallSite>;
  /** Operations inside a checkpoint: computed again on the way back. */
  readonly recomputed: ReadonlySet<Operation>;
  /** How many times random bits were drawn. */
  readonly draws: number;
}

/**
 * Runs `f` at `args` (tensors in place of numbers) and keeps what lies between them and the result.
 *
 * @param places whether to note where in the user's code each operation was asked for
 * @throws AdjointError `non-scalar-output`, `not-differentiable`, `async-function`; what `f` throws, with how far it came
 */
export function recordTape(
  operation: string,
  f: (...args: readonly unknown[]) => unknown,
  args: readonly unknown[],
  places = true,
): Tape {
  const parts = args.map((argument) => flattenTensors(argument, operation));
  const all = parts.flatMap(({ leaves }) => leaves);
  checkPrimals(args, all, operation);
  const primals = all.filter(({ dtype }) => isFloating(dtype));
  const named = parts.flatMap(({ leaves, structure }, argument) =>
    leafPaths(structure).flatMap((path, i) => (isFloating(leaves[i].dtype) ? [{ argument, path }] : [])),
  );
  const sites = new Map<Operation, CallSite>();
  let draws = 0;
  let made = 0;
  let last = "";
  const call = (leaves: readonly Node[]): Tensor => {
    let next = 0;
    const given = parts.map(({ leaves: originals, structure }) =>
      rebuild(
        structure,
        originals.map((leaf) => (isFloating(leaf.dtype) ? leaves[next++] : leaf)),
      ),
    );
    const result = observed(
      (primitive, _inputs, outputs) => {
        made++;
        if (primitive.name === "randomBits") draws++;
        const site: CallSite = places ? callSite() : { place: null, calls: [] };
        if (places && outputs[0].operation !== null) sites.set(outputs[0].operation, site);
        const place = site.place === null ? "" : ` at ${site.place.file}:${site.place.line}`;
        last = `${primitive.name} → ${outputs[0].dtype}${formatShape(outputs[0].shape)}${place}`;
      },
      () => {
        try {
          return f(...given);
        } catch (error) {
          throw whereItFailed(operation, error, made, last);
        }
      },
    );
    checkSynchronous(result, operation);
    return checkScalar(result, operation);
  };
  const { recorded } = recordOn(operation, primals, (leaves) => ({
    outputs: [call(leaves)],
    result: undefined,
  }));
  const { leaves, outputs, operations, recomputed } = dissolve(operation, recorded, sites);
  return {
    leaves: leaves.map((node, i) => ({ node, ...named[i] })),
    operations,
    output: outputs[0],
    sites,
    recomputed,
    draws,
  };
}

/** The error of the user's function, saying how far it came; the original is its cause. */
function whereItFailed(operation: string, error: unknown, made: number, last: string): AdjointError {
  const reached =
    made === 0
      ? "before any operation"
      : `after ${made} ${made === 1 ? "operation" : "operations"}, the last ${last}`;
  const message = error instanceof Error ? error.message : String(error);
  const name = error instanceof AdjointError || !(error instanceof Error) ? "" : `${error.name}: `;
  return new AdjointError(
    error instanceof AdjointError ? error.code : "invalid-argument",
    `${operation}: f threw ${reached}: ${name}${message}`,
    error instanceof AdjointError ? error.details : { operation, argument: "f" },
    { cause: error },
  );
}

const composite = new Set(["alias", "call", "checkpoint"]);

/** The same tape with nothing but primitives on it. */
function dissolve(
  name: string,
  recorded: Recorded,
  sites: Map<Operation, CallSite>,
): Recorded & { readonly recomputed: ReadonlySet<Operation> } {
  const recomputed = new Set<Operation>();
  const isComposite = ({ primitive }: Operation): boolean =>
    composite.has(primitive.name) || primitive.lowering.kind === "control";
  if (!recorded.operations.some(isComposite)) return { ...recorded, recomputed };
  const replay = (site: CallSite | undefined, forgotten: boolean) => {
    return (operation: Operation, inputs: readonly Node[]): readonly Node[] => {
      const own = sites.get(operation) ?? site;
      const { primitive, params } = operation;
      if (primitive.name === "alias") return inputs;
      if (primitive.name === "call" || primitive.name === "checkpoint") {
        const inside = forgotten || primitive.name === "checkpoint";
        return evaluateGraph((params as CallParams).graph, inputs, replay(own, inside));
      }
      if (primitive.lowering.kind === "control")
        return unrollControl(name, primitive.lowering.control(params), inputs, replay(own, forgotten));
      const outputs = bindAll(primitive, inputs, params);
      const made = outputs[0].operation;
      if (made !== null) {
        if (own !== undefined) sites.set(made, own);
        if (forgotten) recomputed.add(made);
      }
      return outputs;
    };
  };
  const graph: Graph = {
    inputs: recorded.leaves,
    captures: [],
    operations: recorded.operations,
    outputs: recorded.outputs,
  };
  const { recorded: again } = recordOn(name, recorded.leaves, (leaves) => ({
    outputs: evaluateGraph(graph, leaves, replay(undefined, false)),
    result: undefined,
  }));
  return { ...again, recomputed };
}

/** What the way back gives. */
export interface Adjoints {
  /** The derivative of the result towards each node; what it does not depend on is missing. */
  readonly of: ReadonlyMap<Node, Node>;
  /** What the rules of derivatives read: values of the way forward among them have to be kept for the way back. */
  readonly saved: ReadonlySet<Node>;
  /** Edges the way back went along, each once, and how often cotangents were added where paths meet. */
  readonly edges: number;
  readonly additions: number;
}

/** Reverse accumulation that keeps every node's adjoint (as `pullBack` does, which keeps the leaves' only). */
export function adjointsOf(tape: Tape): Adjoints {
  const bars = new Map<Node, Node>([[tape.output, uniformNode([], tape.output.dtype, 1)]]);
  const active = new Set<Node>(tape.leaves.map(({ node }) => node));
  for (const { outputs } of tape.operations) for (const output of outputs) active.add(output);
  const saved = new Set<Node>();
  let edges = 0;
  let additions = 0;
  observed(
    (_primitive, inputs) => {
      for (const input of inputs) saved.add(input);
    },
    () => {
      for (let i = tape.operations.length - 1; i >= 0; i--) {
        const { primitive, inputs, outputs, params } = tape.operations[i];
        const cotangents = outputs.map((output) => bars.get(output) ?? null);
        if (primitive.vjp === "none" || cotangents.every((bar) => bar === null)) continue;
        const needs = inputs.map((input) => active.has(input));
        const given = primitive.vjp({ primals: inputs, outputs, cotangents, params, needs });
        inputs.forEach((input, k) => {
          const bar = given[k];
          if (bar === null || !needs[k]) return;
          edges++;
          const sofar = bars.get(input);
          if (sofar !== undefined) additions++;
          bars.set(input, sofar === undefined ? bar : add(sofar, bar));
        });
      }
    },
  );
  return { of: bars, saved, edges, additions };
}
