/**
 * The IDX format of the MNIST files, as described by LeCun, Cortes and Burges with that data: two zero bytes, a code for
 * the element type, the number of dimensions, each dimension as a 32-bit integer, then the elements; all big-endian.
 */
import { AdjointError, type Tensor, tensor } from "../index.js";
import { checkBytes } from "./arguments.js";
import { readBytes } from "./files.js";
import { checkExtents, countOf, formatType } from "./limits.js";

/** The element types of IDX files. */
export type IdxElement = "uint8" | "int8" | "int16" | "int32" | "float32" | "float64";
/** What the elements are read into. */
export type IdxArray = Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;

/** What an IDX file holds. */
export interface IdxFile {
  readonly element: IdxElement;
  readonly shape: readonly number[];
  /** The elements, row-major. */
  readonly data: IdxArray;
}

interface ElementType {
  readonly element: IdxElement;
  readonly bytes: number;
  readonly read: (view: DataView, offset: number, count: number) => IdxArray;
}

const elementTypes: ReadonlyMap<number, ElementType> = new Map<number, ElementType>([
  [
    0x08,
    {
      element: "uint8",
      bytes: 1,
      read: (view, at, n) => new Uint8Array(view.buffer, view.byteOffset + at, n).slice(),
    },
  ],
  [
    0x09,
    {
      element: "int8",
      bytes: 1,
      read: (view, at, n) => new Int8Array(view.buffer, view.byteOffset + at, n).slice(),
    },
  ],
  [
    0x0b,
    {
      element: "int16",
      bytes: 2,
      read: (view, at, n) => Int16Array.from({ length: n }, (_, i) => view.getInt16(at + 2 * i)),
    },
  ],
  [
    0x0c,
    {
      element: "int32",
      bytes: 4,
      read: (view, at, n) => Int32Array.from({ length: n }, (_, i) => view.getInt32(at + 4 * i)),
    },
  ],
  [
    0x0d,
    {
      element: "float32",
      bytes: 4,
      read: (view, at, n) => Float32Array.from({ length: n }, (_, i) => view.getFloat32(at + 4 * i)),
    },
  ],
  [
    0x0e,
    {
      element: "float64",
      bytes: 8,
      read: (view, at, n) => Float64Array.from({ length: n }, (_, i) => view.getFloat64(at + 8 * i)),
    },
  ],
]);

/**
 * Reads an IDX file: its element type, its shape and a copy of its elements.
 *
 * @param file what messages call the bytes
 * @throws AdjointError `file-format`, naming the file and the byte offset, unless the header is sound and the length is
 * exactly what it announces; `invalid-argument` for what is no Uint8Array
 * @example
 * const bytes = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1);
 * io.decodeIdx(bytes).data; // → 7,2,1
 */
export function decodeIdx(bytes: Uint8Array, file = "the bytes"): IdxFile {
  checkBytes(bytes, file, "decodeIdx");
  const refuse = (offset: number, expected: string, received: string): never => {
    throw new AdjointError(
      "file-format",
      `idx: ${file}, byte ${offset}: expected ${expected}, received ${received}`,
      {
        operation: "idx",
        file,
        offset,
        expected,
        received,
      },
    );
  };
  if (bytes.length < 4) return refuse(bytes.length, "a header of at least 4 bytes", `the end of the file`);
  if (bytes[0] !== 0 || bytes[1] !== 0)
    return refuse(0, "two zero bytes, with which IDX files begin", `${hex(bytes[0])} ${hex(bytes[1])}`);
  const type = elementTypes.get(bytes[2]);
  if (type === undefined) return refuse(2, "an element type 0x08, 0x09 or 0x0b to 0x0e", hex(bytes[2]));
  const rank = bytes[3];
  if (rank === 0) return refuse(3, "at least one dimension", "0");
  const start = 4 + 4 * rank;
  if (bytes.length < start)
    return refuse(bytes.length, `${rank} dimensions in ${start} bytes`, "the end of the file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const count = countOf(shape);
  const length = start + count * type.bytes;
  if (Number.isNaN(count))
    return refuse(4, "dimensions of elements that can be counted", formatType(type.element, shape));
  if (bytes.length !== length)
    return refuse(
      Math.min(bytes.length, length),
      `${length} bytes for ${formatType(type.element, shape)}`,
      bytes.length < length
        ? `the end of the file after ${bytes.length}`
        : `${bytes.length - length} bytes more`,
    );
  return { element: type.element, shape, data: type.read(view, start, count) };
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}

/**
 * Reads an IDX file, plain or gzipped: a tensor of float32 or float64 where the elements are, int32 for all
 * integers.
 *
 * @throws AdjointError `file-not-found`, `file-format` naming file and byte offset, `file-too-large` for a gzip file that expands
 * beyond all measure, `unsupported` for more elements or axes than a tensor has
 * @example (await io.loadIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9))).array(); // → 7,9
 */
export async function loadIdx(source: string | Uint8Array): Promise<Tensor> {
  const { bytes, file } = await readBytes(source, "loadIdx");
  const { data, shape } = decodeIdx(bytes, file);
  checkExtents(shape, "idx", file, file);
  const isFloat = data instanceof Float32Array || data instanceof Float64Array;
  return tensor(isFloat ? data : Int32Array.from(data), { shape });
}
