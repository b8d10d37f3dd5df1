/**
 * NumPy's .npy format: a header, then the elements. Written in row-major order, little-endian, version 1.0; read in either order,
 * of either endianness, in every version.
 */
import { AdjointError, type DType, isTensor, type Tensor } from "../index.js";
import { formatReceived } from "../util/errors.js";
import { checkBytes } from "./arguments.js";
import { bytesOfTensor, tensorOfBytes } from "./elements.js";
import { checkPath, writeAtomically } from "./files.js";
import { allocateBytes } from "./limits.js";
import {
  checkLength,
  headerLength,
  type NpyHeader,
  parseHeader,
  prefixLength,
  refuseNpy,
} from "./npy-header.js";
import { type Source, withSource } from "./source.js";

const descriptions: Readonly<Record<DType, string>> = {
  float32: "<f4",
  float64: "<f8",
  int32: "<i4",
  bool: "|b1",
};

/** A .npy file in two parts: its header, and its elements, which are not copied and must not be written. */
export function npyParts(x: Tensor): [header: Uint8Array, elements: Uint8Array] {
  const shape = x.shape.length === 1 ? `(${x.shape[0]},)` : `(${x.shape.join(", ")})`;
  const dictionary = `{'descr': '${descriptions[x.dtype]}', 'fortran_order': False, 'shape': ${shape}, }`;
  // the elements begin at a multiple of 64; the header ends in a line break
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const header = new Uint8Array(10 + length);
  header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 0xff, length >> 8]);
  header.set(new TextEncoder().encode(`${dictionary.padEnd(length - 1)}\n`), 10);
  return [header, bytesOfTensor(x, "npy")];
}

/**
 * The bytes of a .npy file.
 * @throws AdjointError `invalid-argument` for what is no tensor
 * @example
 * io.decodeNpy(io.encodeNpy(eye(2))).array(); // → 1,0,0,1
 */
export function encodeNpy(x: Tensor): Uint8Array {
  const [header, elements] = npyParts(checkTensor(x));
  const bytes = new Uint8Array(header.length + elements.length);
  bytes.set(header);
  bytes.set(elements, header.length);
  return bytes;
}

function checkTensor(x: unknown): Tensor {
  if (isTensor(x)) return x;
  throw new AdjointError("invalid-argument", `npy: x must be a tensor, received ${formatReceived(x)}`, {
    operation: "npy",
    argument: "x",
    received: formatReceived(x),
  });
}

/**
 * Reads the bytes of a .npy file. float16 becomes float32, and integers of all widths become int32.
 *
 * @param file what messages call the bytes
 * @throws AdjointError `file-format` where the header or the length is wrong, or a bool is neither 0 nor 1; `unsupported` for other
 * elements, and for a whole number that int32 has no place for; `invalid-argument` for what is no Uint8Array
 * @example
 * io.decodeNpy(io.encodeNpy(tensor([true, false]))).dtype; // → bool
 */
export function decodeNpy(bytes: Uint8Array, file = "the bytes"): Tensor {
  checkBytes(bytes, file, "decodeNpy");
  const start = headerLength(bytes.subarray(0, prefixLength), file);
  if (bytes.length < start) throw cutHeader(start, bytes.length, file);
  const header = parseHeader(bytes.subarray(0, start), file);
  checkLength(header, start, bytes.length, file);
  // a copy; the `slice` of Node's Buffer, which is a Uint8Array too, would not be one
  return npyTensor(new Uint8Array(bytes.subarray(start)), header, start, file);
}

/** Bytes that come one after the other. */
export interface ByteSequence {
  readonly file: string;
  readonly size: number;
  /** Fills the target with the next bytes, which must be there. */
  fill(target: Uint8Array): Promise<void>;
}

/**
 * Reads a .npy file whose bytes come one after the other, its elements straight into the memory of the tensor.
 * @throws AdjointError as `decodeNpy`, and `file-too-large`
 */
export async function readNpy(sequence: ByteSequence): Promise<Tensor> {
  const { file, size } = sequence;
  const prefix = new Uint8Array(Math.min(prefixLength, size));
  await sequence.fill(prefix);
  const start = headerLength(prefix, file);
  if (size < start) throw cutHeader(start, size, file);
  const bytes = new Uint8Array(start);
  // a header that ends before the prefix does has no room for a dictionary, and is refused below
  bytes.set(prefix.subarray(0, start));
  await sequence.fill(bytes.subarray(prefix.length));
  const header = parseHeader(bytes, file);
  checkLength(header, start, size, file);
  const elements = allocateBytes(header.length, "npy", file);
  await sequence.fill(elements);
  return npyTensor(elements, header, start, file);
}

function cutHeader(start: number, received: number, file: string): AdjointError {
  return refuseNpy(file, received, `expected a header up to byte ${start}, received the end of the file`);
}

function npyTensor(
  bytes: Uint8Array<ArrayBuffer>,
  { format, isBigEndian, isColumnMajor, shape }: NpyHeader,
  offset: number,
  file: string,
): Tensor {
  if (isBigEndian) reverseEach(bytes, format.width);
  // column-major elements are those of the transpose in row-major order
  const stored = isColumnMajor ? shape.toReversed() : shape;
  const x = tensorOfBytes(bytes, stored, format, { operation: "npy", file, offset });
  return isColumnMajor && shape.length > 1 ? x.transpose() : x;
}

/** Reverses the bytes of each element in place. */
function reverseEach(bytes: Uint8Array, width: number): void {
  for (let start = 0; start < bytes.length; start += width)
    for (let i = start, j = start + width - 1; i < j; i++, j--) {
      const byte = bytes[i];
      bytes[i] = bytes[j];
      bytes[j] = byte;
    }
}

/**
 * Writes a tensor to a .npy file, for NumPy, at once: a reader finds the old file or the whole new one.
 * @throws AdjointError `unwritable-output`, `invalid-argument` for what is no tensor
 * @example
 * await io.saveNpy("example.npy", eye(3));
 * (await io.loadNpy("example.npy")).shape; // → 3,3
 */
export async function saveNpy(path: string, x: Tensor): Promise<void> {
  await writeAtomically(path, npyParts(checkTensor(x)), "saveNpy");
}

/**
 * Reads a .npy file of NumPy's, plain or gzipped.
 * @throws AdjointError `file-not-found`, `file-too-large`, and those of {@link decodeNpy}
 * @example
 * await io.saveNpy("example.npy", tensor([1, 2]));
 * (await io.loadNpy("example.npy")).array(); // → 1,2
 */
export async function loadNpy(path: string): Promise<Tensor> {
  checkPath(path, "loadNpy");
  return withSource(path, "loadNpy", (source) => readNpy(inOrder(source)));
}

/** A source from its beginning to its end. */
function inOrder({ file, size, read }: Source): ByteSequence {
  let offset = 0;
  return {
    file,
    size,
    fill: async (target) => {
      await read(offset, target);
      offset += target.length;
    },
  };
}
