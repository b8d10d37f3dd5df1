/**
 * A graph as text, DOT and JSON. All three are renderings of one listing: values numbered in order, operations that name the
 * numbers they read and make. The text and the JSON can be read back without loss.
 */

import { bytesPerElement, type DType } from "../types/dtype.js";
import { type Shape, sizeOf } from "../types/shape.js";
import { unreachable } from "../util/errors.js";
import type { Graph } from "./graph.js";
import type { Node } from "./node.js";

/** The version of the JSON form; it changes when a reader of the old one would misread the new one. */
export const graphFormatVersion = 1;

/** A value: its number, unique in its function, and its type. */
export interface ListedValue {
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** An input; `name` is the path of the argument it stands for, where known. */
export interface ListedInput extends ListedValue {
  readonly name?: string;
}

/** A constant: one number for all elements, all of them, or nothing where it belongs to a transform that is still running. */
export interface ListedConstant extends ListedValue {
  readonly value: ListedNumber | readonly ListedNumber[] | null;
}

/** JSON has no NaN, no infinities and no −0: those are written as strings. */
export type ListedNumber = number | "NaN" | "Infinity" | "-Infinity" | "-0";

/** Static parameters as plain data; a graph among them is the index of a listed function. */
export type ListedParams =
  | null
  | boolean
  | number
  | string
  | { readonly number: string }
  | { readonly function: number }
  | { readonly opaque: string }
  | readonly ListedParams[]
  | { readonly [key: string]: ListedParams };

export interface ListedOperation {
  readonly primitive: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly ListedValue[];
  /** Absent where the primitive has none. */
  readonly params?: ListedParams;
  /** Floating-point operations and bytes of operands and results, of one evaluation. */
  readonly flops: number;
  readonly bytes: number;
}

export interface ListedFunction {
  readonly inputs: readonly ListedInput[];
  readonly constants: readonly ListedConstant[];
  readonly operations: readonly ListedOperation[];
  readonly outputs: readonly number[];
}

/** The JSON form of a graph. `functions` are those it calls. */
export interface GraphListing extends ListedFunction {
  readonly format: "adjoint-graph";
  readonly version: number;
  readonly functions: readonly ListedFunction[];
}

/** Lists a graph and the graphs inside its calls. `names` are those of its inputs. */
export function listGraph(graph: Graph, names: readonly string[] = []): GraphListing {
  const called: Graph[] = [];
  const callee = (inner: Graph): number => {
    const known = called.indexOf(inner);
    return known >= 0 ? known : called.push(inner) - 1;
  };
  const main = listFunction(graph, names, callee);
  const functions: ListedFunction[] = [];
  // listing a function may find further ones
  for (let i = 0; i < called.length; i++) functions.push(listFunction(called[i], [], callee));
  return { format: "adjoint-graph", version: graphFormatVersion, ...main, functions };
}

function listFunction(
  graph: Graph,
  names: readonly string[],
  callee: (graph: Graph) => number,
): ListedFunction {
  const numbers = new Map<Node, number>();
  let next = 0;
  const list = (node: Node): ListedValue => {
    const id = next++;
    numbers.set(node, id);
    return { id, shape: node.shape, dtype: node.dtype };
  };
  const numberOf = (node: Node): number => numbers.get(node) ?? -1;
  const inputs = graph.inputs.map((node, i) => {
    const name = names[i] ?? "";
    return name === "" ? list(node) : { ...list(node), name };
  });
  const constants = graph.captures.map((node) => ({ ...list(node), value: elementsOf(node) }));
  const operations = graph.operations.flatMap(
    ({ primitive, inputs: from, outputs, params }): ListedOperation[] => {
      // the leaves of a finished transform: the same value by another name
      if (primitive.name === "alias") {
        numbers.set(outputs[0], numberOf(from[0]));
        return [];
      }
      const read = from.map(numberOf);
      const made = outputs.map(list);
      const { flops } = primitive.cost(from, outputs, params);
      const bytes = [...from, ...outputs].reduce(
        (sum, node) => sum + sizeOf(node.shape) * bytesPerElement(node.dtype),
        0,
      );
      const listed = { primitive: primitive.name, inputs: read, outputs: made, flops, bytes };
      return [params === undefined ? listed : { ...listed, params: listParams(params, callee) }];
    },
  );
  return { inputs, constants, operations, outputs: graph.outputs.map(numberOf) };
}

function elementsOf({ storage, dtype }: Node): ListedConstant["value"] {
  if (storage === null) return null;
  if (storage.uniform !== undefined) return listNumber(storage.uniform, dtype);
  return Array.from(storage.read(), (value) => listNumber(value, dtype));
}

/** The shortest decimal that gives the same element again. */
function listNumber(value: number, dtype: DType): ListedNumber {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "Infinity";
  if (value === Number.NEGATIVE_INFINITY) return "-Infinity";
  if (Object.is(value, -0)) return "-0";
  if (dtype !== "float32") return value;
  // nine digits tell any two float32 apart
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

function isGraph(value: object): value is Graph {
  return "operations" in value && "captures" in value && "inputs" in value && "outputs" in value;
}

/** Static parameters as plain data. */
export function listParams(value: unknown, callee: (graph: Graph) => number): ListedParams {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { number: String(listNumber(value, "float64")) };
    case "object":
      if (value === null) return null;
      if (Array.isArray(value)) return value.map((item) => listParams(item, callee));
      if (isGraph(value)) return { function: callee(value) };
      return Object.fromEntries(
        Object.entries(value)
          .filter(([, item]) => item !== undefined)
          .map(([key, item]) => [key, listParams(item, callee)]),
      );
    case "undefined":
      return null;
    case "function":
      return { opaque: value.name === "" ? "function" : value.name };
    default:
      return { opaque: typeof value };
  }
}

export interface GraphTextOptions {
  /** Constants with more elements are abbreviated, and the text cannot be read back. Default 16. */
  readonly maxConstant?: number;
}

/**
 * The listing as text, one operation a line:
 *
 *     graph(%0: float32[2, 3], %1: float32[3]) {
 *       %2 = broadcast(%1) {axes: [0], sizes: [2]} : float32[2, 3]
 *       %3 = mul(%0, %2) : float32[2, 3]
 *       return %3
 *     }
 *
 * What a scan, a choice or a loop runs stands indented below it, other functions below the graph.
 */
export function formatGraph(listing: GraphListing, options: GraphTextOptions = {}): string {
  const writer = new TextWriter(listing.functions, options.maxConstant ?? 16);
  const texts = [writer.function("graph", listing)];
  listing.functions.forEach((f, i) => {
    if (!writer.written.has(i)) texts.push(writer.function(`function @${i}`, f));
  });
  return texts.join("\n\n");
}

/** Operations whose functions are shown where they are used. */
const holders = new Set(["scan", "cond", "whileLoop"]);

class TextWriter {
  readonly written = new Set<number>();
  private readonly functions: readonly ListedFunction[];
  private readonly maxConstant: number;

