/**
 * The header of NumPy's .npy format, versions 1.0, 2.0 and 3.0 (NEP 1): a magic string, a version, the length of a text, and the
 * text, a Python dictionary of descr, fortran_order and shape. NumPy evaluates any Python literal; here only what writers write
 * is read: the three members once each, in any order, texts without escapes, whole numbers in decimal.
 */
import { AdjointError } from "../index.js";
import { formatReceived } from "../util/errors.js";
import { type Format, formats } from "./element-formats.js";
import { checkExtents, countOf, formatType } from "./limits.js";

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

/** As NumPy, which takes a longer one for an attack. */
const longestText = 10_000;

/** Bytes from which on the length of the whole header is known. */
export const prefixLength = 12;

/** A sound header, and the elements it announces. */
export interface NpyHeader {
  readonly format: Format;
  /** The most significant byte of an element comes first. */
  readonly isBigEndian: boolean;
  /** The first axis varies fastest. */
  readonly isColumnMajor: boolean;
  readonly shape: readonly number[];
  /** The length of the elements in bytes. */
  readonly length: number;
}

/** A refusal that names the file and the byte it is about. */
export function refuseNpy(file: string, offset: number, problem: string): AdjointError {
  return new AdjointError("file-format", `npy: ${file}, byte ${offset}: ${problem}`, {
    operation: "npy",
    file,
    offset,
  });
}

/**
 * Where the elements begin, from the first 12 bytes of a file, or all of a shorter one.
 * @throws AdjointError `file-format`
 */
export function headerLength(start: Uint8Array, file: string): number {
  const wrong = magic.findIndex((byte, i) => start[i] !== byte);
  if (wrong >= 0)
    throw refuseNpy(
      file,
      Math.min(wrong, start.length),
      "expected the bytes \\x93NUMPY, with which .npy files begin",
    );
  const [major, minor] = [start[6], start[7]];
  if (!(major >= 1 && major <= 3) || minor !== 0) {
    const received = minor === undefined ? "the end of the file" : `${major}.${minor}`;
    throw refuseNpy(
      file,
      start.length < 8 ? start.length : 6,
      `expected version 1.0, 2.0 or 3.0, received ${received}`,
    );
  }
  const base = major === 1 ? 10 : 12;
  if (start.length < base) throw refuseNpy(file, start.length, "the file ends within its header");
  const view = new DataView(start.buffer, start.byteOffset);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > longestText)
    throw refuseNpy(file, 8, `expected a header of at most ${longestText} bytes, received ${length}`);
  return base + length;
}

/**
 * Reads a whole header, of the length that `headerLength` gives.
 * @throws AdjointError `file-format`; `unsupported` for elements or shapes that tensors do not have
 */
export function parseHeader(header: Uint8Array, file: string): NpyHeader {
  const major = header[6];
  const base = major === 1 ? 10 : 12;
  let text: string;
  try {
    text = new TextDecoder(major === 3 ? "utf-8" : "latin1", { fatal: true }).decode(header.subarray(base));
  } catch {
    throw refuseNpy(file, base, "the header is not UTF-8 text");
  }
  const { descr, fortranOrder, shape } = parseDictionary(text, file, base);
  const [, order, code] = /^([<>|])([a-zA-Z]\d+)$/.exec(descr) ?? [];
  const format = formats.get(formatNames.get(code) ?? "");
  if (format === undefined || (order === "|" && format.width > 1)) throw unknownElements(descr, file);
  return {
    format,
    isBigEndian: order === ">" && format.width > 1,
    isColumnMajor: fortranOrder,
    shape,
    length: countOf(shape) * format.width,
  };
}

/**
 * @throws AdjointError `file-format` unless exactly as many bytes follow the header as it announces, `unsupported` where they
 * are more elements than a tensor has
 */
