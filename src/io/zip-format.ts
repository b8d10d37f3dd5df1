/** The zip format (PKWARE's APPNOTE.TXT 6.3) as far as archives of arrays use it: its records by name. */
import { AdjointError } from "../index.js";

/** How a member is packed. */
export const stored = 0;
export const deflated = 8;

/** The first four bytes of each kind of record. */
export const signatures = {
  local: 0x04034b50,
  descriptor: 0x08074b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
} as const;

/** Lengths of records without their names, extra fields and comments. */
export const lengths = { local: 30, central: 46, end: 22, end64: 56, locator64: 20 } as const;

/** Fields with these values stand in a zip64 record instead. */
export const in64 = { short: 0xffff, long: 0xffff_ffff } as const;

/** The extra field that holds them. */
export const extra64 = 1;

/** Bits of the general purpose flags. */
export const flag = {
  encrypted: 1,
  descriptor: 8,
  patch: 32,
  strongEncryption: 64,
  utf8: 2048,
  masked: 8192,
} as const;

/** A member of an archive, as the central directory has it. */
export interface ZipMember {
  readonly name: string;
  readonly rawName: Uint8Array;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  /** Bytes in the archive. */
  readonly compressedSize: number;
  readonly size: number;
  /** Where its local header begins. */
  readonly offset: number;
}

/** A refusal that names the archive and the byte it is about. */
export function refuseZip(file: string, offset: number, problem: string): AdjointError {
  return new AdjointError("file-format", `npz: ${file}, byte ${offset}: ${problem}`, {
    operation: "npz",
    file,
    offset,
  });
}

/** A refusal of what the format has and this reader has not. */
export function unsupportedZip(file: string, problem: string): AdjointError {
  return new AdjointError("unsupported", `npz: ${file}: ${problem}`, { operation: "npz", file });
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A 64-bit number; one that is not exact is beyond every file, which all numbers are compared with. */
export function uint64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

/**
 * The numbers that stand in the zip64 extra field, in their order, for those fields that point there; `undefined` where the
 * extra fields are damaged or lack one.
 */
export function widened(fields: readonly number[], extra: Uint8Array): number[] | undefined {
  const view = viewOf(extra);
  let numbers: number[] | undefined;
  for (let at = 0; at < extra.length; ) {
    if (at + 4 > extra.length) return undefined;
    const [id, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    at += 4;
    if (at + length > extra.length) return undefined;
    if (id === extra64) {
      if (numbers !== undefined) return undefined;
      numbers = Array.from({ length: Math.floor(length / 8) }, (_, i) => uint64(view, at + 8 * i));
    }
    at += length;
  }
  let next = 0;
  const wide = fields.map((field) => (field === in64.long ? numbers?.[next++] : field));
  return wide.every((field) => field !== undefined) ? (wide as number[]) : undefined;
}
