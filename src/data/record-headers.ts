/** The headers of IDX and NPY files, as far as reading them by rows needs; whole files are decoded in `io`. */
import type { Header, ReadHeader } from "./record-file.js";

const idxBytes: ReadonlyMap<number, number> = new Map([
  [0x08, 1],
  [0x09, 1],
  [0x0b, 2],
  [0x0c, 4],
  [0x0d, 4],
  [0x0e, 8],
]);

/** Two zero bytes, the element type, the number of dimensions, and each of them as 32 bits, big-endian. */
export const idxHeader: ReadHeader = (bytes, refuse) => {
  if (bytes.length < 4) throw refuse("the file ends within its header");
  if (bytes[0] !== 0 || bytes[1] !== 0 || !idxBytes.has(bytes[2]))
    throw refuse("expected two zero bytes and an element type, with which IDX files begin");
  const length = 4 + 4 * bytes[3];
  if (bytes.length < length) return length;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: bytes[3] }, (_, i) => view.getUint32(4 + 4 * i));
  return {
    length,
    shape,
    withRows(rows) {
      const head = bytes.slice(0, length);
      new DataView(head.buffer).setUint32(4, rows);
      return head;
    },
  };
};

export function idxElementBytes(_header: Header, bytes: Uint8Array): number {
  return idxBytes.get(bytes[2]) ?? 0;
}

const magic = "\x93NUMPY";

/** A magic string, the version, the length of a Python dictionary, and the dictionary. */
export const npyHeader: ReadHeader = (bytes, refuse) => {
  if (String.fromCharCode(...bytes.subarray(0, 6)) !== magic || bytes.length < 12)
    throw refuse("expected the bytes \\x93NUMPY, with which .npy files begin");
  const base = bytes[6] === 1 ? 10 : 12;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = base + (bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (bytes.length < length) return length;
  const dictionary = latin1(bytes.subarray(base, length));
  if (/fortran_order['"]\s*:\s*True/.test(dictionary))
    throw refuse(
      "its elements are in column-major order, so that no row lies together; save np.ascontiguousarray(x)",
    );
  const found = /^(.*['"]shape['"]\s*:\s*\(\s*)(\d+)([\d\s,]*)(\).*)$/s.exec(dictionary);
  if (found === null) throw refuse("its header has no shape with an axis of rows");
  const [, before, first, rest, after] = found;
  const shape = [first, ...rest.split(",").filter((item) => item.trim() !== "")].map(Number);
  if (!shape.every(Number.isSafeInteger)) throw refuse("its shape is too large");
  return {
    length,
    shape,
    withRows(rows) {
      const head = bytes.slice(0, length);
      // no longer than before: there are no more rows than in the whole file
      const text = `${before}${rows}${rest}${after}`.trimEnd().padEnd(length - base - 1);
      for (let i = 0; i < text.length; i++) head[base + i] = text.charCodeAt(i);
      return head;
    },
  };
};

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** `<f4` has 4 bytes an element. */
export function npyElementBytes(_header: Header, bytes: Uint8Array): number {
  const [, digits] = /['"]descr['"]\s*:\s*['"][<>|=]?[a-zA-Z?](\d+)['"]/.exec(latin1(bytes)) ?? [];
  return Number(digits ?? 1);
}
