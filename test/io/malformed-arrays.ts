/** .npy, IDX and CSV files that break a rule of their format each. */
import { tensor } from "../../src/index.js";
import { encodeNpy } from "../../src/io/index.js";
import { corpus, type Malformed, truncations } from "./malformed.js";

/** A .npy file with this header text and this many zero bytes behind it. */
export function npy(text: string, dataLength = 0, version = [1, 0], announced?: number): Uint8Array {
  const header = new TextEncoder().encode(text);
  const isLong = version[0] > 1;
  const start = isLong ? 12 : 10;
  const bytes = new Uint8Array(start + header.length + dataLength);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, ...version]);
  const view = new DataView(bytes.buffer);
  if (isLong) view.setUint32(8, announced ?? header.length, true);
  else view.setUint16(8, announced ?? header.length, true);
  bytes.set(header, start);
  return bytes;
}

const described = (shape: string, descr = "'<f4'", order = "False") =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

export function malformedNpy(): Malformed[] {
  const sound = encodeNpy(tensor(new Float32Array(100)));
  return [
    ...truncations("npy", sound, 128, 64),
    ...corpus("npy", [
      ["version 1.1", npy(described("(2,)"), 8, [1, 1])],
      ["version 0.0", npy(described("(2,)"), 8, [0, 0])],
      ["version 4.0", npy(described("(2,)"), 8, [4, 0])],
      ["a header of 2³² − 1 bytes", npy(described("(2,)"), 8, [2, 0], 2 ** 32 - 1)],
      ["a header of 60,000 spaces", npy(`${described("(2,)").trim()}${" ".repeat(60_000)}\n`, 8)],
      ["no header at all", npy("", 8)],
      ["a header of one byte", npy("{", 8)],
      ["an extent of 2⁵³", npy(described("(9007199254740992,)"), 8)],
      ["an extent of 10⁴⁰⁰", npy(described(`(1${"0".repeat(400)},)`), 8)],
      ["extents whose product is 2⁶⁴", npy(described("(4294967296, 4294967296)"), 8)],
      [
        "extents whose product overflows before a zero",
        npy(described("(4294967296, 4294967296, 4294967296, 0)")),
      ],
      ["more elements than tensors have, and none", npy(described("(4294967296, 0)")), "unsupported"],
      ["65 axes", npy(described(`(${"1,".repeat(64)}2)`), 8), "unsupported"],
      ["a negative extent", npy(described("(-2,)"), 8)],
      ["an extent with a sign", npy(described("(+2,)"), 8)],
      ["an extent of 2.0", npy(described("(2.0,)"), 8)],
      ["an extent of 2e0", npy(described("(2e0,)"), 8)],
      ["an extent of 0x2", npy(described("(0x2,)"), 8)],
      ["an extent of 02", npy(described("(02,)"), 8)],
      ["an extent of NaN", npy(described("(nan,)"), 8)],
      ["an extent that is a truth value", npy(described("(True, 2)"), 8)],
      ["an extent that is a text", npy(described("('2',)"), 8)],
      ["a shape that is a number", npy(described("(2)"), 8)],
      ["a shape that is a list", npy(described("[2]"), 8)],
      ["a shape in a shape", npy(described("((2,),)"), 8)],
      ["a shape of commas", npy(described("(,)"), 8)],
      ["a shape that does not end", npy(described("(2,"), 8)],
      ["9,000 open brackets", npy(described("(".repeat(9_000)), 8)],
      ["a shape that is executed", npy(described("(__import__('os').system('true'),)"), 8)],
      ["an order that is a number", npy(described("(2,)", "'<f4'", "0"), 8)],
      ["two shapes", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'shape': (1,)}", 8)],
      [
        "a fourth member",
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), '__proto__': (1,)}", 8),
      ],
      ["__proto__ for the shape", npy("{'descr': '<f4', 'fortran_order': False, '__proto__': (2,)}", 8)],
      ["two dictionaries", npy(`${described("(2,)").trim()}{}`, 8)],
      ["a zero byte in the header", npy(described("(2,)").replace("shape", "sh\0ape"), 8)],
      ["a header that is not UTF-8", npy("{'\ud800': 1}", 8, [3, 0])],
      ["an element more", npy(described("(2,)"), 12)],
      ["an element less", npy(described("(2,)"), 4)],
      ["a bool of 255", joined(npy(described("(1,)", "'|b1'")), Uint8Array.of(255))],
      ["Python objects", npy(described("(1,)", "'|O'"), 8), "unsupported"],
      ["records", npy(described("(1,)", "[('a', '<f4'), ('b', '<i4')]"), 8), "unsupported"],
      ["texts", npy(described("(1,)", "'<U2'"), 8), "unsupported"],
      ["complex numbers", npy(described("(1,)", "'<c8'"), 8), "unsupported"],
      ["dates", npy(described("(1,)", "'<M8[ns]'"), 8), "unsupported"],
      ["long doubles", npy(described("(1,)", "'<f16'"), 16), "unsupported"],
      ["floats of no byte", npy(described("(1,)", "'<f0'"), 0), "unsupported"],
      ["floats of 10⁹ bytes", npy(described("(1,)", "'<f1000000000'"), 8), "unsupported"],
      ["a type of no name", npy(described("(1,)", "''"), 8), "unsupported"],
      [
        "an int64 that int32 has no place for",
        joined(npy(described("(1,)", "'<i8'")), Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0)),
        "unsupported",
      ],
    ]),
  ];
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** An IDX file: the code of its type, its extents, and zero bytes. */
function idx(code: number, shape: readonly number[], dataLength: number): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + dataLength);
  bytes.set([0, 0, code, shape.length]);
  const view = new DataView(bytes.buffer);
  for (const [i, extent] of shape.entries()) view.setUint32(4 + 4 * i, extent);
  return bytes;
}

