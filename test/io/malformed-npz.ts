/** .npz archives that break a rule of the zip format each, or of what an archive of arrays may be. */
import { tensor } from "../../src/index.js";
import { encodeNpy } from "../../src/io/index.js";
import { corpus, type Malformed, truncations } from "./malformed.js";
import { npy } from "./malformed-arrays.js";
import { bytesOf, crcOf, deflatedMember, fields, joined, type Member, zip } from "./malformed-zip.js";

const array = encodeNpy(tensor([1, 2, 3]));
const w: Member = { name: "w.npy", content: array };
const packed = deflatedMember("w.npy", array);

/** One member with the same wrong field in both of its headers. */
const both = (member: Member, changes: Member["local"] & object): Uint8Array =>
  zip([{ ...member, local: changes, central: changes }]);

/** The zip64 extra field with these numbers. */
const extra = (...numbers: readonly number[]): Uint8Array =>
  joined(fields([2, 1], [2, 8 * numbers.length]), ...numbers.map((n) => fields([8, n])));

const sound = zip([w, deflatedMember("k.npy", encodeNpy(tensor(new Float32Array(300))))]);
const directoryLength = 46 + 5 + (46 + 5) + 22;

export function malformedNpz(): Malformed[] {
  return [
    ...truncations("npz", sound, 300, directoryLength + 64),
    ...names(),
    ...directories(),
    ...members(),
    ...wide(),
  ];
}

function names(): Malformed[] {
  const named = (name: string | Uint8Array) => zip([{ ...w, name }]);
  return corpus("npz", [
    ["a name that leads upward", named("../w.npy")],
    ["a name that leads upward further on", named("a/../../w.npy")],
    ["a name that leads upward on Windows", named("..\\w.npy")],
    ["an absolute name", named("/etc/w.npy")],
    ["an absolute name of Windows", named("C:\\w.npy")],
    ["a name on another machine", named("\\\\host\\w.npy")],
    ["no name", named("")],
    ["a name with a zero byte", named("w.npy\0.npy")],
    ["a name that is not UTF-8", named(Uint8Array.of(0xff, ...bytesOf(".npy")))],
    ["a name beyond ASCII that is not marked as UTF-8", named("ключ.npy")],
    ["two members of one name", zip([w, w])],
    ["a directory", zip([w, { name: "a/", content: new Uint8Array(0) }])],
    ["a file that is no array", zip([w, { name: "run.py", content: bytesOf("print(1)") }])],
    ["another name in the directory", zip([{ ...w, central: { name: bytesOf("v.npy") } }])],
    ["a shorter name in the directory", zip([{ ...w, central: { name: bytesOf(".npy") } }])],
  ]);
}

function directories(): Malformed[] {
  return corpus("npz", [
    ["bytes in front of the archive", joined(bytesOf("#!/bin/sh\n"), sound)],
    ["bytes behind the archive", joined(sound, bytesOf("x"))],
    ["a second archive behind the first", joined(sound, sound)],
    ["a comment that is longer than the file", zip([w], { commentLength: 5 })],
    ["a comment that is shorter than it says", zip([w], { comment: bytesOf("abc"), commentLength: 2 })],
    ["an empty archive with bytes in front", joined(bytesOf("x"), zip([]))],
    ["a directory beyond the file", zip([w], { offset: 2 ** 31 })],
    ["a directory that begins in a member", zip([w], { offset: 10 })],
    ["a directory that is too short", zip([w], { size: 20 })],
    ["a directory of 4 GiB", zip([w], { size: 2 ** 32 - 2 })],
    ["a member more than there is", zip([w], { here: 2, count: 2 })],
    ["a member less than there is", zip([w, { ...w, name: "v.npy" }], { here: 1, count: 1 })],
    ["no member although there is one", zip([w], { here: 0, count: 0 })],
    ["an archive in several files", zip([w], { disk: 1 }), "unsupported"],
    ["fewer members here than in all", zip([w], { count: 2 }), "unsupported"],
    ["a member in another file", zip([{ ...w, central: { disk: 1 } }]), "unsupported"],
    ["a member of the directory that is none", zip([{ ...w, central: { signature: 0 } }])],
    ["extra fields that go beyond the directory", both(w, { extra: fields([2, 1], [2, 60_000]) })],
    ["extra fields that end in the middle", both(w, { extra: Uint8Array.of(1, 0, 8) })],
  ]);
}

