/** Things derived from a graph, made once for each variant and kept as long as the graph. */
import type { Graph } from "../graph/graph.js";

export function derived<T>(make: (graph: Graph, variant: string) => T): (graph: Graph, variant: string) => T {
  const cache = new WeakMap<Graph, Map<string, T>>();
  return (graph, variant) => {
    let variants = cache.get(graph);
    if (variants === undefined) {
      variants = new Map();
      cache.set(graph, variants);
    }
    const known = variants.get(variant);
    if (known !== undefined) return known;
    const result = make(graph, variant);
    variants.set(variant, result);
    return result;
  };
}

/** One character an entry: which of them are marked. */
export const mask = (flags: readonly boolean[]): string => flags.map(Number).join("");

export const unmask = (marks: string): boolean[] => [...marks].map((mark) => mark === "1");
