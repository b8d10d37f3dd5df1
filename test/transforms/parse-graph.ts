/** Reads the text and the JSON of a graph back, and runs what was read: the other half of the printing round trip. */

import type { Graph } from "../../src/graph/graph.js";
import { evaluateGraph } from "../../src/graph/graph.js";
import type { Operation } from "../../src/graph/node.js";
import { constantNode, makeNode, type Node, readValue } from "../../src/graph/node.js";
import type { Primitive } from "../../src/graph/primitive.js";
import type {
  GraphListing,
  ListedConstant,
  ListedFunction,
  ListedOperation,
  ListedParams,
  ListedValue,
} from "../../src/graph/print.js";
import { registry } from "../../src/primitives/registry.js";
import { callPrimitive } from "../../src/transforms/call.js";
import { checkpointPrimitive } from "../../src/transforms/checkpoint-primitive.js";
import { condPrimitive } from "../../src/transforms/cond-primitive.js";
import { scanPrimitive } from "../../src/transforms/scan-primitive.js";
import { whilePrimitive } from "../../src/transforms/while-primitive.js";
import { allocate, type DType } from "../../src/types/dtype.js";
import { sizeOf } from "../../src/types/shape.js";

/** Words of the text; spaces separate and mean nothing else. */
const token = /\s*("(?:[^"\\]|\\.)*"|%\d+|@\d+|-?(?:\d[\d.]*(?:e[+-]?\d+)?|Infinity)|[A-Za-z_]\w*|.)/y;

class Reader {
  private readonly words: string[] = [];
  private at = 0;
  /** Functions met so far, by number. */
  readonly functions: Body[] = [];

  constructor(text: string) {
    token.lastIndex = 0;
    for (let match = token.exec(text); match !== null; match = token.exec(text)) this.words.push(match[1]);
  }

  get done(): boolean {
    return this.peek() === "";
  }

  peek(): string {
    return this.words[this.at]?.trim() ?? "";
  }

  next(): string {
    const word = this.peek();
    this.at++;
    return word;
  }

  expect(word: string): void {
    const got = this.next();
    if (got !== word)
      throw new Error(
        `expected ${word}, got ${got} in ${this.words.slice(this.at - 8, this.at + 4).join(" ")}`,
      );
  }

  /** Items between two brackets, separated by commas. */
  list<T>(open: string, close: string, item: () => T): T[] {
    this.expect(open);
    const items: T[] = [];
    while (this.peek() !== close) {
      items.push(item());
      if (this.peek() === ",") this.next();
    }
    this.expect(close);
    return items;
  }

  id(): number {
    return Number(this.next().slice(1));
  }

  type(id: number): ListedValue {
    const dtype = this.next() as DType;
    return { id, shape: this.list("[", "]", () => Number(this.next())), dtype };
  }

  params(): ListedParams {
    const word = this.peek();
    if (word === "[") return this.list("[", "]", () => this.params());
    if (word === "{")
      return Object.fromEntries(
        this.list("{", "}", () => {
          const key = this.next();
          this.expect(":");
          return [key, this.params()] as const;
        }),
      );
    this.next();
    if (word.startsWith('"')) return JSON.parse(word) as string;
    if (word.startsWith("@")) return { function: Number(word.slice(1)) };
    if (word === "true" || word === "false") return word === "true";
    if (word === "null") return null;
    const value = Number(word);
    return Number.isFinite(value) && !Object.is(value, -0) ? value : { number: word };
  }
}

type Body = Omit<ListedFunction, "operations"> & {
  readonly operations: readonly Omit<ListedOperation, "flops" | "bytes">[];
};

