/** explain: why a gradient is what it is, as one document. */
import { AdjointError, graphOf, isTensor, type Tensor, tensor } from "../index.js";
import { adjointsOf, readValue, recordTape, type Tape, type TapeLeaf } from "../transforms/tape.js";
import { checkOptionNames, invalidArgument, isList, isNatural } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { flatten, unflatten as rebuild } from "../util/tree.js";
import { assumptionsOf } from "./assumptions.js";
import { checkDerivative, unchecked } from "./check.js";
import { textbookOf } from "./derivation/index.js";
import type { Assumption, Check, ExplanationDocument, Formula, Paths, Refusal, Target } from "./document.js";
import { equationsOf, type FoundEquations } from "./equations.js";
import { Explanation } from "./explanation.js";
import { derivationOf, graphSection } from "./graph-section.js";
import { findLayers } from "./layers.js";
import {
  argumentNames,
  elementSymbol,
  flattenIndex,
  isFloat,
  leafNames,
  type Of,
  resolveTarget,
  unflatten,
} from "./names.js";
import { narrate } from "./narration/index.js";
import { largest, real, show } from "./numbers.js";
import { pathsTo } from "./paths.js";
import { Symbols } from "./symbols.js";
import { TapeIndex } from "./tape-index.js";

/** What to explain, and how much of it to write down. */
export interface ExplainOptions {
  /** Which derivative: the path and index of a number in the arguments. Default: the largest derivative in the first argument. */
  readonly of?: Of;
  /** What formulas call the arguments. Default: the names in the function's source. */
  readonly names?: readonly string[];
  /** Paths listed at most; all are where there are no more. Default 64. */
  readonly paths?: number;
  /** Tensors with more elements are summarised instead of written out. Default 64. */
  readonly maxElements?: number;
}

type AnyFunction = (...args: never[]) => unknown;

/** A scalar function recorded at a point, with what is needed to talk about it. */
interface Recorded {
  readonly index: TapeIndex;
  readonly args: readonly unknown[];
  readonly argumentNames: readonly string[];
  readonly names: readonly string[];
  readonly symbols: Symbols;
  readonly layers: ReturnType<typeof findLayers>;
}

function record(
  operation: string,
  f: AnyFunction,
  args: readonly unknown[],
  options: ExplainOptions,
): Recorded {
  if (typeof f !== "function") throw invalidArgument(operation, "f", "a function", formatReceived(f));
  if (!Array.isArray(args) || isTensor(args))
    throw invalidArgument(operation, "args", "an array of f's arguments", formatReceived(args));
  checkOptionNames(options, ["of", "names", "paths", "maxElements"], operation);
  for (const name of ["paths", "maxElements"] as const)
    if (options[name] !== undefined && !isNatural(options[name]))
      throw invalidArgument(operation, name, "an integer of at least 0", formatReceived(options[name]));
  if (options.names !== undefined && !isList(options.names, (name) => typeof name === "string"))
    throw invalidArgument(operation, "names", "an array of strings", formatReceived(options.names));
  const lifted = args.map((value) => (typeof value === "number" ? tensor(value) : value));
  const tape = recordTape(operation, f as (...given: readonly unknown[]) => unknown, lifted);
  const index = new TapeIndex(tape, adjointsOf(tape));
  const called = argumentNames(f, args.length, options.names);
  const names = leafNames(tape.leaves.map(shaped), called);
  const layers = findLayers(index, names);
  const symbols = new Symbols(
    index,
    new Map(tape.leaves.map(({ node }, i) => [node, names[i]])),
    new Map<Tape["output"], Formula>([[tape.output, { text: "C", latex: "C" }], ...layers.symbols]),
  );
  return { index, args: lifted, argumentNames: called, names, symbols, layers };
}

function shaped({ argument, path, node }: TapeLeaf) {
  return { argument, path, shape: node.shape };
}

/** The number that is explained: the one asked for, else the largest derivative of the tensor meant. */
function targetOf({ index, argumentNames: called, names, symbols }: Recorded, of: Of | undefined): Target {
  const { leaves } = index.tape;
  const asked =
    of === undefined
      ? { leaf: steepest(index), index: null }
      : resolveTarget(of, leaves.map(shaped), names, called);
  const { node } = leaves[asked.leaf];
  const values = index.valuesOf(node);
  if (values.length === 0)
    throw invalidArgument("explain", "of", "a tensor with elements", `${names[asked.leaf]}, which has none`);
  const bar = index.adjointOf(node);
  let at = 0;
  if (asked.index !== null) at = flattenIndex(asked.index, node.shape);
  else if (bar !== null)
    for (let i = 1; i < bar.length; i++) if (Math.abs(bar[i]) > Math.abs(bar[at])) at = i;
  const position = unflatten(at, node.shape);
  const path = names[asked.leaf];
  return {
    node: index.idOf(node),
    path,
    index: position,
    name: position.length === 0 ? path : `${path}[${position.join(",")}]`,
    symbol: elementSymbol(symbols.of(node), position),
    value: real(values[at]),
    adjoint: real(bar === null ? 0 : bar[at]),
    chosen: asked.index === null ? "largest" : "given",
  };
}

/** The tensor of the first argument with the largest derivative. */
function steepest(index: TapeIndex): number {
  const first = index.tape.leaves[0].argument;
  let best = 0;
  let most = -1;
  index.tape.leaves.forEach(({ argument, node }, i) => {
    const bar = index.adjointOf(node);
    if (argument !== first || bar === null) return;
    for (const value of bar)
      if (Math.abs(value) > most) {
        most = Math.abs(value);
        best = i;
      }
  });
  return best;
}