export function checkLength(header: NpyHeader, start: number, fileLength: number, file: string): void {
  const received = fileLength - start;
  if (received === header.length) {
    checkExtents(header.shape, "npy", file, file);
    return;
  }
  const type = formatType(header.format.dtype, header.shape);
  const expected = Number.isNaN(header.length) ? "more bytes than can be counted" : `${header.length} bytes`;
  throw refuseNpy(
    file,
    received < header.length ? fileLength : Math.min(fileLength, start + (header.length || 0)),
    `expected ${expected} for ${type}, received ${received}`,
  );
}

const formatNames: ReadonlyMap<string, string> = new Map([
  ["f2", "F16"],
  ["f4", "F32"],
  ["f8", "F64"],
  ["i1", "I8"],
  ["i2", "I16"],
  ["i4", "I32"],
  ["i8", "I64"],
  ["u1", "U8"],
  ["u2", "U16"],
  ["u4", "U32"],
  ["u8", "U64"],
  ["b1", "BOOL"],
]);

/** What other elements are, by the letter of NumPy's, and what to do with them. */
const otherElements: readonly (readonly [RegExp, string])[] = [
  [/^\[/, "records with fields; save each field as an array of its own"],
  [/^[<>|=]?O/, "Python objects, which would have to be executed; save numbers"],
  [/^[<>|=]?c/, "complex numbers; save the real and the imaginary part"],
  [/^[<>|=]?[SUa]/, "texts; save the numbers of their classes"],
  [/^[<>|=]?[mM]/, "dates or durations; save them as numbers with astype"],
  [/^[<>|=]?V/, "raw bytes; save them as numbers with view"],
];

function unknownElements(descr: string, file: string): AdjointError {
  const expected = "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1, after < or > or |";
  const meaning = otherElements.find(([pattern]) => pattern.test(descr))?.[1];
  const problem =
    meaning === undefined ? `; read are ${expected}, so convert with astype first` : `: ${meaning}`;
  return new AdjointError(
    "unsupported",
    `npy: ${file}: elements of type ${formatReceived(descr)}${problem}`,
    { operation: "npy", file, expected, received: formatReceived(descr) },
  );
}

interface Dictionary {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** A member with its value, as text; a type with fields is a list, of which only the beginning matters. Python has fewer spaces than \s. */
const member =
  /[ \t\r\n]*(?:'(\w+)'|"(\w+)")[ \t]*:[ \t]*('[^'\\]*'|"[^"\\]*"|True|False|\((?:[ \t]*\d+L?[ \t]*,)*(?:[ \t]*\d+L?)?[ \t]*\)|\[[^{}]*\])[ \t\r\n]*(,|(?=\}))/y;

function parseDictionary(text: string, file: string, base: number): Dictionary {
  const problem = (at: number): AdjointError =>
    refuseNpy(file, base + at, "the header is not a dictionary of descr, fortran_order and shape");
  if (text[0] !== "{") throw problem(0);
  const members = new Map<string, string>();
  let at = 1;
  for (;;) {
    member.lastIndex = at;
    const found = member.exec(text);
    if (found === null) break;
    const name = found[1] ?? found[2];
    if (members.has(name)) throw refuseNpy(file, base + at, `the header has two members ${name}`);
    members.set(name, found[3]);
    at = member.lastIndex;
    if (found[4] === "") break;
  }
  if (!/^[ \t\r\n]*\}[ \t\r\n]*$/.test(text.slice(at)) || members.size !== 3) throw problem(at);
  const { descr = "", fortran_order: order = "", shape = "" } = Object.fromEntries(members);
  const extents = shape.match(/\d+/g) ?? [];
  // (3) is a number in brackets, and Python has no numbers that begin with 0
  const isTuple = shape.startsWith("(") && (extents.length !== 1 || shape.includes(","));
  if (!/^['"[]/.test(descr) || !/^(True|False)$/.test(order) || !isTuple) throw problem(0);
  if (extents.some((extent) => /^0\d/.test(extent))) throw problem(0);
  if (!extents.every((extent) => Number.isSafeInteger(Number(extent))))
    throw refuseNpy(file, base, "the shape has an extent beyond 2⁵³");
  return {
    descr: descr.startsWith("[") ? descr : descr.slice(1, -1),
    fortranOrder: order === "True",
    shape: extents.map(Number),
  };
}
