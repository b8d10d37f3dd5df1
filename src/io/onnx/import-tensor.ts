/**
 * Tensors of an ONNX file: in raw bytes, in lists of numbers, or in a file beside it. Sizes are compared with what is there
 * before anything is allocated. Integers become int32, half precision becomes float32.
 */
import type { TensorProto } from "onnx-buf";
import { AdjointError, type DType, type Tensor, type TypedArray, tensor } from "../../index.js";
import { formatShape } from "../../util/errors.js";
import { type ElementName, elementName } from "./elements.js";
import { damaged, unsupportedElement } from "./refusals.js";

/** Constant elements, with the type they have in the file. */
export interface ImportedTensor {
  readonly element: ElementName;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** Bytes of the files beside an ONNX file, by location, as far as they are asked for. */
export type ExternalFiles = ReadonlyMap<string, Uint8Array>;

const widths: Readonly<Partial<Record<ElementName, number>>> = {
  float: 4,
  double: 8,
  float16: 2,
  bfloat16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
};

/** What an element type becomes; nothing for texts and complex numbers. */
export function dtypeOfElement(element: string): DType | undefined {
  if (element === "float" || element === "float16" || element === "bfloat16") return "float32";
  if (element === "double") return "float64";
  if (element === "bool") return "bool";
  return element in widths ? "int32" : undefined;
}

/**
 * Reads one tensor.
 *
 * @param what messages call it
 * @throws AdjointError `file-format`, `unsupported`
 */
export function readTensor(
  message: TensorProto,
  file: string,
  what: string,
  external: ExternalFiles = new Map(),
): ImportedTensor {
  const element = elementName(message.dataType) as ElementName;
  const dtype = dtypeOfElement(element);
  const width = widths[element];
  if (dtype === undefined || width === undefined) throw unsupportedElement(file, what, message.dataType);
  if (message.segment !== undefined) throw damaged(file, `${what} is a segment of a tensor`);
  const shape = message.dims.map(Number);
  let count = 1;
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 0) throw damaged(file, `${what} has extent ${extent}`);
    count *= extent;
  }
  const bytes = rawBytes(message, file, what, external);
  const received = bytes === undefined ? numbersOf(message, element).length : bytes.length / width;
  if (received !== count)
    throw damaged(
      file,
      `${what} of shape ${formatShape(shape)} needs ${count} elements, and has ${Number(received.toFixed(2))}`,
    );
  const data =
    bytes === undefined
      ? convert(numbersOf(message, element), element, file, what)
      : convert(wordsOf(bytes, element), element, file, what);
  return { element, dtype, shape, data };
}

/** A tensor of ours with these elements. */
export function toTensor({ data, shape, dtype }: ImportedTensor): Tensor {
  return tensor(data, { shape, dtype });
}

function rawBytes(
  message: TensorProto,
  file: string,
  what: string,
  external: ExternalFiles,
): Uint8Array | undefined {
  if (Number(message.dataLocation) !== 1) return message.rawData.length > 0 ? message.rawData : undefined;
  const { location, offset, length } = externalPlace(message, file, what);
  const bytes = external.get(location);
  if (bytes === undefined)
    throw new AdjointError(
      "unsupported",
      `importOnnx: ${file}: ${what} lies in the file ${JSON.stringify(location)} beside it; give a path instead of bytes`,
      { operation: "importOnnx", file, expected: "data within the file", received: location },
    );
  const end = length === undefined ? bytes.length : offset + length;
  if (offset > bytes.length || end > bytes.length)
    throw damaged(
      file,
      `${what} should be bytes ${offset} to ${end} of ${location}, which has ${bytes.length}`,
    );
  return bytes.subarray(offset, end);
}

/** Where the elements of a tensor lie outside the file. */
export function externalPlace(
  message: TensorProto,
  file: string,
  what: string,
): { location: string; offset: number; length: number | undefined } {
  const entries = new Map(message.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get("location");
  if (location === undefined || location === "") throw damaged(file, `${what} has no location`);
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text)) throw damaged(file, `${what}: ${key} must be a number, received ${text}`);
    return Number(text);
  };
  return { location, offset: number("offset") ?? 0, length: number("length") };
}

/** The list that holds elements of a type; half precision and small integers share one. */
function numbersOf(message: TensorProto, element: ElementName): readonly (number | bigint)[] {
  switch (element) {
    case "float":
      return message.floatData;
    case "double":
      return message.doubleData;
    case "int64":
      return message.int64Data;
    case "uint32":
    case "uint64":
      return message.uint64Data;
    default:
      return message.int32Data;
  }
}

/** Little-endian elements as numbers; half precision as its bits. */
function wordsOf(bytes: Uint8Array, element: ElementName): ArrayLike<number | bigint> {
  // a copy begins at a multiple of every width
  const { buffer } = new Uint8Array(bytes);
  switch (element) {
    case "float":
      return new Float32Array(buffer);
    case "double":
      return new Float64Array(buffer);
    case "int64":
      return new BigInt64Array(buffer);
    case "uint64":
      return new BigUint64Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "uint32":
      return new Uint32Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "int8":
      return new Int8Array(buffer);
    case "uint8":
    case "bool":
      return new Uint8Array(buffer);
    default:
      return new Uint16Array(buffer);
  }
}

function convert(
  words: ArrayLike<number | bigint>,
  element: ElementName,
  file: string,
  what: string,
): TypedArray {
  switch (element) {
    case "float":
      return words instanceof Float32Array ? words : Float32Array.from(words, Number);
    case "double":
      return words instanceof Float64Array ? words : Float64Array.from(words, Number);
    case "float16":
      return Float32Array.from(words, (bits) => fromHalf(Number(bits)));
    case "bfloat16":
      return Float32Array.from(words, (bits) => fromBrain(Number(bits)));
    case "bool":
      return Uint8Array.from(words, (value) => {
        if (Number(value) > 1) throw damaged(file, `${what}: a bool must be 0 or 1, received ${value}`);
        return Number(value);
      });
    default:
      return Int32Array.from(words, (value) => toInt32(Number(value), file, what));
  }
}

/** Beyond this a number can only be meant as "to the end". */
const sentinel = 2 ** 53;

/** @throws AdjointError `unsupported` outside int32; the ends of int64's range become those of int32's */
function toInt32(value: number, file: string, what: string): number {
  if (value >= -(2 ** 31) && value < 2 ** 31) return value;
  if (Math.abs(value) >= sentinel) return value > 0 ? 2 ** 31 - 1 : -(2 ** 31);
  throw new AdjointError(
    "unsupported",
    `importOnnx: ${file}: ${what} holds ${value}, which int32 has no place for`,
    { operation: "importOnnx", file, expected: "−2³¹ … 2³¹ − 1", received: String(value) },
  );
}

/** IEEE 754 binary16. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The upper half of a float32. */
function fromBrain(bits: number): number {
  return new Float32Array(new Uint32Array([(bits << 16) >>> 0]).buffer)[0];
}
