/** The chain-rule paths from the cost to one number: the section of the document. */
import type { Node } from "../transforms/tape.js";
import type { Composite } from "./composites.js";
import { type CondensedGraph, condense } from "./condense.js";
import type { AccumulationStep, Edge, Factor, Formula, Path, Paths, Refusal, Vertex } from "./document.js";
import { isLinearHere } from "./local.js";
import { elementSymbol, unflatten } from "./names.js";
import { compare, epsilonOf, real, show, showLatex } from "./numbers.js";
import { bracketed, partialFormula } from "./rules.js";
import { type Link, largestScalarGraph, type Origin, scalarGraph } from "./scalar-graph.js";
import type { Symbols } from "./symbols.js";
import type { TapeIndex } from "./tape-index.js";
import { largestPaths, totals, type Walk } from "./walk-paths.js";

/** Up to this many paths all are listed. */
const listedPaths = 64;
/** Factors written down at most: very long paths make the list shorter. */
const largestListing = 20_000;
/** Edges written down at most, unless a listed path takes them. */
const largestEdgeList = 20_000;
/** Steps of reverse accumulation written down at most. */
const largestAccumulation = 200;

/** What is known of the graph besides. */
export interface PathContext {
  readonly composites: ReadonlyMap<number, Composite>;
  /** What ∂C/∂z of the output layer is in symbols, where that is simpler than what it is computed by. */
  readonly outputError: { readonly z: Node; of(at: number): Formula } | null;
}

/** Every path from the cost to element `at` of `leaf`, or the `count` largest. */
export function pathsTo(
  index: TapeIndex,
  symbols: Symbols,
  leaf: Node,
  at: number,
  adjoint: number,
  { composites, outputError }: PathContext,
  count = listedPaths,
): Paths | Refusal {
  const whole = scalarGraph(index, leaf, at);
  if (whole === null)
    return refusal(
      `more than ${largestScalarGraph.toLocaleString("en")} partial derivatives lie between the cost and this element; explain fewer examples at a time, or read the gradient by reverse accumulation`,
    );
  const graph = condense(whole, index, composites, ({ node }) => symbols.isNamed(node));
  if (graph === null) return refusal("the cost does not depend on this element");
  const all = totals(graph);
  const longest = deepest(graph);
  const limit = Math.max(1, Math.min(count, Math.floor(largestListing / Math.max(1, longest))));
  const walks = largestPaths(graph, all.count <= BigInt(limit) ? Number(all.count) : limit);
  const kept = new Listing(index, symbols, { composites, outputError }, graph, all.adjoints, walks);
  const listed = walks.map((walk) => kept.path(walk));
  const unlisted = all.count - BigInt(listed.length);
  const edges = graph.links.reduce((sum, links) => sum + links.length, 0);
  const additions = edges - (graph.links.length - 1);
  const size = all.positive - all.negative;
  // every factor is rounded once to the dtype's precision, every product and sum in float64
  const rounding = epsilonOf(leaf.dtype) * (4 * longest + 8) * size;
  const tolerance = Number.isFinite(rounding) ? rounding + Number.MIN_VALUE : 0;
  return {
    status: "listed",
    vertices: kept.vertices(),
    edges: kept.edges(),
    count: String(all.count),
    dead: String(all.dead),
    listed,
    remainder:
      unlisted > 0n
        ? {
            count: String(unlisted),
            value: real(all.sum - walks.reduce((sum, { value }) => sum + value, 0)),
          }
        : null,
    sum: compare([all.sum], [adjoint], tolerance),
    positive: real(all.positive),
    negative: real(all.negative),
    survival: real(size === 0 ? 1 : Math.abs(all.sum) / size),
    accumulation: {
      steps:
        graph.links.length <= largestAccumulation && edges <= largestEdgeList ? kept.accumulation() : null,
      edges,
      multiplications: edges,
      additions,
      pathMultiplications: String(all.multiplications),
    },
  };
}

