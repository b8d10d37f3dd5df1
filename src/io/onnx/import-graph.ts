/**
 * The graph of an ONNX file, checked as a whole before anything runs: versions, names that are unique and made before they are
 * read, operators that are known, element types they are right for.
 */
import type { GraphProto, ModelProto, NodeProto, ValueInfoProto } from "onnx-buf";
import { AdjointError, type DType } from "../../index.js";
import { type ElementName, elementName } from "./elements.js";
import { dtypeOfElement, type ExternalFiles, type ImportedTensor } from "./import-tensor.js";
import { operators } from "./operators/index.js";
import { damaged, quoted, unsupportedElement } from "./refusals.js";
import { Names, readInitializers, readStep, type Step } from "./steps.js";

/** An input or output of a model. */
export interface OnnxPort {
  readonly name: string;
  readonly dtype: DType;
  /** A text names an extent that is open, null is one without a name; null for the whole where the rank is open. */
  readonly shape: readonly (number | string | null)[] | null;
}

/** A whole model, ready to run. */
export interface ImportedGraph {
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  readonly initializers: ReadonlyMap<string, ImportedTensor>;
  readonly steps: readonly Step[];
}

/** Versions of the operator set whose meaning is known here, and of the file format. */
const opsets = { oldest: 1, newest: 25 };
const irVersions = { oldest: 3, newest: 13 };

/**
 * Checks and translates a model.
 * @throws AdjointError `file-format`, `unsupported`, `unsupported-operator`
 */
export function readGraph(model: ModelProto, file: string, external: ExternalFiles): ImportedGraph {
  checkFormat(model, file);
  const graph = model.graph;
  if (graph === undefined) throw damaged(file, "it has no graph");
  refuseUnknown(graph, model, file);
  const version = versionOf(model, file);
  const initializers = new Map<string, ImportedTensor>();
  const names = new Names(file);
  readInitializers(graph, { file, version, external }, names, initializers);
  // old files list initializers among the inputs too
  const inputs = graph.input.filter(({ name }) => !initializers.has(name));
  const ports = inputs.map((input) => {
    const port = portOf(input, file, `input ${quoted(input.name)}`);
    names.add(input.name, port.element);
    return port.port;
  });
  const steps = graph.node.map((node, i) => readStep(node, i, { file, version, external }, names));
  const outputs = graph.output.map((output) => {
    if (!names.has(output.name)) throw damaged(file, `nothing makes the output ${quoted(output.name)}`);
    return outputOf(output, names.element(output.name));
  });
  if (outputs.length === 0) throw damaged(file, "its graph has no output");
  return { inputs: ports, outputs, initializers, steps };
}

function checkFormat(model: ModelProto, file: string): void {
  const irVersion = Number(model.irVersion);
  if (irVersion === 0 || model.opsetImport.length === 0)
    throw damaged(
      file,
      "it names no version of the format and the operators: it is no ONNX file, or cut short",
    );
  if (irVersion < irVersions.oldest || irVersion > irVersions.newest)
    throw unknownVersion(file, "format", irVersion, irVersions);
}

const isStandard = (domain: string): boolean => domain === "" || domain === "ai.onnx";

/** The version of the standard operators. */
function versionOf(model: ModelProto, file: string): number {
  const own = model.opsetImport.filter(({ domain }) => isStandard(domain));
  if (own.length === 0) throw damaged(file, "it names no version of the standard operators");
  const version = Number(own[0].version);
  if (own.some((entry) => Number(entry.version) !== version))
    throw damaged(file, "it names two versions of the standard operators");
  if (version < opsets.oldest || version > opsets.newest)
    throw unknownVersion(file, "operator set", version, opsets);
  return version;
}

function unknownVersion(
  file: string,
  what: string,
  received: number,
  { oldest, newest }: { oldest: number; newest: number },
): AdjointError {
  return new AdjointError(
    "unsupported",
    `importOnnx: ${file} has version ${received} of the ${what}; known are ${oldest} to ${newest}. Convert it where it was made`,
    { operation: "importOnnx", file, expected: `${oldest} … ${newest}`, received: String(received) },
  );
}

/** All operators that are not known, at once. */
function refuseUnknown(graph: GraphProto, model: ModelProto, file: string): void {
  const nodes = nodesOf(graph);
  const unknown = nodes.filter((node) => !isKnown(node));
  if (unknown.length === 0) return;
  const described = unknown.map((node) => {
    const { opType, domain, name } = node;
    const own = model.opsetImport.find(
      (entry) => entry.domain === domain || (isStandard(entry.domain) && isStandard(domain)),
    );
    const set = `${isStandard(domain) ? "ai.onnx" : domain}, version ${own?.version ?? "unknown"}`;
    return `${opType} (${set}), node ${name === "" ? nodes.indexOf(node) : quoted(name)}`;
  });
  const distinct = new Set(unknown.map(({ opType, domain }) => `${domain}:${opType}`)).size;
  const more =
    unknown.length > 1 ? `, and ${unknown.length - 1} more nodes (${distinct} operators in all)` : "";
  throw new AdjointError(
    "unsupported-operator",
    `importOnnx: ${file}: there is no operator ${described[0]}${more}; docs/onnx.md lists those there are`,
    { operation: "importOnnx", file, received: [...new Set(unknown.map(({ opType }) => opType))].join(", ") },
  );
}

/** Those of graphs inside nodes too. */
function nodesOf(graph: GraphProto): NodeProto[] {
  return graph.node.flatMap((node) => [
    node,
    ...node.attribute.flatMap(({ g }) => (g === undefined ? [] : nodesOf(g))),
  ]);
}

function isKnown({ opType, domain }: NodeProto): boolean {
  return isStandard(domain) && Object.hasOwn(operators, opType);
}

function portOf(
  { name, type }: ValueInfoProto,
  file: string,
  what: string,
): { port: OnnxPort; element: ElementName } {
  const tensor = type?.value.case === "tensorType" ? type.value.value : undefined;
  if (tensor === undefined)
    throw new AdjointError(
      "unsupported",
      `importOnnx: ${file}: ${what} is no tensor but ${type?.value.case ?? "of no type"}; only tensors can be given to a model`,
      { operation: "importOnnx", file, expected: "a tensor" },
    );
  const element = elementName(tensor.elemType) as ElementName;
  const dtype = dtypeOfElement(element);
  if (dtype === undefined) throw unsupportedElement(file, what, tensor.elemType);
  const shape =
    tensor.shape?.dim.map(({ value }) => {
      if (value.case === "dimValue") return Number(value.value);
      return value.case === "dimParam" && value.value !== "" ? value.value : null;
    }) ?? null;
  if (shape?.some((extent) => typeof extent === "number" && (extent < 0 || !Number.isSafeInteger(extent))))
    throw damaged(file, `${what} has shape ${shape.join(", ")}`);
  return { port: { name, dtype, shape }, element };
}

/** What is declared of an output is a hint; its elements are what its node gives. */
function outputOf(output: ValueInfoProto, element: ElementName | undefined): OnnxPort {
  const tensor = output.type?.value.case === "tensorType" ? output.type.value.value : undefined;
  const declared = element ?? elementName(tensor?.elemType ?? 1);
  const shape = tensor?.shape?.dim.map(({ value }) =>
    value.case === "dimValue" ? Number(value.value) : value.case === "dimParam" ? value.value : null,
  );
  return { name: output.name, dtype: dtypeOfElement(declared) ?? "float32", shape: shape ?? null };
}
