/** explain.cost: what a gradient takes, before it is run. */
import { graphOf, isTensor, type Tensor, tensor, valueAndGrad } from "../../index.js";
import { checkOptionNames, invalidArgument } from "../../util/checks.js";
import { formatReceived } from "../../util/errors.js";
import { flatten, unflatten } from "../../util/tree.js";
import { isFloat } from "../names.js";
import type { CostDocument, LineCost, OperationCost, StrategyCost } from "./document.js";
import { methodCosts } from "./methods.js";
import { CostReport } from "./report.js";
import { recomputeAll, segments, storeAll } from "./timeline.js";
import { bytesIn, type CostTrace, sumOf, traceCost } from "./trace.js";
import { asWritten } from "./written.js";

/** What to find out about the cost. */
export interface CostOptions {
  /** Also run the three methods, compiled, and take the time. Default true; false leaves everything uncomputed. */
  readonly measure?: boolean;
}

type AnyFunction = (...args: never[]) => unknown;

/**
 * What the value and the gradient of a function take: floating-point operations, bytes and memory kept, for each operation
 * and each line of the source; reverse mode against forward mode and differences; storing against recomputing, with what is
 * in memory step by step. Everything but the times is known before anything is computed.
 *
 * @param f returns a scalar; recorded on tensors without values, so it must not read any
 * @param args its arguments, as an array: tensors, numbers, or trees of them
 * @throws AdjointError `abstract-value` where f reads a value, `non-scalar-output`, `not-differentiable`, `invalid-argument`
 * @example
 * import { explain } from "adjoint/explain";
 * explain.cost((w) => w.sin().sin().sin(), [0.5], { measure: false }).toJSON().forward.flops; // → 3
 */
export function costOf(f: AnyFunction, args: readonly unknown[], options: CostOptions = {}): CostReport {
  if (typeof f !== "function") throw invalidArgument("explain.cost", "f", "a function", formatReceived(f));
  if (!Array.isArray(args) || isTensor(args))
    throw invalidArgument("explain.cost", "args", "an array of f's arguments", formatReceived(args));
  checkOptionNames(options, ["measure"], "explain.cost");
  const call = f as (...given: readonly unknown[]) => Tensor;
  const lifted = args.map((value) => (typeof value === "number" ? tensor(value) : value));
  const trace = traceCost(call, lifted);
  const { leaves, flat } = flattened(call, lifted);
  const forward = sumOf(trace.steps.map((step) => step.forward));
  const backward = sumOf(trace.steps.map((step) => step.backward));
  const reverse = forward.flops + backward.flops;
  const operations = operationCosts(trace);
  const document: CostDocument = {
    format: "adjoint-cost",
    version: 1,
    function: f.name,
    parameters: leaves.reduce((sum, { size }) => sum + size, 0),
    forward,
    backward,
    savedBytes: operations.reduce((sum, { savedBytes }) => sum + savedBytes, 0),
    operations,
    lines: lineCosts(operations),
    methods: methodCosts(flat, leaves, { forward: forward.flops, reverse }, options.measure ?? true),
    strategies: strategiesOf(trace, flat, leaves, reverse),
  };
  return new CostReport(document);
}

/** The floating-point tensors of the arguments, and the function of them alone. */
function flattened(call: (...given: readonly unknown[]) => Tensor, args: readonly unknown[]) {
  const parts = args.map((value) => flatten(value, isTensor, "explain.cost"));
  const leaves = parts.flatMap((part) => part.leaves).filter(isFloat);
  const flat = (...given: Tensor[]): Tensor => {
    let next = 0;
    return call(
      ...parts.map((part) =>
        unflatten(
          part.structure,
          part.leaves.map((leaf) => (isFloat(leaf) ? given[next++] : leaf)),
        ),
      ),
    );
  };
  return { leaves, flat };
}

function operationCosts({ steps }: CostTrace): OperationCost[] {
  const saved = new Set(steps.flatMap(({ saves }) => saves));
  return steps.map(({ operation: { primitive, outputs }, site, forward, backward }) => ({
    primitive: primitive.name,
    shape: outputs[0].shape,
    dtype: outputs[0].dtype,
    place: site?.place ?? null,
    calls: site?.calls ?? [],
    forward,
    backward,
    savedBytes: outputs.reduce((sum, output) => sum + (saved.has(output) ? bytesIn(output) : 0), 0),
  }));
}

/** Operations of one line together, in the order of their first. */
export function lineCosts(operations: readonly OperationCost[]): LineCost[] {
  const lines = new Map<string, OperationCost[]>();
  for (const operation of operations) {
    const { place } = operation;
    const key = place === null ? "" : `${place.file}:${place.line}`;
    const known = lines.get(key);
    if (known === undefined) lines.set(key, [operation]);
    else known.push(operation);
  }
  return [...lines.values()].map((list) => ({
    place: list[0].place,
    operations: list.length,
    forward: sumOf(list.map(({ forward }) => forward)),
    backward: sumOf(list.map(({ backward }) => backward)),
    savedBytes: list.reduce((sum, { savedBytes }) => sum + savedBytes, 0),
  }));
}

function strategiesOf(
  trace: CostTrace,
  flat: (...given: Tensor[]) => Tensor,
  leaves: readonly Tensor[],
  reverse: number,
): StrategyCost[] {
  const gradient = valueAndGrad(flat, { argnums: leaves.map((_, i) => i) }) as (
    ...given: Tensor[]
  ) => unknown;
  return [
    storeAll(trace),
    trace.recomputed ? asWritten(graphOf(gradient, ...leaves), reverse) : null,
    segments(trace),
    recomputeAll(trace),
  ].filter((strategy) => strategy !== null);
}