  constructor(functions: readonly ListedFunction[], maxConstant: number) {
    this.functions = functions;
    this.maxConstant = maxConstant;
  }

  function(head: string, f: ListedFunction): string {
    const inside = ({ primitive, params }: ListedOperation): string[] => {
      if (!holders.has(primitive) || params === undefined) return [];
      const found = functionsIn(params).filter((i) => !this.written.has(i));
      return found.flatMap((i) => {
        this.written.add(i);
        const text = this.function(`function @${i}`, this.functions[i]);
        return text.split("\n").map((line) => `    ${line}`);
      });
    };
    return formatFunction(head, f, this.maxConstant, inside);
  }
}

/** Numbers of the functions among parameters, each once. */
function functionsIn(params: ListedParams): number[] {
  if (typeof params !== "object" || params === null) return [];
  if (isList(params)) return [...new Set(params.flatMap(functionsIn))];
  if ("function" in params && typeof params.function === "number") return [params.function];
  return [...new Set(Object.values(params).flatMap(functionsIn))];
}

function formatFunction(
  head: string,
  f: ListedFunction,
  maxConstant: number,
  inside: (operation: ListedOperation) => readonly string[],
): string {
  const lines = [`${head}(${f.inputs.map((input) => `%${input.id}: ${formatType(input)}`).join(", ")}) {`];
  for (const constant of f.constants)
    lines.push(
      `  %${constant.id} = constant ${formatConstant(constant.value, maxConstant)} : ${formatType(constant)}`,
    );
  for (const operation of f.operations) {
    const { primitive, inputs, outputs, params } = operation;
    const made = outputs.map(({ id }) => `%${id}`).join(", ");
    const read = inputs.map((id) => `%${id}`).join(", ");
    const extra = params === undefined ? "" : ` ${formatParams(params)}`;
    lines.push(`  ${made} = ${primitive}(${read})${extra} : ${outputs.map(formatType).join(", ")}`);
    lines.push(...inside(operation));
  }
  lines.push(`  return ${f.outputs.map((id) => `%${id}`).join(", ")}`.trimEnd(), "}");
  return lines.join("\n");
}

/** `float32[2, 3]` */
function formatType({ dtype, shape }: ListedValue): string {
  return `${dtype}[${shape.join(", ")}]`;
}

function formatConstant(value: ListedConstant["value"], limit: number): string {
  if (value === null) return "outside";
  if (!Array.isArray(value)) return String(value);
  const shown = value.slice(0, limit).join(", ");
  return value.length > limit ? `[${shown}, … ${value.length - limit} more]` : `[${shown}]`;
}

/** `{axes: [0], dtype: "float32", graph: @0}` */
function formatParams(value: ListedParams): string {
  if (value === null || typeof value === "boolean" || typeof value === "number") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(formatParams).join(", ")}]`;
  if (typeof value === "object") {
    if ("number" in value && typeof value.number === "string") return value.number;
    if ("function" in value && typeof value.function === "number") return `@${value.function}`;
    if ("opaque" in value && typeof value.opaque === "string") return `<${value.opaque}>`;
    const entries = Object.entries(value).map(([key, item]) => `${key}: ${formatParams(item)}`);
    return `{${entries.join(", ")}}`;
  }
  return unreachable(value);
}

function isList(value: ListedParams): value is readonly ListedParams[] {
  return Array.isArray(value);
}

/** The listing as a DOT digraph: boxes are operations, ellipses inputs and constants, edges carry types. */
export function formatDot(listing: GraphListing): string {
  const lines = ["digraph adjoint {", "  rankdir=TB;", '  node [fontname="sans-serif", fontsize=11];'];
  const quote = (text: string): string => JSON.stringify(text);
  const maker = new Map<number, string>();
  const typeOf = new Map<number, string>();
  const remember = (value: ListedValue, node: string): void => {
    maker.set(value.id, node);
    typeOf.set(value.id, formatType(value));
  };
  const edge = (id: number, to: string): string =>
    `  ${maker.get(id)} -> ${to} [label=${quote(typeOf.get(id) ?? "")}, fontsize=9];`;
  for (const input of listing.inputs) {
    remember(input, `v${input.id}`);
    const label = `${input.name ?? `%${input.id}`}\n${formatType(input)}`;
    lines.push(`  v${input.id} [shape=ellipse, style=filled, fillcolor="#dbeafe", label=${quote(label)}];`);
  }
  for (const constant of listing.constants) {
    remember(constant, `v${constant.id}`);
    const label = `${formatConstant(constant.value, 4)}\n${formatType(constant)}`;
    lines.push(`  v${constant.id} [shape=ellipse, style=dashed, label=${quote(label)}];`);
  }
  listing.operations.forEach(({ primitive, inputs, outputs, params }, i) => {
    for (const output of outputs) remember(output, `o${i}`);
    const label = params === undefined ? primitive : `${primitive}\n${formatParams(params)}`;
    lines.push(`  o${i} [shape=box, label=${quote(label)}];`);
    for (const input of inputs) lines.push(edge(input, `o${i}`));
  });
  listing.outputs.forEach((id, i) => {
    lines.push(`  r${i} [shape=doublecircle, label=${quote(`output ${i}`)}];`, edge(id, `r${i}`));
  });
  return [...lines, "}"].join("\n");
}
