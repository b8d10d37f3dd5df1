/**
 * ONNX files as messages and back, by the schema of onnx-buf on @bufbuild/protobuf. Both packages are imported when they are
 * needed, so that bundles for browsers hold them in a part of their own.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AttributeProtoSchema,
  ModelProto,
  NodeProtoSchema,
  TensorProto,
  TensorProtoSchema,
} from "onnx-buf";
import { AdjointError } from "../../index.js";
import { elementTypes, type TensorSpec } from "./elements.js";
import { type Extent, isFixed } from "./extents.js";
import type { Attribute, NodeSpec, Port } from "./specs.js";

/** A whole model, to be written. */
export interface ModelSpec {
  readonly name: string;
  readonly opset: number;
  readonly irVersion: number;
  readonly producerVersion: string;
  readonly nodes: readonly NodeSpec[];
  readonly initializers: ReadonlyMap<string, TensorSpec>;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/** From the numbers of AttributeProto.AttributeType. */
const attributeTypes = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, ints: 7 } as const;

/** The bytes of a file. */
export async function encodeModel(model: ModelSpec): Promise<Uint8Array> {
  const { create, toBinary } = await import("@bufbuild/protobuf");
  const { ModelProtoSchema } = await import("onnx-buf");
  const message: MessageInitShape<typeof ModelProtoSchema> = {
    irVersion: BigInt(model.irVersion),
    producerName: "adjoint",
    producerVersion: model.producerVersion,
    graph: {
      name: model.name,
      node: model.nodes.map(nodeMessage),
      initializer: [...model.initializers].map(([name, value]) => tensorMessage(value, name)),
      input: model.inputs.map(valueMessage),
      output: model.outputs.map(valueMessage),
    },
    opsetImport: [{ domain: "", version: BigInt(model.opset) }],
  };
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, message));
}

function nodeMessage(node: NodeSpec, index: number): MessageInitShape<typeof NodeProtoSchema> {
  return {
    opType: node.operator,
    name: `${node.operator}_${index}`,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, value]) => attribute(name, value)),
  };
}

function attribute(name: string, value: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === "number") return { name, type: attributeTypes.int, i: BigInt(value) };
  if (typeof value === "string")
    return { name, type: attributeTypes.string, s: new TextEncoder().encode(value) };
  if (isIntegers(value)) return { name, type: attributeTypes.ints, ints: value.map(BigInt) };
  if ("float" in value) return { name, type: attributeTypes.float, f: value.float };
  if ("nodes" in value) {
    const { nodes, inputs, outputs } = value;
    const g = {
      name,
      node: nodes.map(nodeMessage),
      input: inputs.map(valueMessage),
      output: outputs.map(valueMessage),
    };
    return { name, type: attributeTypes.graph, g };
  }
  return { name, type: attributeTypes.tensor, t: tensorMessage(value) };
}

function isIntegers(value: object): value is readonly number[] {
  return Array.isArray(value);
}

function tensorMessage(
  { type, dims, bytes }: TensorSpec,
  name = "",
): MessageInitShape<typeof TensorProtoSchema> {
  return {
    name,
    dataType: elementTypes[type],
    dims: dims.map(BigInt),
    // a copy: the message wants an array with memory of its own
    rawData: new Uint8Array(bytes),
  };
}

function valueMessage({ name, element, shape }: Port) {
  return {
    name,
    type: {
      value: {
        case: "tensorType" as const,
        value: { elemType: elementTypes[element], shape: { dim: shape.map(dimension) } },
      },
    },
  };
}

function dimension(extent: Extent) {
  if (isFixed(extent)) return { value: { case: "dimValue" as const, value: BigInt(extent) } };
  const isBatch = extent.perExample === 1 && extent.plus === 0;
  // the format has names for extents that are open, no formulas
  return { value: { case: "dimParam" as const, value: isBatch ? "batch" : formula(extent) } };
}

function formula({ perExample, plus }: { perExample: number; plus: number }): string {
  return `${perExample === 1 ? "" : `${perExample}_`}batch${plus === 0 ? "" : `_${plus < 0 ? "minus" : "plus"}_${Math.abs(plus)}`}`;
}

/**
 * Reads a file.
 * @throws AdjointError `file-format`
 */
export async function decodeModel(bytes: Uint8Array, file: string): Promise<ModelProto> {
  const { fromBinary } = await import("@bufbuild/protobuf");
  const { ModelProtoSchema } = await import("onnx-buf");
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw notOnnx(file, cause);
  }
}

/**
 * Reads a tensor that is a file of its own, as the operator tests of the ONNX project have them.
 * @throws AdjointError `file-format`
 */
export async function decodeTensorMessage(bytes: Uint8Array, file: string): Promise<TensorProto> {
  const { fromBinary } = await import("@bufbuild/protobuf");
  const { TensorProtoSchema } = await import("onnx-buf");
  try {
    return fromBinary(TensorProtoSchema, bytes);
  } catch (cause) {
    throw notOnnx(file, cause);
  }
}

function notOnnx(file: string, cause: unknown): AdjointError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AdjointError(
    "file-format",
    `importOnnx: ${file} is no ONNX file, or a damaged one: ${reason}`,
    { operation: "importOnnx", file, expected: "an ONNX file" },
    { cause },
  );
}
