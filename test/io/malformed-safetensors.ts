/** Safetensors files that break a rule of the format each. */
import { tensor } from "../../src/index.js";
import { encodeSafetensors } from "../../src/io/index.js";
import { corpus, type Malformed, truncations } from "./malformed.js";

/** A file with this header and this many bytes of data; the announced length may be another. */
function file(header: string | Uint8Array, dataLength = 0, announced?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, announced ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const one = (shape: string, offsets = "[0,8]", dtype = '"F32"') =>
  `{"a":{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}}`;

/** A header of this many bytes that begins as one does. */
function long(length: number, fill: string, start = '{"a":'): Uint8Array {
  const text = new Uint8Array(length).fill(fill.charCodeAt(0));
  text.set(new TextEncoder().encode(start));
  return text;
}

export function malformedSafetensors(): Malformed[] {
  const sound = encodeSafetensors({ a: tensor(new Float32Array(100)), f: tensor([true]) }, { note: "n" });
  const headerEnd = 8 + Number(new DataView(sound.buffer).getBigUint64(0, true));
  return [
    ...truncations("safetensors", sound, headerEnd, 64),
    ...corpus("safetensors", [
      ["a header of 2⁵³ bytes", file("{}", 0, 2n ** 53n)],
      ["a header of 2⁶³ bytes", file("{}", 0, 2n ** 63n)],
      ["a header of 2⁶⁴ − 1 bytes", file("{}", 0, 2n ** 64n - 1n)],
      ["a header of 2⁶⁴ − 8 bytes, so that its end wraps to 0", file("{}", 0, 2n ** 64n - 8n)],
      ["a header one byte longer than the file", file("{}", 0, 3n)],
      ["a header of 101 million bytes", file(long(101_000_000, " ", "{}"))],
      ["30 million open brackets", file(long(30_000_000, "["))],
      [
        "a million nested lists",
        file(new TextEncoder().encode(`{"a":${"[".repeat(1e6)}${"]".repeat(1e6)}}`)),
      ],
      ["a name of 30 million bytes that does not end", file(long(30_000_000, "x", '{"'))],
      ["30 million digits", file(long(30_000_000, "1", '{"a":{"dtype":"F32","shape":['))],
      ["an extent of 2⁵³", file(one("[9007199254740992]"), 8)],
      ["an extent of 10⁴⁰⁰", file(one(`[1${"0".repeat(400)}]`), 8)],
      ["extents whose product is 2⁶⁴", file(one("[4294967296,4294967296]"), 8)],
      [
        "extents whose product overflows before a zero",
        file(one("[4294967296,4294967296,4294967296,0]", "[0,0]"), 0),
      ],
      ["more elements than tensors have, and none", file(one("[4294967296,0]", "[0,0]"), 0), "unsupported"],
      ["65 axes", file(one(`[${"1,".repeat(64)}2]`), 8), "unsupported"],
      ["a negative extent", file(one("[-2]"), 8)],
      ["an extent of −0", file(one("[-0]", "[0,0]"), 0)],
      ["an extent of 2.0", file(one("[2.0]"), 8)],
      ["an extent of 2e0", file(one("[2e0]"), 8)],
      ["an extent of 02", file(one("[02]"), 8)],
      ["an extent of NaN", file(one("[NaN]"), 8)],
      ["an extent that is a text", file(one('["2"]'), 8)],
      ["an extent that is null", file(one("[null]"), 8)],
      ["a shape in a shape", file(one("[[2]]"), 8)],
      ["a shape that is an object", file(one('{"length":1}'), 8)],
      ["a shape with a comma too many", file(one("[2,]"), 8)],
      ["a width that does not fit", file(one("[2]", "[0,8]", '"F64"'), 8)],
      ["a width of 8-bit floats that does not fit", file(one("[2]", "[0,8]", '"F8_E4M3"'), 8)],
      ["offsets of 2⁵³", file(one("[2]", "[0,9007199254740992]"), 8)],
      ["offsets that wrap", file(one("[2]", "[18446744073709551608,0]"), 8)],
      ["offsets backwards", file(one("[2]", "[8,0]"), 8)],
      ["three offsets", file(one("[2]", "[0,8,8]"), 8)],
      ["one offset", file(one("[2]", "[8]"), 8)],
      ["a hole of one byte at the end", file(one("[2]"), 9)],
      ["a hole at the start", file(one("[2]", "[1,9]"), 9)],
      ["no tensor for the data", file("{}", 1)],
      ["a dtype that is a number", file(one("[2]", "[0,8]", "4"), 8)],
      ["a dtype of exponents", file(one("[8]", "[0,8]", '"F8_E8M0"'), 8), "unsupported"],
      ["a dtype of 4 bits", file(one("[16]", "[0,8]", '"F4"'), 8), "unsupported"],
      ["complex numbers", file(one("[1]", "[0,8]", '"C64"'), 8), "unsupported"],
      ["a dtype named __proto__", file(one("[2]", "[0,8]", '"__proto__"'), 8), "unsupported"],
      ["__proto__ that is no tensor", file('{"__proto__":{"polluted":1}}')],
      [
        "__proto__ in a tensor",
        file('{"a":{"__proto__":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}}', 8),
      ],
      [
        "constructor in a tensor",
        file('{"a":{"constructor":1,"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 8),
      ],
      ["a dtype twice", file('{"a":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}}', 8)],
      ["metadata twice", file('{"__metadata__":{},"__metadata__":{}}')],
      ["a text of the metadata twice", file('{"__metadata__":{"a":"1","\\u0061":"2"}}')],
      ["metadata of numbers", file('{"__metadata__":{"a":1}}')],
      ["metadata in metadata", file('{"__metadata__":{"a":{}}}')],
      ["metadata that are a list", file('{"__metadata__":[]}')],
      ["half of a surrogate pair", file('{"\\ud800":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}')],
      ["an escape that is none", file('{"\\x61":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}')],
      ["a line break in a name", file('{"a\nb":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}')],
      ["a name that is not UTF-8", file(Uint8Array.of(0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x7b, 0x7d, 0x7d))],
      [
        "an overlong zero in a name",
        file(Uint8Array.of(0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a, 0x7b, 0x7d, 0x7d)),
      ],
      ["a byte order mark", file("\ufeff{}")],
      ["a list", file("[]")],
      ["a comment", file("{/**/}")],
      ["single quotes", file("{'a':1}")],
      ["zeros behind the header", file("{}\0\0\0\0")],
      ["a second header", file("{}{}")],
      ["another kind of file", new TextEncoder().encode("PK\x03\x04 is how a zip archive begins")],
    ]),
  ];
}
