/** From the bytes of elements to a tensor of them and back, with the checks that every format shares. */
import { AdjointError, type Tensor, type TypedArray } from "../index.js";
import { adopt } from "./adopt.js";
import type { Format } from "./element-formats.js";

/** Which elements, for messages. */
export interface ElementsPlace {
  /** The format: "npy", "safetensors". */
  readonly operation: string;
  readonly file: string;
  /** What the message says is wrong: `tensor "w" `, or nothing. */
  readonly subject?: string;
  /** Where the elements begin in the file. */
  readonly offset: number;
}

/**
 * A tensor of the elements in `bytes`, little-endian, which must be their whole buffer and belong to nobody else.
 *
 * @throws AdjointError `file-format` for a bool that is neither 0 nor 1, `unsupported` for a number that int32 has no place for
 */
export function tensorOfBytes(
  bytes: Uint8Array<ArrayBuffer>,
  shape: readonly number[],
  format: Format,
  { operation, file, subject = "", offset }: ElementsPlace,
): Tensor {
  if (format.dtype === "bool") {
    const bad = bytes.findIndex((byte) => byte > 1);
    if (bad >= 0)
      throw new AdjointError(
        "file-format",
        `${operation}: ${file}, byte ${offset + bad}: ${subject}a bool must be 0 or 1, received ${bytes[bad]}`,
        { operation, file, offset: offset + bad },
      );
  }
  // typed arrays are little-endian, as most files are, on every platform that JavaScript engines are made for today
  const elements = format.decode(bytes);
  if ("outside" in elements)
    throw new AdjointError(
      "unsupported",
      `${operation}: ${file}: ${subject}${elements.outside} has no place in int32; convert the elements to it, or to floating point, first`,
      { operation, file, expected: "−2³¹ … 2³¹ − 1", received: String(elements.outside) },
    );
  return adopt(elements, shape, format.dtype);
}

/** Engines have no longer arrays of bytes. */
const longest = 2 ** 32 - 1;

/**
 * The elements of a tensor, little-endian, as they lie in memory where they do: not to be written.
 * @throws AdjointError `unsupported` for a tensor of 4 GiB, `abstract-value`, `donated`
 */
export function bytesOfTensor(x: Tensor, operation: string): Uint8Array {
  const elements: TypedArray = x.storage?.read() ?? x.dataSync();
  if (elements.byteLength > longest)
    throw new AdjointError(
      "unsupported",
      `${operation}: a tensor of ${elements.byteLength} bytes; one that goes into a file, or comes out of it, has less than 4 GiB: save parts of it`,
      { operation, expected: `at most ${longest} bytes`, received: String(elements.byteLength) },
    );
  return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
}
