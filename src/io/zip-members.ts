/**
 * The members of an archive, of which each must be what the directory says. They must cover the archive from its first byte to its
 * directory, each once and one after the other: then none hides in another, as in bombs of overlapping members (Fifield 2019), and
 * nothing is left over. What a member expands to is known and limited before it is unpacked, and unpacking stops there.
 */
import { crc32 } from "./crc32.js";
import { expansionLimit, tooLarge } from "./limits.js";
import { quoteName } from "./names.js";
import type { ByteSequence } from "./npy.js";
import type { Source } from "./source.js";
import { readDirectory } from "./zip-directory.js";
import {
  deflated,
  flag,
  lengths,
  refuseZip,
  signatures,
  uint64,
  viewOf,
  widened,
  type ZipMember,
} from "./zip-format.js";

/** A member, and where its bytes begin. */
export interface PlacedMember extends ZipMember {
  readonly start: number;
}

/**
 * The members in the order of the directory.
 * @throws AdjointError `file-format`, `unsupported`, `file-too-large` for one that expands beyond the limit
 */
export async function readMembers(source: Source): Promise<PlacedMember[]> {
  const { members, end } = await readDirectory(source);
  const placed = new Map<ZipMember, PlacedMember>();
  const inOrder = members.toSorted((a, b) => a.offset - b.offset);
  let next = 0;
  for (const [i, member] of inOrder.entries()) {
    const which = quoteName(member.name);
    if (member.offset < next)
      throw refuseZip(source.file, member.offset, `${which} overlaps the member before it`);
    if (member.offset > next)
      throw refuseZip(source.file, next, `${member.offset - next} bytes before ${which} belong to no member`);
    if (member.offset + lengths.local + member.rawName.length + member.compressedSize > end)
      throw refuseZip(source.file, member.offset, `${which} goes on into the directory`);
    const start = await checkLocalHeader(source, member, end);
    placed.set(member, { ...member, start });
    next = start + member.compressedSize;
    if (member.flags & flag.descriptor)
      next = await checkDescriptor(source, member, next, inOrder[i + 1]?.offset ?? end);
  }
  if (next !== end)
    throw refuseZip(source.file, next, `${end - next} bytes before the directory belong to no member`);
  checkExpansion(members, source.file);
  return members.flatMap((member) => placed.get(member) ?? []);
}

/** Where the bytes of the member begin, after a header that says the same as the directory. */
async function checkLocalHeader(source: Source, member: ZipMember, end: number): Promise<number> {
  const { file } = source;
  const { offset } = member;
  const which = quoteName(member.name);
  const head = new Uint8Array(lengths.local);
  await source.read(offset, head);
  const view = viewOf(head);
  if (view.getUint32(0, true) !== signatures.local)
    throw refuseZip(file, offset, `expected the header of ${which}`);
  const [nameLength, extraLength] = [view.getUint16(26, true), view.getUint16(28, true)];
  const start = offset + lengths.local + nameLength + extraLength;
  if (start + member.compressedSize > end)
    throw refuseZip(file, offset, `${which} goes on into the directory`);
  const rest = new Uint8Array(nameLength + extraLength);
  await source.read(offset + lengths.local, rest);
  const differs = (what: string): never => {
    throw refuseZip(file, offset, `the header of ${which} and the directory differ in ${what}`);
  };
  if (nameLength !== member.rawName.length || member.rawName.some((byte, i) => byte !== rest[i]))
    differs("the name");
  if (view.getUint16(6, true) !== member.flags) differs("the flags");
  if (view.getUint16(8, true) !== member.method) differs("the compression");
  const sizes = widened([view.getUint32(22, true), view.getUint32(18, true)], rest.subarray(nameLength));
  if (sizes === undefined) throw refuseZip(file, offset, `the extra fields of ${which} are damaged`);
  // a writer that knows them only afterwards leaves zeros here, and puts them into a descriptor behind the member
  const isLater = (member.flags & flag.descriptor) !== 0;
  const agrees = (here: number, there: number): boolean => here === there || (isLater && here === 0);
  if (!agrees(sizes[0], member.size) || !agrees(sizes[1], member.compressedSize)) differs("the size");
  if (!agrees(view.getUint32(14, true), member.crc)) differs("the checksum");
  return start;
}

