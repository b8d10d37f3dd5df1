/**
 * The element types of files, by their names in safetensors, and what of ours holds their numbers. Floating-point types of 8 and
 * 16 bits widen to float32 exactly; whole numbers of other widths become int32 where they fit.
 */
import type { DType, TypedArray } from "../index.js";

export interface Format {
  /** Bytes of an element. */
  readonly width: number;
  readonly dtype: DType;
  /** The elements, from little-endian bytes that are their whole buffer; of numbers int32 has no place for, the first. */
  readonly decode: (bytes: Uint8Array<ArrayBuffer>) => TypedArray | { readonly outside: bigint };
}

export const formats: ReadonlyMap<string, Format> = new Map<string, Format>([
  ["F64", { width: 8, dtype: "float64", decode: ({ buffer }) => new Float64Array(buffer) }],
  ["F32", { width: 4, dtype: "float32", decode: ({ buffer }) => new Float32Array(buffer) }],
  [
    "F16",
    {
      width: 2,
      dtype: "float32",
      decode: ({ buffer }) => Float32Array.from(new Uint16Array(buffer), fromHalf),
    },
  ],
  [
    "BF16",
    {
      width: 2,
      dtype: "float32",
      // the upper half of a float32
      decode: ({ buffer }) =>
        new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer),
    },
  ],
  ["F8_E4M3", { width: 1, dtype: "float32", decode: (bytes) => looked(bytes, fromE4M3) }],
  ["F8_E5M2", { width: 1, dtype: "float32", decode: (bytes) => looked(bytes, fromE5M2) }],
  ["I64", { width: 8, dtype: "int32", decode: ({ buffer }) => narrowed(new BigInt64Array(buffer)) }],
  ["U64", { width: 8, dtype: "int32", decode: ({ buffer }) => narrowed(new BigUint64Array(buffer)) }],
  ["I32", { width: 4, dtype: "int32", decode: ({ buffer }) => new Int32Array(buffer) }],
  [
    "U32",
    {
      width: 4,
      dtype: "int32",
      decode: ({ buffer }) => narrowed(BigInt64Array.from(new Uint32Array(buffer), BigInt)),
    },
  ],
  ["I16", { width: 2, dtype: "int32", decode: ({ buffer }) => Int32Array.from(new Int16Array(buffer)) }],
  ["U16", { width: 2, dtype: "int32", decode: ({ buffer }) => Int32Array.from(new Uint16Array(buffer)) }],
  ["I8", { width: 1, dtype: "int32", decode: ({ buffer }) => Int32Array.from(new Int8Array(buffer)) }],
  ["U8", { width: 1, dtype: "int32", decode: (bytes) => Int32Array.from(bytes) }],
  ["BOOL", { width: 1, dtype: "bool", decode: (bytes) => bytes }],
]);

/** How tensors of ours are written. */
export const formatNames: Readonly<Record<DType, string>> = {
  float32: "F32",
  float64: "F64",
  int32: "I32",
  bool: "BOOL",
};

/** IEEE 754 binary16: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction. */
function fromHalf(bits: number): number {
  const sign = bits >>> 15 === 0 ? 1 : -1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** 4 bits of exponent (bias 7) and 3 of fraction; no infinity, so that only the largest code is no number (Micikevicius et al. 2022). */
function fromE4M3(code: number): number {
  const sign = code >>> 7 === 0 ? 1 : -1;
  const exponent = (code >>> 3) & 15;
  const fraction = code & 7;
  if (exponent === 15 && fraction === 7) return Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -9 : sign * (8 + fraction) * 2 ** (exponent - 10);
}

/** 5 bits of exponent (bias 15) and 2 of fraction: the upper half of a binary16 (Micikevicius et al. 2022). */
function fromE5M2(code: number): number {
  return fromHalf(code << 8);
}

/** The number of each byte, by a table of all 256. */
function looked(bytes: Uint8Array, value: (code: number) => number): Float32Array {
  const values = Float32Array.from({ length: 256 }, (_, code) => value(code));
  return Float32Array.from(bytes, (code) => values[code]);
}

function narrowed(wide: BigInt64Array | BigUint64Array): Int32Array | { readonly outside: bigint } {
  const narrow = new Int32Array(wide.length);
  for (let i = 0; i < wide.length; i++) {
    if (wide[i] < -0x8000_0000n || wide[i] > 0x7fff_ffffn) return { outside: wide[i] };
    narrow[i] = Number(wide[i]);
  }
  return narrow;
}
