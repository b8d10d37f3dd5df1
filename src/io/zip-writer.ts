/** Writing archives as NumPy does: members one after the other, then the directory; zip64 records where numbers need them. */
import { crc32 } from "./crc32.js";
import { expansionRatio, freeExpansion } from "./limits.js";
import { deflated, extra64, flag, in64, lengths, signatures, stored, viewOf } from "./zip-format.js";

/** A member to be written, its content in parts. */
export interface NewMember {
  readonly name: string;
  readonly parts: readonly Uint8Array[];
}

/** Of the format, in tenths: 2.0 knows deflate, 4.5 zip64. */
const versions = { usual: 20, zip64: 45 } as const;
/** 1 January 1980, the first day of the format: the same tensors give the same bytes. */
const date = 0x0021;
/** Marks the attributes as those of Unix: a regular file that its owner may write. */
const unix = { system: 3, mode: 0o100600 } as const;

interface Written {
  readonly name: Uint8Array;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly offset: number;
}

/** The bytes of an archive, part by part, so that only one member need be packed in memory. */
export async function* zipParts(
  members: readonly NewMember[],
  compress: boolean,
): AsyncGenerator<Uint8Array> {
  const written: Written[] = [];
  let offset = 0;
  let excess = 0;
  for (const { name, parts } of members) {
    const size = lengthOf(parts);
    let packed = compress ? await deflate(parts) : parts;
    const beyond = Math.max(0, size - expansionRatio * lengthOf(packed));
    // zeros upon zeros, which a reader would take for a bomb
    if (excess + beyond > freeExpansion) packed = parts;
    else excess += beyond;
    const member = {
      name: new TextEncoder().encode(name),
      method: packed === parts ? stored : deflated,
      crc: parts.reduce((crc, part) => crc32(part, crc), 0),
      compressedSize: lengthOf(packed),
      size,
      offset,
    };
    const header = localHeader(member);
    yield header;
    yield* packed;
    offset += header.length + member.compressedSize;
    written.push(member);
  }
  const directory = written.map(centralHeader);
  yield* directory;
  yield* directoryEnd(written.length, offset, lengthOf(directory));
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

async function deflate(parts: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const { Deflate } = await import("fflate");
  const packed: Uint8Array[] = [];
  const stream = new Deflate((piece) => packed.push(piece));
  for (const part of parts) stream.push(part);
  stream.push(new Uint8Array(0), true);
  return packed;
}

/** The numbers that do not fit into 32 bits, in an extra field, and what stands in their places. */
function narrowed(numbers: readonly number[]): { fields: number[]; extra: Uint8Array } {
  const wide = numbers.filter((number) => number >= in64.long);
  const extra = new Uint8Array(wide.length === 0 ? 0 : 4 + 8 * wide.length);
  if (wide.length > 0) {
    const view = viewOf(extra);
    view.setUint16(0, extra64, true);
    view.setUint16(2, 8 * wide.length, true);
    for (const [i, number] of wide.entries()) view.setBigUint64(4 + 8 * i, BigInt(number), true);
  }
  return { fields: numbers.map((number) => Math.min(number, in64.long)), extra };
}

function localHeader({ name, method, crc, compressedSize, size }: Written): Uint8Array {
  // of a local header, either both sizes are wide or none
  const isWide = Math.max(size, compressedSize) >= in64.long;
  const extra = new Uint8Array(isWide ? 20 : 0);
  if (isWide) {
    const view = viewOf(extra);
    view.setUint16(0, extra64, true);
    view.setUint16(2, 16, true);
    view.setBigUint64(4, BigInt(size), true);
    view.setBigUint64(12, BigInt(compressedSize), true);
  }
  const header = new Uint8Array(lengths.local + name.length + extra.length);
  const view = viewOf(header);
  view.setUint32(0, signatures.local, true);
  view.setUint16(4, isWide ? versions.zip64 : versions.usual, true);
  view.setUint16(6, flagsOf(name), true);
  view.setUint16(8, method, true);
  view.setUint16(12, date, true);
  view.setUint32(14, crc, true);
  view.setUint32(18, isWide ? in64.long : compressedSize, true);
  view.setUint32(22, isWide ? in64.long : size, true);
  view.setUint16(26, name.length, true);
  view.setUint16(28, extra.length, true);
  header.set(name, lengths.local);
  header.set(extra, lengths.local + name.length);
  return header;
}

function centralHeader({ name, method, crc, compressedSize, size, offset }: Written): Uint8Array {
  const { fields, extra } = narrowed([size, compressedSize, offset]);
  const header = new Uint8Array(lengths.central + name.length + extra.length);
  const view = viewOf(header);
  const version = extra.length > 0 ? versions.zip64 : versions.usual;
  view.setUint32(0, signatures.central, true);
  view.setUint16(4, (unix.system << 8) | version, true);
  view.setUint16(6, version, true);
  view.setUint16(8, flagsOf(name), true);
  view.setUint16(10, method, true);
  view.setUint16(14, date, true);
  view.setUint32(16, crc, true);
  view.setUint32(20, fields[1], true);
  view.setUint32(24, fields[0], true);
  view.setUint16(28, name.length, true);
  view.setUint16(30, extra.length, true);
  view.setUint32(38, unix.mode * 2 ** 16, true);
  view.setUint32(42, fields[2], true);
  header.set(name, lengths.central);
  header.set(extra, lengths.central + name.length);
  return header;
}

function flagsOf(name: Uint8Array): number {
  return name.some((byte) => byte > 127) ? flag.utf8 : 0;
}

/** The records that say where the directory is: those of zip64 first, where there must be any. */
export function directoryEnd(count: number, offset: number, size: number): Uint8Array[] {
  const end = new Uint8Array(lengths.end);
  const view = viewOf(end);
  view.setUint32(0, signatures.end, true);
  view.setUint16(8, Math.min(count, in64.short), true);
  view.setUint16(10, Math.min(count, in64.short), true);
  view.setUint32(12, Math.min(size, in64.long), true);
  view.setUint32(16, Math.min(offset, in64.long), true);
  if (count < in64.short && size < in64.long && offset < in64.long) return [end];
  const record = new Uint8Array(lengths.end64);
  const wide = viewOf(record);
  wide.setUint32(0, signatures.end64, true);
  wide.setBigUint64(4, BigInt(lengths.end64 - 12), true);
  wide.setUint16(12, versions.zip64, true);
  wide.setUint16(14, versions.zip64, true);
  wide.setBigUint64(24, BigInt(count), true);
  wide.setBigUint64(32, BigInt(count), true);
  wide.setBigUint64(40, BigInt(size), true);
  wide.setBigUint64(48, BigInt(offset), true);
  const locator = new Uint8Array(lengths.locator64);
  const place = viewOf(locator);
  place.setUint32(0, signatures.locator64, true);
  place.setBigUint64(8, BigInt(offset + size), true);
  place.setUint32(16, 1, true);
  return [record, locator, end];
}