/** Where the descriptor between `at` and what follows ends, which says the same as the directory. */
async function checkDescriptor(source: Source, member: ZipMember, at: number, end: number): Promise<number> {
  const length = end - at;
  const which = quoteName(member.name);
  const problem = () => refuseZip(source.file, at, `expected the sizes and the checksum of ${which} here`);
  // with or without a signature, sizes of 32 or of 64 bits
  if (![12, 16, 20, 24].includes(length)) throw problem();
  const bytes = new Uint8Array(length);
  await source.read(at, bytes);
  const view = viewOf(bytes);
  const hasSignature = length % 8 === 0;
  if (hasSignature && view.getUint32(0, true) !== signatures.descriptor) throw problem();
  const crcAt = hasSignature ? 4 : 0;
  const sizes =
    length > 16
      ? [uint64(view, crcAt + 4), uint64(view, crcAt + 12)]
      : [view.getUint32(crcAt + 4, true), view.getUint32(crcAt + 8, true)];
  if (
    view.getUint32(crcAt, true) !== member.crc ||
    sizes[0] !== member.compressedSize ||
    sizes[1] !== member.size
  )
    throw problem();
  return end;
}

/** All of them together: a thousand small ones exhaust memory as well as a large one. */
function checkExpansion(members: readonly ZipMember[], file: string): void {
  const packed = members.filter(({ method }) => method === deflated);
  const size = packed.reduce((sum, member) => sum + member.size, 0);
  const compressedSize = packed.reduce((sum, member) => sum + member.compressedSize, 0);
  if (size > expansionLimit(compressedSize))
    throw tooLarge(
      "npz",
      file,
      `its members expand from ${compressedSize} to ${size} bytes, beyond the limit of 64 MiB and 200 times as many; save them without compression if the file can be trusted`,
    );
}

/** A member's bytes one after the other, unpacked and summed up as they go. */
export interface OpenMember extends ByteSequence {
  /** @throws AdjointError `file-format` unless all has been read, nothing is left, and the checksum is right */
  finish(): Promise<void>;
}

/** Opens a member for reading from its beginning to its end. */
export async function openMember(source: Source, member: PlacedMember): Promise<OpenMember> {
  const file = `${source.file}: ${member.name}`;
  const pull = member.method === deflated ? await inflating(source, member) : storing(source, member);
  let done = 0;
  let crc = 0;
  return {
    file,
    size: member.size,
    fill: async (target) => {
      await pull(target);
      crc = crc32(target, crc);
      done += target.length;
    },
    finish: async () => {
      await pull(null);
      if (done !== member.size || crc !== member.crc)
        throw refuseZip(
          source.file,
          member.start,
          `the bytes of ${quoteName(member.name)} do not have the checksum they should: the archive is damaged`,
        );
    },
  };
}

/** Fills a target; null asks whether the end is reached as it should. */
type Pull = (target: Uint8Array | null) => Promise<void>;

function storing(source: Source, { start }: PlacedMember): Pull {
  let at = start;
  return async (target) => {
    if (target === null) return;
    await source.read(at, target);
    at += target.length;
  };
}

/** What is given to the decoder at a time; it gives at most 1032 times as much back. */
const pieceLength = 2 ** 14;

async function inflating(source: Source, { name, start, size, compressedSize }: PlacedMember): Promise<Pull> {
  const { Inflate } = await import("fflate");
  const damaged = (reason: string, at: number): never => {
    throw refuseZip(source.file, at, `the packed bytes of ${quoteName(name)} are damaged: ${reason}`);
  };
  let unpacked: Uint8Array[] = [];
  let total = 0;
  let at = start;
  const end = start + compressedSize;
  const inflate = new Inflate((piece) => {
    unpacked.push(piece);
    total += piece.length;
  });
  const advance = async (): Promise<void> => {
    if (at === end) damaged("they end too early", at);
    const piece = new Uint8Array(Math.min(pieceLength, end - at));
    await source.read(at, piece);
    const here = at;
    at += piece.length;
    try {
      inflate.push(piece, at === end);
    } catch (cause) {
      damaged(cause instanceof Error ? cause.message : String(cause), here);
    }
    if (total > size) damaged(`they unpack to more than the ${size} bytes they should`, here);
  };
  return async (target) => {
    if (target === null) {
      while (at < end) await advance();
      if (unpacked.some((piece) => piece.length > 0)) damaged("more follows the array", at);
      return;
    }
    for (let done = 0; done < target.length; ) {
      while (unpacked.length === 0) await advance();
      const [piece] = unpacked;
      const part = piece.subarray(0, target.length - done);
      target.set(part, done);
      done += part.length;
      if (part.length < piece.length) unpacked[0] = piece.subarray(part.length);
      else unpacked = unpacked.slice(1);
    }
  };
}
