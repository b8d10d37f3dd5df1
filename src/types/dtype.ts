/** Element types, their storage, and how two of them meet. */
import { AdjointError, formatReceived } from "../util/errors.js";

/** `bool` is stored one byte an element, 0 or 1. */
export type DType = "float32" | "float64" | "int32" | "bool";

/** What holds the elements of a tensor: row-major, contiguous. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** The names of all element types, each able to hold those before it. @example dtypes.length; // → 4 */
export const dtypes: readonly DType[] = ["bool", "int32", "float32", "float64"];

/** The storage of one element, in bytes. */
export function bytesPerElement(dtype: DType): number {
  switch (dtype) {
    case "bool":
      return 1;
    case "int32":
    case "float32":
      return 4;
    case "float64":
      return 8;
  }
}

/**
 * A zero-filled array of `length` elements.
 * @throws AdjointError `invalid-argument` where memory has no room for it
 */
export function allocate(dtype: DType, length: number): TypedArray {
  try {
    return allocateUnchecked(dtype, length);
  } catch {
    throw new AdjointError(
      "invalid-argument",
      `allocate: ${length} elements of ${dtype} do not fit in memory; use smaller shapes, or work in batches`,
      { operation: "allocate", argument: "shape", expected: "fewer elements", received: String(length) },
    );
  }
}

function allocateUnchecked(dtype: DType, length: number): TypedArray {
  switch (dtype) {
    case "bool":
      return new Uint8Array(length);
    case "int32":
      return new Int32Array(length);
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
  }
}

/** float32 and float64: what derivatives exist for. */
export function isFloating(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64";
}

/** The smaller type that holds both, in the order bool < int32 < float32 < float64. */
export function promote(a: DType, b: DType): DType {
  return dtypes.indexOf(a) >= dtypes.indexOf(b) ? a : b;
}

/** The type a plain number takes beside a tensor of type `beside`: it never widens a float, as in JAX's weak types. */
export function weakDType(value: number | boolean, beside: DType): DType {
  if (typeof value === "boolean") return beside;
  if (isFloating(beside)) return beside;
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return "int32";
  return "float32";
}

/** @throws AdjointError `invalid-argument` when `dtype` is not one of the four names. */
export function checkDType(dtype: unknown, operation: string): DType {
  const known = dtypes.find((name) => name === dtype);
  if (known === undefined)
    throw new AdjointError(
      "invalid-argument",
      `${operation}: unknown dtype ${formatReceived(dtype)}; expected one of ${dtypes.join(", ")}`,
      { operation, argument: "dtype", expected: dtypes.join(" | "), received: formatReceived(dtype) },
    );
  return known;
}
