/** The nodes of a graph as steps, and the graphs inside nodes as bodies of steps, which see the names around them. */
import type { GraphProto, NodeProto } from "onnx-buf";
import { AdjointError } from "../../index.js";
import { readAttributes } from "./attributes.js";
import type { NodeFacts, Operator } from "./call.js";
import { type ElementName, elementName } from "./elements.js";
import { type ExternalFiles, type ImportedTensor, readTensor } from "./import-tensor.js";
import { operators } from "./operators/index.js";
import { damaged, quoted } from "./refusals.js";

/** A node, ready to run. */
export interface Step {
  readonly facts: NodeFacts;
  readonly operator: Operator;
  /** "" where one is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A graph inside a node. */
export interface Body {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Element types of the outputs. */
  readonly elements: readonly (ElementName | undefined)[];
  readonly initializers: ReadonlyMap<string, ImportedTensor>;
  readonly steps: readonly Step[];
  /** Names from outside that it reads. */
  readonly captures: readonly string[];
}

/** What a file says of itself. */
export interface FileFacts {
  readonly file: string;
  /** Of the standard operators. */
  readonly version: number;
  readonly external: ExternalFiles;
}

/** Held as int32, where sums would have to wrap at fewer bits. */
const narrowElements: ReadonlySet<string> = new Set(["uint8", "int8", "uint16", "int16", "uint32", "uint64"]);

/** The names a graph has so far, with the element types of their values; a graph inside another sees that one's too. */
export class Names {
  /** Names of graphs around that were looked up. */
  readonly captured = new Set<string>();
  private readonly elements = new Map<string, ElementName | undefined>();
  private readonly file: string;
  private readonly outer: Names | undefined;

  constructor(file: string, outer?: Names) {
    this.file = file;
    this.outer = outer;
  }

  add(name: string, element: ElementName | undefined): void {
    if (name === "") throw damaged(this.file, "a value has no name");
    if (this.has(name)) throw damaged(this.file, `two values are called ${quoted(name)}`);
    this.elements.set(name, element);
  }

  has(name: string): boolean {
    if (this.elements.has(name)) return true;
    if (this.outer?.has(name) !== true) return false;
    this.captured.add(name);
    return true;
  }

  element(name: string): ElementName | undefined {
    return this.elements.has(name) ? this.elements.get(name) : this.outer?.element(name);
  }
}

/**
 * Reads the constants of a graph.
 * @throws AdjointError `file-format`, `unsupported`
 */
export function readInitializers(
  graph: GraphProto,
  { file, external }: FileFacts,
  names: Names,
  initializers: Map<string, ImportedTensor>,
): void {
  if (graph.sparseInitializer.length > 0)
    throw new AdjointError("unsupported", `importOnnx: ${file}: sparse initializers; make them dense`, {
      operation: "importOnnx",
      file,
    });
  for (const message of graph.initializer) {
    const value = readTensor(message, file, `initializer ${quoted(message.name)}`, external);
    names.add(message.name, value.element);
    initializers.set(message.name, value);
  }
}

/**
 * Checks and translates a node whose operator is known.
 * @throws AdjointError `file-format`, `unsupported`
 */
export function readStep(node: NodeProto, index: number, facts: FileFacts, names: Names): Step {
  const { file, version } = facts;
  const operator = operators[node.opType];
  const title = node.name === "" ? String(index) : quoted(node.name);
  const label = `importOnnx: ${file}: ${node.opType}, node ${title}`;
  const where = `node ${title} (${node.opType})`;
  const inputs = withoutTail(node.input);
  const [least, most] = operator.inputs;
  if (inputs.length < least || inputs.length > most)
    throw damaged(
      file,
      `${where} has ${inputs.length} inputs; it takes ${least === most ? least : `${least} to ${most}`}`,
    );
  for (const name of inputs)
    if (name !== "" && !names.has(name))
      throw damaged(
        file,
        `${where} reads ${quoted(name)}, which no input, initializer or earlier node gives: it is missing, or the graph has a cycle`,
      );
  const elements = inputs.map((name) => (name === "" ? undefined : names.element(name)));
  const small = elements.find((element) => element !== undefined && narrowElements.has(element));
  if (small !== undefined && operator.narrow !== true)
    throw new AdjointError(
      "unsupported",
      `${label}: arithmetic of ${small}, which is held as int32 here and would not wrap; cast it to int32 or float before`,
      { operation: "importOnnx", file, received: small },
    );
  const outputs = withoutTail(node.output);
  if (outputs.every((name) => name === "")) throw damaged(file, `${where} has no output`);
  const bodies = new Map(
    node.attribute.flatMap(({ name, g }) =>
      g === undefined ? [] : [[name, readBody(g, facts, names, where)] as const],
    ),
  );
  const attributes = readAttributes(node.attribute, file, where);
  const known: NodeFacts = { operator: node.opType, label, version, attributes, elements, outputs, bodies };
  const given = operator.gives?.(known) ?? [elements[0]];
  outputs.forEach((name, i) => {
    if (name === "") return;
    if (i >= given.length) throw damaged(file, `${where} has no output ${i}`);
    names.add(name, given[i]);
  });
  return { facts: known, operator, inputs, outputs };
}

function readBody(graph: GraphProto, facts: FileFacts, outer: Names, where: string): Body {
  const names = new Names(facts.file, outer);
  const initializers = new Map<string, ImportedTensor>();
  readInitializers(graph, facts, names, initializers);
  for (const { name, type } of graph.input) {
    const declared = type?.value.case === "tensorType" ? elementName(type.value.value.elemType) : undefined;
    names.add(name, declared as ElementName | undefined);
  }
  const steps = graph.node.map((node, i) => readStep(node, i, facts, names));
  const outputs = graph.output.map(({ name }) => {
    if (!names.has(name)) throw damaged(facts.file, `${where}: nothing makes the output ${quoted(name)}`);
    return name;
  });
  return {
    inputs: graph.input.map(({ name }) => name),
    outputs,
    elements: outputs.map((name) => names.element(name)),
    initializers,
    steps,
    captures: [...names.captured],
  };
}

/** Names without those that are left out at the end. */
function withoutTail(list: readonly string[]): readonly string[] {
  return list.slice(0, list.findLastIndex((name) => name !== "") + 1);
}
