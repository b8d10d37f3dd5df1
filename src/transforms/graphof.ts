/** graphOf: the graph of a function, to read, draw, store and count. */
import { type Graph as RecordedGraph, traceGraph } from "../graph/graph.js";
import { formatLatex } from "../graph/latex.js";
import {
  formatDot,
  formatGraph,
  type GraphListing,
  type GraphTextOptions,
  listGraph,
} from "../graph/print.js";
import { leafPaths } from "../util/tree.js";
import {
  checkFunction,
  checkSynchronous,
  flattenTensors,
  type LiftableArguments,
  lift,
  rebuild,
} from "./arguments.js";

type Anything = readonly unknown[];

/** What one evaluation of a graph, or of one of its operations, takes. */
export interface GraphCost {
  /** Floating-point operations: a multiply-add counts 2, a transcendental function 1. */
  readonly flops: number;
  /** Bytes of all operands read and results written, as if every operation ran alone. */
  readonly bytes: number;
}

/** The total, and each operation in order. */
export interface GraphCosts extends GraphCost {
  readonly operations: readonly (GraphCost & { readonly primitive: string })[];
}

/**
 * A recorded function: operations in order, each a primitive applied to numbered values.
 *
 * @example
 * const graph = graphOf((x) => x.exp().neg(), zeros([3]));
 * graph.toJSON().operations.map(({ primitive }) => primitive); // → exp,neg
 */
export class Graph {
  private readonly listing: GraphListing;

  constructor(graph: RecordedGraph, names: readonly string[]) {
    this.listing = listGraph(graph, names);
  }

  /** One operation a line, with shapes and dtypes; constants of more than `maxConstant` (16) elements are abbreviated. */
  toString(options: GraphTextOptions = {}): string {
    return formatGraph(this.listing, options);
  }

  /** A picture for Graphviz: `dot -Tsvg`. */
  toDot(): string {
    return formatDot(this.listing);
  }

  /**
   * One formula with a line for each operation, for KaTeX, MathJax or a document in math mode.
   *
   * @example graphOf((x) => x.sin(), zeros([2])).toLatex().includes("\\sin"); // → true
   */
  toLatex(): string {
    return formatLatex(this.listing);
  }

  /** Plain data with a `format` and a `version`, complete with constants. */
  toJSON(): GraphListing {
    return this.listing;
  }

  /** Floating-point operations and bytes moved, in total and for each operation. */
  cost(): GraphCosts {
    const operations = this.listing.operations.map(({ primitive, flops, bytes }) => ({
      primitive,
      flops,
      bytes,
    }));
    const total = (field: keyof GraphCost): number =>
      operations.reduce((sum, operation) => sum + operation[field], 0);
    return { flops: total("flops"), bytes: total("bytes"), operations };
  }
}

/**
 * Records a function on abstract tensors of its arguments' shapes and dtypes. Nothing is computed. Compiled functions inside
 * appear as calls, listed below.
 *
 * @param args example arguments: tensors, numbers, or trees of them; values are not read
 * @throws AdjointError `abstract-value` where f reads a value, `async-function`, `invalid-argument`
 * @example graphOf((x) => x.mul(x).sum(), tensor([1, 2])).cost().flops; // → 4
 * @example graphOf(grad((x) => x.sin().sum()), tensor([1])).toJSON().operations.map((o) => o.primitive); // → cos,mul
 */
export function graphOf<A extends Anything>(
  f: (...args: A) => unknown,
  ...args: LiftableArguments<A>
): Graph {
  checkFunction(f, "graphOf");
  const flat = flattenTensors(args.map(lift));
  const graph = traceGraph("graphOf", flat.leaves, (leaves) => {
    const result = f(...rebuild<A>(flat.structure, leaves));
    checkSynchronous(result, "graphOf");
    return flattenTensors(result).leaves;
  });
  return new Graph(graph, leafPaths(flat.structure));
}
