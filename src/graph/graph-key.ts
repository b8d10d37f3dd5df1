/**
 * A graph as a key: equal keys, equal programs. Operations by name and parameters, values by where they come from, constants
 * of few elements by these and others by identity.
 */

import { sizeOf } from "../types/shape.js";
import { identityOf } from "../util/tree.js";
import type { Graph } from "./graph.js";
import type { Node } from "./node.js";

/** Stands before what is compared by identity. */
const identityMark = "@";
/** Stands before the elements of a constant that is compared by them. */
const elementsMark = "#";
/** Elements up to which a constant is compared by value. */
const fewElements = 4096;

const known = new WeakMap<Graph, string>();

export function graphKey(graph: Graph): string {
  let key = known.get(graph);
  if (key === undefined) {
    key = writeKey(graph);
    known.set(graph, key);
  }
  return key;
}

function writeKey(graph: Graph): string {
  const numbers = new Map<Node, string>();
  const number = (node: Node): void => {
    numbers.set(node, `%${numbers.size}`);
  };
  graph.inputs.forEach(number);
  const nameOf = (node: Node): string => {
    const name = numbers.get(node);
    if (name !== undefined) return name;
    return `${node.dtype}[${node.shape}]=${valueKey(node)}`;
  };
  const lines = graph.operations.map(({ primitive, params, inputs, outputs }) => {
    const line = `${primitive.name}(${inputs.map(nameOf).join()})${paramKey(params)}`;
    outputs.forEach(number);
    return line;
  });
  const types = graph.inputs.map(({ dtype, shape }) => `${dtype}[${shape}]`);
  return `${types.join()}{${lines.join(";")}}${graph.outputs.map(nameOf).join()}`;
}

/** A constant's elements, where they are few or all the same by rule; else which one it is. */
function valueKey(node: Node): string {
  const { storage, shape } = node;
  if (storage?.uniform !== undefined) return numberKey(storage.uniform);
  const isUnknown = storage === null || storage.gone !== undefined || sizeOf(shape) > fewElements;
  if (isUnknown) return `${identityMark}${identityOf(node)}`;
  return elementsMark + Array.from(storage.read(), numberKey).join(" ");
}

/** JSON has no infinities, and one zero. */
function numberKey(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Parameters of an operation as a key; graphs among them by theirs, functions by identity. */
export function paramKey(value: unknown): string {
  if (typeof value === "function") return `${identityMark}${identityOf(value)}`;
  if (typeof value === "number") return numberKey(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? String(value);
  if (Array.isArray(value)) return `[${value.map(paramKey).join()}]`;
  if (isGraph(value)) return graphKey(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${key}:${paramKey(item)}`)
    .join()}}`;
}

/** The key of a graph that holds no functions and no large values of its own: one that does comes once. */
export function closedKey(graph: Graph): string | undefined {
  const key = graphKey(graph);
  return key.includes(identityMark) ? undefined : key;
}

/** Graphs by their keys, the least recently asked for first. */
const canonical = new Map<string, Graph>();
const mostCanonical = 256;

/**
 * A graph that was recorded before and is the same, or this one: what is derived from it, programs too, is there already. For
 * closed graphs, which hold no values.
 */
export function canonicalGraph(graph: Graph): Graph {
  const key = graphKey(graph);
  // what holds functions or values of its own must not be kept alive; and values may be disposed of by whom they belong to
  if (key.includes(identityMark) || key.includes(elementsMark)) return graph;
  const found = canonical.get(key) ?? graph;
  canonical.delete(key);
  canonical.set(key, found);
  if (canonical.size > mostCanonical)
    for (const oldest of [...canonical.keys()].slice(0, 1)) canonical.delete(oldest);
  return found;
}

function isGraph(value: object): value is Graph {
  return "operations" in value && "captures" in value && "inputs" in value && "outputs" in value;
}
