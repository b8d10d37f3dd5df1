/** The attributes of a node of an imported graph. */
import type { AttributeProto } from "onnx-buf";
import { type ImportedTensor, readTensor } from "./import-tensor.js";
import { damaged } from "./refusals.js";

/** A number, a text, numbers, texts, or a tensor. */
export type AttributeValue = number | string | readonly number[] | readonly string[] | ImportedTensor;

export type Attributes = ReadonlyMap<string, AttributeValue>;

/** From the numbers of AttributeProto.AttributeType. */
const kinds = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 } as const;

/**
 * Reads attributes; graphs and sparse tensors among them are left to the operators that have them, of which none is implemented.
 * @throws AdjointError `file-format`, `unsupported`
 */
export function readAttributes(list: readonly AttributeProto[], file: string, node: string): Attributes {
  const attributes = new Map<string, AttributeValue>();
  for (const attribute of list) {
    const value = readAttribute(attribute, file, node);
    if (value !== undefined) attributes.set(attribute.name, value);
  }
  return attributes;
}

function readAttribute(
  { name, type, f, i, s, t, floats, ints, strings, refAttrName }: AttributeProto,
  file: string,
  node: string,
): AttributeValue | undefined {
  if (refAttrName !== "") throw damaged(file, `${node}: attribute ${name} refers to a function's argument`);
  switch (Number(type)) {
    case kinds.float:
      return f;
    case kinds.int:
      return whole(i);
    case kinds.string:
      return text(s);
    case kinds.tensor:
      if (t === undefined) throw damaged(file, `${node}: attribute ${name} has no tensor`);
      return readTensor(t, file, `${node}: attribute ${name}`);
    case kinds.floats:
      return floats;
    case kinds.ints:
      return ints.map(whole);
    case kinds.strings:
      return strings.map(text);
    case 0:
      throw damaged(file, `${node}: attribute ${name} has no type`);
    default:
      return undefined;
  }
}

/** Beyond what numbers hold exactly there are only ends of ranges. */
function whole(value: bigint): number {
  return Number(value);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
