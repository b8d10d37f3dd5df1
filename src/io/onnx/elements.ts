/** Element types of the ONNX format, by the numbers that TensorProto.DataType gives them, and ours. */
import type { DType } from "../../index.js";

/** The numbers of the format. */
export const elementTypes = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
} as const;

export type ElementName = keyof typeof elementTypes;

/** What a tensor of ours is in a file. */
export const elementOf: Readonly<Record<DType, ElementName>> = {
  float32: "float",
  float64: "double",
  int32: "int32",
  bool: "bool",
};

const names = new Map<number, ElementName>(
  Object.entries(elementTypes).map(([name, number]) => [number, name as ElementName]),
);

/** The name of a type number; what is not known is named by its number. */
export function elementName(type: number): ElementName | `type ${number}` {
  return names.get(type) ?? `type ${type}`;
}

/** A tensor as it goes into a file. */
export interface TensorSpec {
  readonly type: ElementName;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

const largest = 2n ** 63n - 1n;

/** A vector or scalar of int64; the infinities stand for the ends of its range. */
export function int64Spec(values: readonly number[], dims: readonly number[] = [values.length]): TensorSpec {
  const words = BigInt64Array.from(values, (value) =>
    value === Number.POSITIVE_INFINITY
      ? largest
      : value === Number.NEGATIVE_INFINITY
        ? -largest - 1n
        : BigInt(value),
  );
  return { type: "int64", dims, bytes: new Uint8Array(words.buffer) };
}

/** Elements of one of our dtypes as they go into a file. */
export function spec(values: ArrayLike<number>, dtype: DType, dims: readonly number[]): TensorSpec {
  const array =
    dtype === "float32"
      ? Float32Array.from(values)
      : dtype === "float64"
        ? Float64Array.from(values)
        : dtype === "int32"
          ? Int32Array.from(values)
          : Uint8Array.from(values);
  return { type: elementOf[dtype], dims, bytes: new Uint8Array(array.buffer) };
}
