/** The computational graph as the document has it. */
import type { DType } from "../index.js";
import { listParams, type Node, type Operation } from "../transforms/tape.js";
import type { DerivationLine, GraphNode, GraphOperation, GraphSection, Refusal } from "./document.js";
import { isLinearHere } from "./local.js";
import { isFloat } from "./names.js";
import { valuesOf } from "./numbers.js";
import { adjointOf, backwardFormula, forwardFormula } from "./rules.js";
import type { Symbols } from "./symbols.js";
import type { TapeIndex } from "./tape-index.js";

const bytesOf: Readonly<Record<DType, number>> = { float32: 4, float64: 8, int32: 4, bool: 1 };

/** Graphs with more operations than this are not written out as a derivation. */
const largestDerivation = 2_000;

/**
 * @param limit tensors with more elements are summarised
 */
export function graphSection(index: TapeIndex, symbols: Symbols, limit: number): GraphSection {
  const nodes = index.nodes.map((node) => graphNode(index, symbols, node, limit));
  const sum = (chosen: (node: GraphNode) => boolean): number =>
    nodes.reduce((total, node) => (chosen(node) ? total + node.bytes : total), 0);
  return {
    nodes,
    operations: index.tape.operations.map((operation, id) => graphOperation(index, symbols, operation, id)),
    savedBytes: sum(({ kind, saved, recomputed }) => kind === "result" && saved && !recomputed),
    recomputedBytes: sum(({ kind, saved, recomputed }) => kind === "result" && saved && recomputed),
    totalBytes: sum(() => true),
    backwardEdges: index.adjoints.edges,
    backwardAdditions: index.adjoints.additions,
  };
}

function graphNode(index: TapeIndex, symbols: Symbols, node: Node, limit: number): GraphNode {
  const maker = index.makerOf(node);
  const kind = maker !== null ? "result" : index.isConstant(node) ? "constant" : "input";
  const isUniform = node.storage?.uniform !== undefined;
  const value = valuesOf(index.valuesOf(node), limit);
  const adjoint = index.adjointOf(node);
  // an input the cost does not reach has the derivative 0, as in grad
  const bar = adjoint ?? (kind === "input" && isFloat(node) ? new Float64Array(value.size) : null);
  return {
    id: index.idOf(node),
    kind,
    name: symbols.nameOf(node),
    symbol: symbols.of(node),
    shape: node.shape,
    dtype: node.dtype,
    operation: maker,
    value,
    adjoint: bar === null ? null : valuesOf(bar, limit),
    saved: index.adjoints.saved.has(node) && !isUniform,
    recomputed: maker !== null && index.tape.recomputed.has(index.operation(maker)),
    bytes: isUniform ? 0 : value.size * bytesOf[node.dtype],
  };
}

function graphOperation(
  index: TapeIndex,
  symbols: Symbols,
  operation: Operation,
  id: number,
): GraphOperation {
  const { primitive, inputs, outputs, params } = operation;
  const site = index.tape.sites.get(operation);
  const names = inputs.map((input) => symbols.of(input));
  const output = symbols.of(outputs[0]);
  const reached = outputs.some((made) => index.adjointOf(made) !== null);
  return {
    id,
    primitive: primitive.name,
    inputs: inputs.map((input) => index.idOf(input)),
    outputs: outputs.map((made) => index.idOf(made)),
    params: params === undefined ? null : listParams(params, () => -1),
    place: site?.place ?? null,
    calls: site?.calls ?? [],
    flops: primitive.cost(inputs, outputs, params).flops,
    forward: forwardFormula(primitive.name, names, output),
    backward: inputs.flatMap((input, position) => {
      if (!reached || primitive.vjp === "none" || index.adjointOf(input) === null || index.isConstant(input))
        return [];
      const formula = backwardFormula(primitive.name, names, output, position);
      return formula === null ? [] : [formula];
    }),
    linear: isLinearHere(operation, (node) => index.isConstant(node)),
  };
}

/** The whole graph as let-bound lines: values forward, then adjoints backward from ∂C/∂C = 1. */
export function derivationOf({ nodes, operations }: GraphSection, cost: number): DerivationLine[] | Refusal {
  if (operations.length > largestDerivation)
    return {
      status: "refused",
      reason: `${operations.length} operations are more than the ${largestDerivation} that are written out; read the operations of the graph, each with its rule`,
    };
  const seed = adjointOf(nodes[cost].symbol);
  return [
    ...operations.map(
      ({ id, forward }): DerivationLine => ({ phase: "forward", operation: id, formula: forward }),
    ),
    {
      phase: "backward",
      operation: null,
      formula: { text: `${seed.text} = 1`, latex: `${seed.latex} = 1` },
    },
    ...[...operations]
      .reverse()
      .flatMap(({ id, backward }) =>
        backward.map((formula): DerivationLine => ({ phase: "backward", operation: id, formula })),
      ),
  ];
}
