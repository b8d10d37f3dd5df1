/**
 * NumPy's .npy format, version 1.0: a magic string, a header that is a Python dictionary, then the elements. Written in
 * row-major order; read in row-major or column-major order, of little-endian elements.
 */
import { AdjointError, type DType, isTensor, type Tensor, tensor } from "../index.js";
import { formatReceived, formatShape } from "../util/errors.js";
import { checkBytes } from "./arguments.js";
import { checkPath, readBytes, writeAtomically } from "./files.js";

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
const descriptions: Readonly<Record<DType, string>> = {
  float32: "<f4",
  float64: "<f8",
  int32: "<i4",
  bool: "|b1",
};
const widths: Readonly<Record<DType, number>> = { float32: 4, float64: 8, int32: 4, bool: 1 };

/**
 * The bytes of a .npy file.
 * @throws AdjointError `invalid-argument` for what is no tensor
 * @example
 * io.decodeNpy(io.encodeNpy(eye(2))).array(); // → 1,0,0,1
 */
export function encodeNpy(x: Tensor): Uint8Array {
  if (!isTensor(x))
    throw new AdjointError("invalid-argument", `npy: x must be a tensor, received ${formatReceived(x)}`, {
      operation: "npy",
      argument: "x",
      received: formatReceived(x),
    });
  const shape = x.shape.length === 1 ? `(${x.shape[0]},)` : `(${x.shape.join(", ")})`;
  const dictionary = `{'descr': '${descriptions[x.dtype]}', 'fortran_order': False, 'shape': ${shape}, }`;
  // the elements begin at a multiple of 64; the header ends in a line break
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const elements = x.dataSync();
  const bytes = new Uint8Array(10 + length + elements.byteLength);
  bytes.set([...magic, 1, 0, length & 0xff, length >> 8]);
  bytes.set(new TextEncoder().encode(`${dictionary.padEnd(length - 1)}\n`), 10);
  bytes.set(new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength), 10 + length);
  return bytes;
}

/**
 * Reads the bytes of a .npy file, of versions 1 to 3.
 * @param file what messages call the bytes
 * @throws AdjointError `file-format` where the header or the length is wrong, `unsupported` for other element types,
 * `invalid-argument` for what is no Uint8Array
 * @example
 * io.decodeNpy(io.encodeNpy(tensor([true, false]))).dtype; // → bool
 */
export function decodeNpy(bytes: Uint8Array, file = "the bytes"): Tensor {
  checkBytes(bytes, file, "decodeNpy");
  const refuse = (problem: string, offset: number): AdjointError =>
    new AdjointError("file-format", `npy: ${file}, byte ${offset}: ${problem}`, {
      operation: "npy",
      file,
      offset,
    });
  const wrong = magic.findIndex((byte, i) => bytes[i] !== byte);
  if (wrong >= 0)
    throw refuse("expected the bytes \\x93NUMPY, with which .npy files begin", Math.min(wrong, bytes.length));
  const version = bytes[6];
  if (!(version >= 1 && version <= 3))
    throw refuse(`expected version 1, 2 or 3, received ${version ?? "the end of the file"}`, 6);
  const base = version === 1 ? 10 : 12;
  if (bytes.length < base) throw refuse("the file ends within its header", bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = base + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (bytes.length < start)
    throw refuse(`expected a header up to byte ${start}, received the end of the file`, bytes.length);
  const header = new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(bytes.subarray(base, start));
  const { description, fortran, shape } = parseDictionary(header, () =>
    refuse("the header is not a dictionary of descr, fortran_order and shape", base),
  );
  const dtype = (Object.keys(descriptions) as DType[]).find((name) => descriptions[name] === description);
  if (dtype === undefined)
    throw new AdjointError(
      "unsupported",
      `npy: ${file}: elements of type ${formatReceived(description)}; this version reads <f4, <f8, <i4 and |b1, so convert with astype first`,
      { operation: "npy", file, expected: "<f4 | <f8 | <i4 | |b1", received: description },
    );
  const length = shape.reduce((total, extent) => total * extent, widths[dtype]);
  if (bytes.length - start !== length)
    throw refuse(
      `expected ${length} bytes for ${dtype}${formatShape(shape)}, received ${bytes.length - start}`,
      Math.min(bytes.length, start + length),
    );
  // a copy; the `slice` of Node's Buffer, which is a Uint8Array too, would not be one
  const part = new Uint8Array(bytes.subarray(start));
  const bad = dtype === "bool" ? part.findIndex((byte) => byte > 1) : -1;
  if (bad >= 0) throw refuse(`a bool must be 0 or 1, received ${part[bad]}`, start + bad);
  const elements = {
    float32: () => new Float32Array(part.buffer),
    float64: () => new Float64Array(part.buffer),
    int32: () => new Int32Array(part.buffer),
    bool: () => part,
  }[dtype]();
  // column-major data are the transpose in row-major order
  return fortran
    ? tensor(elements, { shape: shape.toReversed(), dtype }).transpose()
    : tensor(elements, { shape, dtype });
}

interface Dictionary {
  readonly description: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

/** The three members in any order; nothing else is allowed, as in NumPy. */
function parseDictionary(header: string, problem: () => AdjointError): Dictionary {
  const inside = /^\{(.*)\}\s*$/s.exec(header.trim())?.[1];
  if (inside === undefined) throw problem();
  const member = (pattern: RegExp): string => {
    const found = pattern.exec(inside)?.[1];
    if (found === undefined) throw problem();
    return found;
  };
  const description = member(/['"]descr['"]\s*:\s*['"]([^'"]*)['"]/);
  const fortran = member(/['"]fortran_order['"]\s*:\s*(True|False)/) === "True";
  const list = member(/['"]shape['"]\s*:\s*\(([\d\s,]*)\)/);
  const shape = list
    .split(",")
    .filter((item) => item.trim() !== "")
    .map(Number);
  if (!shape.every(Number.isSafeInteger)) throw problem();
  return { description, fortran, shape };
}

/**
 * Writes a tensor to a .npy file, for NumPy, at once.
 * @throws AdjointError `unwritable-output`
 * @example
 * await io.saveNpy("example.npy", eye(3));
 * (await io.loadNpy("example.npy")).shape; // → 3,3
 */
export async function saveNpy(path: string, x: Tensor): Promise<void> {
  await writeAtomically(path, encodeNpy(x), "saveNpy");
}

/**
 * Reads a .npy file of NumPy's.
 * @throws AdjointError `file-not-found`, `file-format`, `unsupported`
 * @example
 * await io.saveNpy("example.npy", tensor([1, 2]));
 * (await io.loadNpy("example.npy")).array(); // → 1,2
 */
export async function loadNpy(path: string): Promise<Tensor> {
  checkPath(path, "loadNpy");
  return decodeNpy((await readBytes(path, "loadNpy")).bytes, path);
}