/** The derivative in float64, by reverse mode and by differences. */
function checkOf(f: AnyFunction, { index, args }: Recorded, target: Target): Check {
  const flat = args.map((value) => flatten(value, isTensor, "explain"));
  const at = flattenIndex(target.index, index.nodes[target.node].shape);
  // the same arguments in float64, the target moved by h
  const moved = (h: number): unknown[] => {
    let leaf = 0;
    return flat.map(({ leaves, structure }) =>
      rebuild(
        structure,
        leaves.map((given) => {
          if (!isFloat(given)) return given;
          const data = Float64Array.from(given.dataSync());
          if (leaf++ === target.node) data[at] += h;
          return tensor(data, { shape: given.shape, dtype: "float64" });
        }),
      ),
    );
  };
  const call = f as (...given: readonly unknown[]) => Tensor;
  const { adjoint } = target;
  try {
    const precise = recordTape("explain", call, moved(0), false);
    const bar = adjointsOf(precise).of.get(precise.leaves[target.node].node);
    const analytic = bar === undefined ? 0 : readValue(bar)[at];
    const tolerance = index.nodes[target.node].dtype === "float64" ? 1e-9 : 1e-2;
    const scale = largest(index.adjointOf(index.nodes[target.node]) ?? []);
    const costAt = (h: number): number => call(...moved(h)).itemSync();
    return checkDerivative(costAt, Number(target.value), analytic, Number(adjoint), tolerance, scale);
  } catch (error) {
    // a function that mixes in float32 where dtypes must agree, or that runs only once
    return unchecked(Number(adjoint), error instanceof Error ? error.message : String(error));
  }
}

/** Where f reads values, if it does: found by recording it on tensors that have none. */
function readsValues(f: AnyFunction, args: readonly unknown[]): string | null {
  try {
    graphOf(f as (...given: unknown[]) => unknown, ...args);
    return null;
  } catch (error) {
    if (!(error instanceof AdjointError) || error.code !== "abstract-value") return null;
    return / \(at [^)]*\)/.exec(error.message)?.[0] ?? "";
  }
}

/**
 * Explains a derivative: the graph with values, adjoints and source lines, the chain-rule paths to one weight with their numbers,
 * the equations of backpropagation where the function is a dense network, a check by differences, and what it all assumes.
 *
 * @param f returns a scalar floating-point tensor; it runs on real values, so it may decide by them, and must be
 * deterministic
 * @param args its arguments, as an array: tensors, numbers, or trees of them, such as a model
 * @param options.of `"layers.1.weight[3,5]"`; a tensor without an index means its largest derivative
 * @throws AdjointError `invalid-argument` for a path there is not, `index-out-of-range`, `non-scalar-output`,
 * `not-differentiable`, `async-function`; what f throws, saying how far it came
 * @example
 * import { explain } from "adjoint/explain";
 * explain((w) => w.mul(w), [3], { of: "w" }).toJSON().target.adjoint; // → 6
 */
export function explain(f: AnyFunction, args: readonly unknown[], options: ExplainOptions = {}): Explanation {
  const recorded = record("explain", f, args, options);
  const { index, symbols, layers } = recorded;
  const limit = options.maxElements ?? 64;
  const target = targetOf(recorded, options.of);
  const graph = graphSection(index, symbols, limit);
  const cost = index.idOf(index.tape.output);
  const equations = equationsOf(index, symbols, layers, target, limit);
  const document: ExplanationDocument = {
    format: "adjoint-explanation",
    version: 1,
    function: { name: f.name, arguments: recorded.argumentNames },
    cost: { node: cost, value: real(index.valuesOf(index.tape.output)[0]) },
    target,
    graph,
    paths: pathsAt(recorded, target, equations, options.paths),
    equations: equations.section,
    derivation: derivationOf(graph, cost),
    textbook: textbookOf(index, symbols, recorded.names, layers, target),
    narration: [],
    check: checkOf(f, recorded, target),
    assumptions: [
      ...reductionOf(equations),
      ...assumptionsOf(index, symbols, layers.composites, readsValues(f, recorded.args)),
    ],
  };
  return new Explanation({ ...document, narration: narrate(document) });
}

function pathsAt(
  { index, symbols }: Recorded,
  target: Target,
  context: FoundEquations,
  count: number | undefined,
): Paths | Refusal {
  const node = index.nodes[target.node];
  const at = flattenIndex(target.index, node.shape);
  return pathsTo(index, symbols, node, at, Number(target.adjoint), context, count);
}

/** How the cost adds up its examples, where the equations tell. */
function reductionOf({ section }: FoundEquations): Assumption[] {
  if (section.status === "refused" || section.cost.scale === null) return [];
  const { examples, cost } = section;
  const scale = Number(cost.scale);
  const text =
    scale === 1
      ? `the cost is a sum over ${examples === 1 ? "one example" : `${examples} examples`}, y held constant`
      : `every gradient has the factor ${show(scale)} of the cost's ${scale < 1 ? "mean" : "sum"}, and y is held constant`;
  return [{ kind: "reduction", text, operation: null, count: examples }];
}

/**
 * Only the chain-rule paths from the cost to one number: their count, the largest of them as lists of factors, their sum.
 *
 * @throws AdjointError as `explain`
 * @example
 * import { explain } from "adjoint/explain";
 * explain.paths((w) => w.sin().mul(w), [2], { of: "w" }).count; // → 2
 */
export function pathsOf(
  f: AnyFunction,
  args: readonly unknown[],
  options: ExplainOptions = {},
): Paths | Refusal {
  const recorded = record("explain.paths", f, args, options);
  const { index, symbols, layers } = recorded;
  const target = targetOf(recorded, options.of);
  return pathsAt(recorded, target, equationsOf(index, symbols, layers, target, 0), options.paths);
}