function refusal(reason: string): Refusal {
  return { status: "refused", reason };
}

/** Edges of the longest path. */
function deepest({ links }: CondensedGraph): number {
  const depth = new Int32Array(links.length);
  for (let v = links.length - 1; v >= 0; v--)
    for (const { lower } of links[v]) depth[v] = Math.max(depth[v], depth[lower] + 1);
  return depth[0];
}

/** The scalar graph in the document's form. */
class Listing {
  private readonly index: TapeIndex;
  private readonly symbols: Symbols;
  private readonly context: PathContext;
  private readonly graph: CondensedGraph;
  private readonly adjoints: readonly number[];
  /** For each vertex that is written down, its number there; and the number of its first edge. */
  private readonly numbers = new Map<number, number>();
  private readonly edgeNumbers = new Map<string, number>();
  private readonly written: { readonly vertex: number; readonly link: Link }[] = [];

  constructor(
    index: TapeIndex,
    symbols: Symbols,
    context: PathContext,
    graph: CondensedGraph,
    adjoints: readonly number[],
    walks: readonly Walk[],
  ) {
    this.index = index;
    this.symbols = symbols;
    this.context = context;
    this.graph = graph;
    this.adjoints = adjoints;
    const total = graph.links.reduce((sum, links) => sum + links.length, 0);
    const taken = new Set(walks.flatMap(({ steps }) => steps.map(({ vertex, link }) => `${vertex} ${link}`)));
    const vertices = new Set<number>([0, graph.links.length - 1]);
    graph.links.forEach((links, vertex) => {
      links.forEach((link, i) => {
        const key = `${vertex} ${i}`;
        if (total > largestEdgeList && !taken.has(key)) return;
        this.edgeNumbers.set(key, this.written.push({ vertex, link }) - 1);
        vertices.add(vertex).add(link.lower);
      });
    });
    [...vertices]
      .sort((a, b) => a - b)
      .forEach((vertex, i) => {
        this.numbers.set(vertex, i);
      });
  }

  private symbol(vertex: number): Formula {
    const { node, at } = this.graph.spots[vertex];
    return elementSymbol(this.symbols.of(node), unflatten(at, node.shape));
  }

  private number(vertex: number): number {
    return this.numbers.get(vertex) ?? -1;
  }

  vertices(): Vertex[] {
    return [...this.numbers].map(([vertex, id]) => {
      const { node, at } = this.graph.spots[vertex];
      return {
        id,
        node: this.index.idOf(node),
        index: unflatten(at, node.shape),
        symbol: this.symbol(vertex),
        value: real(this.index.valuesOf(node)[at]),
        adjoint: real(this.adjoints[vertex]),
      };
    });
  }

  edges(): Edge[] {
    return this.written.map(({ vertex, link }, id) => {
      const upper = this.symbol(vertex);
      const lower = this.symbol(link.lower);
      return {
        id,
        from: this.number(vertex),
        to: this.number(link.lower),
        symbol: {
          text: `∂${upper.text}/∂${lower.text}`,
          latex: `\\frac{\\partial ${upper.latex}}{\\partial ${lower.latex}}`,
        },
        meaning: this.outputError(vertex, link) ?? (link.origin === null ? null : this.meaning(link.origin)),
        value: real(link.value),
        operations: link.operations,
        linear: link.operations.every((id) =>
          isLinearHere(this.index.operation(id), (node) => this.index.isConstant(node)),
        ),
      };
    });
  }

  /** From the cost to an output's z in one step. */
  private outputError(vertex: number, { lower }: Link): Formula | null {
    const known = this.context.outputError;
    const { node, at } = this.graph.spots[lower];
    return known === null || vertex !== 0 || node !== known.z ? null : known.of(at);
  }

