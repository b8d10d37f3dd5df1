/** Zip archives built field by field, so that each field can be wrong. */
import { crc32, deflateRawSync } from "node:zlib";

/** A member as it should be, and what its two headers say instead. */
export interface Member {
  readonly name: string | Uint8Array;
  readonly content: Uint8Array;
  /** Deflated; default stored. */
  readonly packed?: Uint8Array;
  /** Bytes in front of it. */
  readonly before?: Uint8Array;
  /** Bytes behind it, such as a descriptor. */
  readonly behind?: Uint8Array;
  readonly local?: Partial<Fields>;
  readonly central?: Partial<Fields>;
}

interface Fields {
  readonly signature: number;
  readonly version: number;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly name: Uint8Array;
  readonly extra: Uint8Array;
  readonly disk: number;
  readonly offset: number;
}

interface End {
  readonly disk: number;
  readonly here: number;
  readonly count: number;
  readonly size: number;
  readonly offset: number;
  readonly comment: Uint8Array;
  readonly commentLength: number;
  /** Records between the directory and its end. */
  readonly before: Uint8Array;
}

type Field = readonly [width: 2 | 4 | 8, value: number];

/** Little-endian fields one after the other. */
export function fields(...list: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(list.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of list) {
    if (width === 2) view.setUint16(at, value, true);
    else if (width === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += width;
  }
  return bytes;
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A member that deflates its content. */
export function deflatedMember(name: string, content: Uint8Array, rest: Partial<Member> = {}): Member {
  return { name, content, packed: new Uint8Array(deflateRawSync(content)), ...rest };
}

/** The archive of these members, with whatever its end is made to say. */
export function zip(members: readonly Member[], end: Partial<End> = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const member of members) {
    const { content, packed } = member;
    const name = typeof member.name === "string" ? bytesOf(member.name) : member.name;
    const before = member.before ?? new Uint8Array(0);
    const usual: Fields = {
      signature: 0,
      version: 20,
      flags: 0,
      method: packed === undefined ? 0 : 8,
      crc: crcOf(content),
      compressedSize: (packed ?? content).length,
      size: content.length,
      name,
      extra: new Uint8Array(0),
      disk: 0,
      offset: at + before.length,
    };
    const local = joined(
      before,
      localHeader({ ...usual, signature: 0x04034b50, ...member.local }),
      packed ?? content,
      member.behind ?? new Uint8Array(0),
    );
    parts.push(local);
    at += local.length;
    directory.push(centralHeader({ ...usual, signature: 0x02014b50, ...member.central }));
  }
  const central = joined(...directory);
  const usual: End = {
    disk: 0,
    here: members.length,
    count: members.length,
    size: central.length,
    offset: at,
    comment: new Uint8Array(0),
    commentLength: end.comment?.length ?? 0,
    before: new Uint8Array(0),
  };
  return joined(...parts, central, endRecord({ ...usual, ...end }));
}

function localHeader(f: Fields): Uint8Array {
  return joined(
    fields([4, f.signature], [2, f.version], [2, f.flags], [2, f.method], [2, 0], [2, 0x21], [4, f.crc]),
    fields([4, f.compressedSize], [4, f.size], [2, f.name.length], [2, f.extra.length]),
    f.name,
    f.extra,
  );
}

function centralHeader(f: Fields): Uint8Array {
  return joined(
    fields(
      [4, f.signature],
      [2, 20],
      [2, f.version],
      [2, f.flags],
      [2, f.method],
      [2, 0],
      [2, 0x21],
      [4, f.crc],
    ),
    fields([4, f.compressedSize], [4, f.size], [2, f.name.length], [2, f.extra.length], [2, 0], [2, f.disk]),
    fields([2, 0], [4, 0], [4, f.offset]),
    f.name,
    f.extra,
  );
}

function endRecord(e: End): Uint8Array {
  return joined(
    e.before,
    fields([4, 0x06054b50], [2, e.disk], [2, e.disk], [2, e.here], [2, e.count]),
    fields([4, e.size], [4, e.offset], [2, e.commentLength]),
    e.comment,
  );
}

export function crcOf(content: Uint8Array): number {
  return crc32(content);
}
