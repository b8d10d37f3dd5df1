/** The nodes that outputs need, with the names that outputs have. */
import type { Attribute, NodeSpec, SubgraphSpec } from "./specs.js";

function isGraph(value: Attribute): value is SubgraphSpec {
  return typeof value === "object" && "nodes" in value;
}

/**
 * The nodes without those nothing reads: emitters leave behind what a larger operator has taken the place of.
 * @returns the nodes, and every name that is read
 */
export function prune(
  nodes: readonly NodeSpec[],
  outputs: readonly string[],
): { readonly nodes: readonly NodeSpec[]; readonly read: ReadonlySet<string> } {
  const read = new Set(outputs);
  const kept: NodeSpec[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => read.has(name))) continue;
    for (const input of node.inputs) read.add(input);
    const attributes = mapGraphs(node, (graph) => {
      const inner = prune(
        graph.nodes,
        graph.outputs.map(({ name }) => name),
      );
      for (const name of inner.read) read.add(name);
      return { ...graph, nodes: inner.nodes };
    });
    kept.push({ ...node, attributes });
  }
  return { nodes: kept.reverse(), read };
}

function mapGraphs(node: NodeSpec, map: (graph: SubgraphSpec) => SubgraphSpec): NodeSpec["attributes"] {
  return Object.fromEntries(
    Object.entries(node.attributes).map(([name, value]) => [name, isGraph(value) ? map(value) : value]),
  );
}

/** Gives an output's name to the node that makes it, where nothing but its Identity stands between. */
export function rename(nodes: readonly NodeSpec[], outputs: readonly string[]): NodeSpec[] {
  const asked = new Set(outputs);
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const renamed = new Map<string, string>();
  const isCopy = (node: NodeSpec): boolean => {
    const [from, to] = [node.inputs[0], node.outputs[0]];
    if (node.operator !== "Identity" || !asked.has(to)) return false;
    // an input, an initializer, or a value that is an output already stays a copy
    if (!made.has(from) || renamed.has(from) || asked.has(from)) return false;
    renamed.set(from, to);
    return true;
  };
  const rest = nodes.filter((node) => !isCopy(node));
  const newName = (name: string): string => renamed.get(name) ?? name;
  const apply = (node: NodeSpec): NodeSpec => ({
    ...node,
    inputs: node.inputs.map(newName),
    outputs: node.outputs.map(newName),
    attributes: mapGraphs(node, (graph) => ({ ...graph, nodes: graph.nodes.map(apply) })),
  });
  return rest.map(apply);
}