function members(): Malformed[] {
  const one = array.length;
  const checked = { crc: 0, compressedSize: 0, size: 0, flags: 8 };
  const described = (signature: boolean, size: number): Member => ({
    ...w,
    local: checked,
    central: { flags: 8 },
    behind: joined(
      fields(...(signature ? ([[4, 0x08074b50]] as const) : []), [4, crcOf(array)], [4, one], [4, size]),
    ),
  });
  return corpus("npz", [
    ["a header that is none", zip([{ ...w, local: { signature: 0 } }])],
    ["an encrypted member", both(w, { flags: 1 }), "unsupported"],
    ["a strongly encrypted member", both(w, { flags: 65 }), "unsupported"],
    ["an encrypted directory", both(w, { flags: 8192 }), "unsupported"],
    ["a member that only its header calls encrypted", zip([{ ...w, local: { flags: 1 } }])],
    ["a patch", both(w, { flags: 32 }), "unsupported"],
    ["bzip2", both(w, { method: 12 }), "unsupported"],
    ["LZMA", both(w, { method: 14 }), "unsupported"],
    ["Zstandard", both(w, { method: 93 }), "unsupported"],
    ["a compression of no name", both(w, { method: 77 }), "unsupported"],
    ["a version to come", zip([{ ...w, central: { version: 200 } }]), "unsupported"],
    ["another compression in the header", zip([{ ...w, local: { method: 8 } }])],
    ["another size in the header", zip([{ ...w, local: { size: one + 1 } }])],
    ["another checksum in the header", zip([{ ...w, local: { crc: 1 } }])],
    ["a wrong checksum", both(w, { crc: 1 })],
    ["a wrong checksum of a packed member", both(packed, { crc: 1 })],
    ["a stored member of two sizes", both(w, { size: one - 1 })],
    ["a member that goes on into the directory", both(w, { compressedSize: one + 9, size: one + 9 })],
    ["a member of 4 GiB", both(w, { compressedSize: 2 ** 32 - 2, size: 2 ** 32 - 2 })],
    ["a member shorter than its bytes", both(w, { compressedSize: one - 4, size: one - 4 })],
    ["bytes between members", zip([w, { ...w, name: "v.npy", before: new Uint8Array(7) }])],
    ["bytes behind the last member", zip([{ ...w, behind: new Uint8Array(7) }])],
    ["a member in another", zip([w, { ...w, name: "v.npy", central: { offset: 0 } }])],
    ["a member that begins in another", zip([w, { ...w, name: "v.npy", central: { offset: 64 } }])],
    ["a member in front of all", zip([{ ...w, central: { offset: 2 ** 32 - 2 } }])],
    ["packed bytes that are none", zip([{ ...w, packed: new Uint8Array(array.length).fill(0xff) }])],
    ["packed bytes that end early", zip([{ ...packed, packed: packed.packed?.subarray(0, -3) ?? array }])],
    ["packed bytes that give fewer", both(packed, { size: one + 4 })],
    ["packed bytes that give more", both(packed, { size: one - 4 })],
    ["no packed bytes", zip([{ ...w, packed: new Uint8Array(0) }])],
    ["a descriptor that is missing", zip([{ ...w, local: checked, central: { flags: 8 } }])],
    ["a descriptor with another size", zip([described(true, one + 1)])],
    ["a descriptor without signature and another size", zip([described(false, one + 1)])],
    [
      "an array that is too short for its header",
      zip([{ ...w, content: npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}", 8) }]),
    ],
    ["an array with bytes behind it", zip([{ ...w, content: joined(array, Uint8Array.of(0)) }])],
    [
      "an array of 2⁵³ elements",
      zip([
        { ...w, content: npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9007199254740992,)}", 8) },
      ]),
    ],
    ["an empty array file", zip([{ ...w, content: new Uint8Array(0) }])],
    [
      "an array of Python objects",
      zip([{ ...w, content: npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", 8) }]),
      "unsupported",
    ],
    [
      "a safetensors file under the name of an array",
      zip([{ ...w, content: bytesOf("\x02\0\0\0\0\0\0\0{}") }]),
    ],
  ]);
}

function wide(): Malformed[] {
  const one = array.length;
  const in64 = { compressedSize: 0xffff_ffff, size: 0xffff_ffff };
  const end64 = (
    size: number,
    offset: number,
    count: number,
    at: number,
    changes: { length?: number } = {},
  ) =>
    joined(
      fields([4, 0x06064b50], [8, changes.length ?? 44], [2, 45], [2, 45], [4, 0], [4, 0]),
      fields([8, count], [8, count], [8, size], [8, offset]),
      fields([4, 0x07064b50], [4, 0], [8, at], [4, 1]),
    );
  const offset = 30 + 5 + one;
  const size = 46 + 5;
  const marked = { count: 0xffff, here: 0xffff, size: 0xffff_ffff, offset: 0xffff_ffff };
  return corpus("npz", [
    ["wide sizes without their field", both(w, in64)],
    ["wide sizes with one number", both(w, { ...in64, extra: extra(one) })],
    ["two fields of wide sizes", both(w, { ...in64, extra: joined(extra(one, one), extra(one, one)) })],
    ["wide sizes of 2⁵³", both(w, { ...in64, extra: extra(2 ** 53, 2 ** 53) })],
    [
      "wide sizes that only the directory has",
      zip([{ ...w, local: { size: 1 }, central: { ...in64, extra: extra(one, one) } }]),
    ],
    [
      "a wide offset beyond the file",
      zip([{ ...w, central: { offset: 0xffff_ffff, extra: extra(2 ** 40) } }]),
    ],
    ["a wide end without its record", zip([w], marked), "unsupported", "file-format"],
    [
      "a wide end of 2⁵³ members",
      zip([w], { ...marked, before: end64(size, offset, 2 ** 53, offset + size) }),
      "unsupported",
    ],
    [
      "a wide directory beyond the file",
      zip([w], { ...marked, before: end64(2 ** 40, offset, 1, offset + size) }),
    ],
    [
      "a wide directory of the wrong length",
      zip([w], { ...marked, before: end64(size - 1, offset, 1, offset + size) }),
    ],
    ["a wide record somewhere else", zip([w], { ...marked, before: end64(size, offset, 1, 0) })],
    [
      "a wide record of another length",
      zip([w], { ...marked, before: end64(size, offset, 1, offset + size, { length: 100 }) }),
    ],
  ]);
}
