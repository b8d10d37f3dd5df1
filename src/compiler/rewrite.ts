/** What graph passes share: running a graph on fresh leaves while changing it, and comparing operations. */
import { type Graph, traceGraph } from "../graph/graph.js";
import type { Node } from "../graph/node.js";
import { HostStorage, type Storage } from "../graph/storage.js";

/** Records a new graph of the same inputs; what no output needs disappears. */
export function rewrite(graph: Graph, body: (inputs: Node[]) => readonly Node[]): Graph {
  return traceGraph("compile", graph.inputs, body);
}

/** What was found out about constants given as arrays: null where elements differ. */
const found = new WeakMap<Storage, number | null>();

/** The number every element of a constant node is, if it is one. */
export function uniformOf(node: Node): number | undefined {
  const { storage } = node;
  if (storage === null) return undefined;
  if (storage.uniform !== undefined || !(storage instanceof HostStorage)) return storage.uniform;
  let value = found.get(storage);
  if (value === undefined) {
    const values = storage.read();
    const [first] = values;
    value = values.length > 0 && values.every((other) => Object.is(other, first)) ? first : null;
    found.set(storage, value);
  }
  return value ?? undefined;
}

/** Equal keys, equal parameters; undefined for parameters that are not plain data. */
export function paramsKey(params: unknown): string | undefined {
  let plain = true;
  const key = JSON.stringify(params, (_name, value: unknown) => {
    if (typeof value === "function") plain = false;
    if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)))
      return Object.is(value, -0) ? "number:-0" : `number:${value}`;
    return value;
  });
  return plain ? (key ?? "") : undefined;
}