const filled = (length: number, value: number): number[] => new Array<number>(length).fill(value);

export function malformedIdx(): Malformed[] {
  return [
    ...truncations("idx", idx(8, [10, 8, 8], 640), 16, 64),
    ...corpus("idx", [
      ["an extent of 2³² − 1", idx(8, [2 ** 32 - 1], 8)],
      ["extents whose product is 2⁶⁴", idx(8, filled(4, 2 ** 16), 0)],
      ["255 extents of 2³² − 1", idx(8, filled(255, 2 ** 32 - 1), 8)],
      ["255 extents of 2³² − 1 and 0", idx(8, [...filled(254, 2 ** 32 - 1), 0], 0)],
      ["more elements than tensors have, and none", idx(8, [2 ** 32 - 1, 0], 0), "unsupported"],
      ["65 axes", idx(8, filled(65, 1), 1), "unsupported"],
      ["no axes", idx(8, [], 1)],
      ["an unknown type", idx(10, [1], 1)],
      ["a wider type than its bytes", idx(14, [8], 8)],
      ["a byte more", idx(8, [2], 3)],
      ["other first bytes", Uint8Array.of(0, 1, 8, 1, 0, 0, 0, 0)],
    ]),
  ];
}

const text = (csv: string): Uint8Array => new TextEncoder().encode(csv);

export function malformedCsv(): Malformed[] {
  return corpus("csv", [
    ["nothing", text("")],
    ["a header alone", text("x,y\n")],
    ["two columns of one name", text("x,x,y\n1,2,a\n3,4,b\n")],
    ["a column without a name", text("x,,y\n1,2,a\n3,4,b\n")],
    ["a row that is too long", text("x,y\n1,a\n2,3,b\n")],
    ["a row that is too short", text("x,z,y\n1,2,a\n3,b\n")],
    ["a quote that is not closed", text('x,y\n1,"a\n2,b\n')],
    ["a quote inside a cell", text('x,y\n1,a"b\n2,"b"c\n')],
    ["a quoted cell of 2 MB that is not closed", text(`x,y\n1,"${"a\n".repeat(1_000_000)}`)],
    ["bytes that are not UTF-8", Uint8Array.from([...text("x,y\n1,"), 0xff, 0xfe, ...text("\n2,b\n")])],
    ["a word for a number", text("x,y\n1,a\nword,b\n"), "invalid-data"],
    ["infinity for a number", text("x,y\n1,a\nInfinity,b\n"), "invalid-data"],
    ["NaN for a number", text("x,y\n1,a\nNaN,b\n"), "invalid-data"],
    ["10⁴⁰⁰ for a number", text("x,y\n1,a\n1e400,b\n"), "invalid-data"],
    ["a hexadecimal number", text("x,y\n1,a\n0x10,b\n"), "invalid-data"],
    ["a hole", text("x,y\n1,a\n,b\n"), "invalid-data"],
    ["zero bytes for a number", text("x,y\n1,a\n\0\0,b\n"), "invalid-data"],
    ["no column of the label", text("__proto__,constructor\n1,a\n2,b\n"), "invalid-argument"],
  ]);
}