function readFunction(reader: Reader): Body {
  const inputs = reader.list("(", ")", () => {
    const id = reader.id();
    reader.expect(":");
    return reader.type(id);
  });
  reader.expect("{");
  const constants: ListedConstant[] = [];
  const operations: Omit<ListedOperation, "flops" | "bytes">[] = [];
  while (reader.peek() !== "return") {
    const ids = [reader.id()];
    while (reader.peek() === ",") {
      reader.next();
      ids.push(reader.id());
    }
    reader.expect("=");
    const primitive = reader.next();
    if (primitive === "constant") {
      const element = (): number | "NaN" | "Infinity" | "-Infinity" | "-0" => {
        const word = reader.next();
        return word === "NaN" || word === "Infinity" || word === "-Infinity" || word === "-0"
          ? word
          : Number(word);
      };
      const value = reader.peek() === "[" ? reader.list("[", "]", element) : element();
      reader.expect(":");
      constants.push({ ...reader.type(ids[0]), value });
      continue;
    }
    const from = reader.list("(", ")", () => reader.id());
    const params = reader.peek() === ":" ? undefined : reader.params();
    reader.expect(":");
    const outputs = ids.map((id, i) => {
      if (i > 0) reader.expect(",");
      return reader.type(id);
    });
    operations.push({ primitive, inputs: from, outputs, ...(params === undefined ? {} : { params }) });
    while (reader.peek() === "function") readNumbered(reader);
  }
  reader.expect("return");
  const outputs: number[] = [];
  while (reader.peek() !== "}") {
    outputs.push(reader.id());
    if (reader.peek() === ",") reader.next();
  }
  reader.expect("}");
  return { inputs, constants, operations, outputs };
}

function readNumbered(reader: Reader): void {
  reader.expect("function");
  const number = Number(reader.next().slice(1));
  reader.functions[number] = readFunction(reader);
}

/** The listing that a text was printed from, without costs and names. */
export function parseGraph(text: string): Body & { readonly functions: readonly Body[] } {
  const reader = new Reader(text);
  reader.expect("graph");
  const main = readFunction(reader);
  while (!reader.done) readNumbered(reader);
  return { ...main, functions: reader.functions };
}

/** What of a listing its text holds. */
export function withoutCosts(listing: GraphListing): unknown {
  const strip = ({ inputs, constants, operations, outputs }: ListedFunction): unknown => ({
    inputs: inputs.map(({ id, shape, dtype }) => ({ id, shape, dtype })),
    constants,
    operations: operations.map(({ flops: _flops, bytes: _bytes, ...rest }) => rest),
    outputs,
  });
  return { ...(strip(listing) as object), functions: listing.functions.map(strip) };
}

const calls: Readonly<Record<string, Primitive>> = {
  call: callPrimitive as Primitive,
  checkpoint: checkpointPrimitive as Primitive,
  scan: scanPrimitive as Primitive,
  cond: condPrimitive as Primitive,
  whileLoop: whilePrimitive as Primitive,
};

/** A graph that runs, from what was read. */
export function buildGraph(main: Body, functions: readonly Body[]): Graph {
  const nodes = new Map<number, Node>();
  const define = ({ id, shape, dtype }: ListedValue): Node => {
    const node = makeNode(shape, dtype, null);
    nodes.set(id, node);
    return node;
  };
  const at = (id: number): Node => {
    const node = nodes.get(id);
    if (node === undefined) throw new Error(`%${id} is read before it is made`);
    return node;
  };
  const inputs = main.inputs.map(define);
  const captures = main.constants.map(({ id, shape, dtype, value }) => {
    const array = allocate(dtype, sizeOf(shape));
    if (Array.isArray(value)) array.set(value.map(Number));
    else array.fill(Number(value));
    const node = constantNode(shape, dtype, array);
    nodes.set(id, node);
    return node;
  });
  let next = 1;
  const operations = main.operations.map(({ primitive: name, inputs: from, outputs, params }): Operation => {
    const primitive = calls[name] ?? (registry as unknown as Record<string, Primitive>)[name];
    const revived = params === undefined ? undefined : revive(params, functions);
    return { id: next++, primitive, params: revived, inputs: from.map(at), outputs: outputs.map(define) };
  });
  return { inputs, captures, operations, outputs: main.outputs.map(at) };
}

function revive(params: ListedParams, functions: readonly Body[]): unknown {
  if (typeof params !== "object" || params === null) return params;
  if (Array.isArray(params)) return params.map((item: ListedParams) => revive(item, functions));
  if ("number" in params && typeof params.number === "string") return Number(params.number);
  if ("function" in params && typeof params.function === "number")
    return buildGraph(functions[params.function], functions);
  return Object.fromEntries(Object.entries(params).map(([key, item]) => [key, revive(item, functions)]));
}

/** Runs a read graph. */
export function runGraph(graph: Graph, inputs: readonly Node[]): number[][] {
  return evaluateGraph(graph, inputs).map((node) => Array.from(readValue(node)));
}