  path({ steps, value }: Walk): Path {
    let product = 1;
    const factors = steps.map(({ vertex, link }): Factor => {
      const { value: partial } = this.graph.links[vertex][link];
      product *= partial;
      return {
        edge: this.edgeNumbers.get(`${vertex} ${link}`) ?? -1,
        value: real(partial),
        product: real(product),
      };
    });
    return { factors, value: real(value) };
  }

  /** What arrives at each vertex, from the cost down. */
  accumulation(): AccumulationStep[] {
    const arriving = this.graph.links.map((): { edge: number; value: number }[] => []);
    this.written.forEach(({ vertex, link }, edge) => {
      arriving[link.lower].push({ edge, value: this.adjoints[vertex] * link.value });
    });
    return arriving.slice(1).map((terms, i) => ({
      vertex: this.number(i + 1),
      terms: terms.map(({ edge, value }) => ({ edge, value: real(value) })),
      adjoint: real(this.adjoints[i + 1]),
    }));
  }

  /** What the factor is, in symbols: `W2[0,3]`, `a1(1 − a1)`, `a2 − y`. */
  private meaning({ operation: id, positions, output: at, other, scale, whole }: Origin): Formula | null {
    const { primitive, inputs, outputs } = this.index.operation(id);
    const { symbols } = this;
    if (whole !== undefined) {
      const name = this.context.composites.get(id)?.name ?? "f";
      const z = symbols.element(whole.node, whole.at, 1);
      const coupled = name.includes("oft") && name.includes("ax");
      // softmax′ has a row for every output; which one is told by the link itself
      if (coupled || name === "cost") return null;
      if (name === "softplus") return scaled({ text: `σ(${z.text})`, latex: `\\sigma(${z.latex})` }, scale);
      return scaled({ text: `${name}′(${z.text})`, latex: `\\operatorname{${name}}'(${z.latex})` }, scale);
    }
    if (primitive.name === "dot") {
      if (other < 0 || positions.length > 1) return null;
      return scaled(symbols.element(inputs[1 - positions[0]], other, 1), scale);
    }
    if (primitive.name === "sum") return scaled({ text: "1", latex: "1" }, scale);
    if (positions.length === 2 && primitive.name === "mul")
      return scaled(symbols.element(inputs[0], at, 1), 2 * scale);
    if (positions.length !== 1 || primitive.lowering.kind !== "pointwise") return null;
    const output = symbols.element(outputs[0], at);
    if (primitive.name === "select" && this.context.composites.get(id)?.name === "relu") {
      const z = symbols.element(inputs[2], at, 1);
      return scaled({ text: `relu′(${z.text})`, latex: `\\operatorname{relu}'(${z.latex})` }, scale);
    }
    if (primitive.name === "select") return scaled(this.branch(inputs[0], positions[0], at), scale);
    const operands = inputs.map((input) => {
      const { text, latex } = symbols.element(input, at, 1);
      return primitive.name === "mul" ? { text, latex } : { text: bracketed(text), latex: bracketed(latex) };
    });
    const partial = partialFormula(primitive.name, operands, output, positions[0]);
    return partial === null ? null : scaled(partial, scale);
  }

  /** A choice is 1 or 0: its condition. */
  private branch(condition: Node, position: number, at: number): Formula {
    const { text, latex } = this.symbols.element(condition, at, 1);
    return position === 1
      ? { text: `[${text}]`, latex: `[${latex}]` }
      : { text: `[not ${text}]`, latex: `[\\lnot (${latex})]` };
  }
}

/** A formula times a number. */
function scaled(formula: Formula, scale: number): Formula | null {
  if (scale === 1) return formula;
  if (formula.text === "1") return { text: show(scale), latex: showLatex(scale) };
  if (scale === -1) return { text: `−${bracketed(formula.text)}`, latex: `-${bracketed(formula.latex)}` };
  return {
    text: `${show(scale)} · ${bracketed(formula.text)}`,
    latex: `${showLatex(scale)} \\cdot ${bracketed(formula.latex)}`,
  };
}
