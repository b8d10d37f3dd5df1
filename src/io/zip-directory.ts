/** What an archive says it holds: the records at its end, read as those of a hostile file. */
import { allocateBytes } from "./limits.js";
import { leadsOut, quoteName } from "./names.js";
import type { Source } from "./source.js";
import {
  deflated,
  flag,
  in64,
  lengths,
  refuseZip,
  signatures,
  stored,
  uint64,
  unsupportedZip,
  viewOf,
  widened,
  type ZipMember,
} from "./zip-format.js";

/** Members of an archive; NumPy's have one for each array. */
const mostMembers = 100_000;
/** The directory of so many members with long names. */
const longestDirectory = 64 * 2 ** 20;
/** A comment at the end has at most 2¹⁶ − 1 bytes. */
const longestEnd = lengths.end + 2 ** 16 - 1;

/** Of the format, in tenths. */
const newestVersion = 63;

interface Directory {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
}

/**
 * The members in the order of the directory, which begins at byte `end`.
 * @throws AdjointError `file-format`, `unsupported` for encryption, other compressions and archives in several files
 */
export async function readDirectory(source: Source): Promise<{ members: ZipMember[]; end: number }> {
  const { file } = source;
  const { offset, size, count } = await findDirectory(source);
  if (count > mostMembers || size > longestDirectory)
    throw unsupportedZip(file, `a directory of ${count} members in ${size} bytes is more than is read`);
  const bytes = allocateBytes(size, "npz", file);
  await source.read(offset, bytes);
  const members: ZipMember[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const [member, next] = parseMember(bytes, at, offset, file);
    members.push(member);
    at = next;
  }
  if (at !== size)
    throw refuseZip(file, offset + at, `${size - at} bytes of the directory belong to no member`);
  return { members, end: offset };
}

async function findDirectory(source: Source): Promise<Directory> {
  const { file, size } = source;
  const tail = new Uint8Array(Math.min(size, longestEnd));
  const base = size - tail.length;
  await source.read(base, tail);
  const at = findEnd(tail);
  if (at < 0)
    throw refuseZip(file, size, "expected the end of a zip archive, which .npz files are: is it whole?");
  const view = viewOf(tail);
  const end = base + at;
  const [disk, directoryDisk] = [view.getUint16(at + 4, true), view.getUint16(at + 6, true)];
  const here = view.getUint16(at + 8, true);
  const narrow = {
    count: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
  };
  const is64 = narrow.count === in64.short || narrow.size === in64.long || narrow.offset === in64.long;
  if (disk !== 0 || directoryDisk !== 0 || here !== narrow.count)
    throw unsupportedZip(file, "it is one of several files that make up an archive");
  const wide = is64 ? await findDirectory64(source, end) : undefined;
  const directory = wide?.directory ?? narrow;
  const expectedEnd = wide?.start ?? end;
  if (directory.offset + directory.size !== expectedEnd)
    throw refuseZip(
      file,
      end,
      `the directory should end at byte ${expectedEnd}, where its end is recorded, and would end at ${directory.offset + directory.size}`,
    );
  return directory;
}

/** Where the last record begins whose comment goes to the end of the file. */
function findEnd(tail: Uint8Array): number {
  const view = viewOf(tail);
  for (let at = tail.length - lengths.end; at >= 0; at--)
    if (
      view.getUint32(at, true) === signatures.end &&
      at + lengths.end + view.getUint16(at + 20, true) === tail.length
    )
      return at;
  return -1;
}

async function findDirectory64(
  source: Source,
  end: number,
): Promise<{ start: number; directory: Directory } | undefined> {
  const { file } = source;
  const at = end - lengths.locator64;
  if (at < lengths.end64) return undefined;
  const locator = new Uint8Array(lengths.locator64);
  await source.read(at, locator);
  const found = viewOf(locator);
  // fields may have just these values
  if (found.getUint32(0, true) !== signatures.locator64) return undefined;
  const start = uint64(found, 8);
  if (found.getUint32(4, true) !== 0 || found.getUint32(16, true) > 1)
    throw unsupportedZip(file, "it is one of several files that make up an archive");
  if (start !== at - lengths.end64)
    throw refuseZip(file, at, `expected the zip64 record before it, received byte ${start}`);
  const record = new Uint8Array(lengths.end64);
  await source.read(start, record);
  const view = viewOf(record);
  if (view.getUint32(0, true) !== signatures.end64 || uint64(view, 4) !== lengths.end64 - 12)
    throw refuseZip(file, start, "expected the zip64 record of the archive's end");
  const [here, count] = [uint64(view, 24), uint64(view, 32)];
  if (view.getUint32(16, true) !== 0 || view.getUint32(20, true) !== 0 || here !== count)
    throw unsupportedZip(file, "it is one of several files that make up an archive");
  return { start, directory: { count, size: uint64(view, 40), offset: uint64(view, 48) } };
}

function parseMember(bytes: Uint8Array, at: number, base: number, file: string): [ZipMember, number] {
  const here = base + at;
  const view = viewOf(bytes);
  if (at + lengths.central > bytes.length || view.getUint32(at, true) !== signatures.central)
    throw refuseZip(file, here, "expected a member of the directory");
  const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
    view.getUint16(at + field, true),
  );
  const nameAt = at + lengths.central;
  const extraAt = nameAt + nameLength;
  const next = extraAt + extraLength + commentLength;
  if (next > bytes.length) throw refuseZip(file, here, "a member of the directory goes beyond its end");
  const flags = view.getUint16(at + 8, true);
  const rawName = bytes.subarray(nameAt, extraAt);
  const name = decodeName(rawName, (flags & flag.utf8) !== 0, base + nameAt, file);
  const wide = widened(
    [24, 20, 42].map((field) => view.getUint32(at + field, true)),
    bytes.subarray(extraAt, extraAt + extraLength),
  );
  if (wide === undefined) throw refuseZip(file, base + extraAt, `the extra fields of ${name} are damaged`);
  const [size, compressedSize, offset] = wide;
  const member = {
    name,
    rawName,
    flags,
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    compressedSize,
    size,
    offset,
  };
  if ((view.getUint16(at + 6, true) & 255) > newestVersion)
    throw unsupportedZip(
      file,
      `${quoteName(name)} needs a later version of the format than ${newestVersion / 10}`,
    );
  if (view.getUint16(at + 34, true) !== 0)
    throw unsupportedZip(file, "it is one of several files that make up an archive");
  checkPacking(member, here, file);
  return [member, next];
}

/** Names are keys of a Map and never paths here, but whoever writes such a name means them to be taken for paths. */
function decodeName(raw: Uint8Array, isUtf8: boolean, at: number, file: string): string {
  let name: string;
  try {
    name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw refuseZip(file, at, "a name is not UTF-8");
  }
  const problem =
    name === ""
      ? "is empty"
      : name.includes("\0")
        ? "holds a zero byte"
        : leadsOut(name)
          ? "leads out of the archive"
          : !isUtf8 && raw.some((byte) => byte > 127)
            ? "is neither ASCII nor marked as UTF-8"
            : undefined;
  if (problem !== undefined) throw refuseZip(file, at, `the name ${quoteName(name)} ${problem}`);
  return name;
}

const methods: ReadonlyMap<number, string> = new Map([
  [1, "shrink"],
  [6, "implode"],
  [9, "deflate64"],
  [12, "bzip2"],
  [14, "LZMA"],
  [93, "Zstandard"],
  [95, "XZ"],
  [99, "AES encryption"],
]);

function checkPacking(
  { name, flags, method, size, compressedSize }: ZipMember,
  at: number,
  file: string,
): void {
  const which = quoteName(name);
  if (flags & (flag.encrypted | flag.strongEncryption | flag.masked))
    throw unsupportedZip(file, `${which} is encrypted; decrypt the archive first`);
  if (flags & flag.patch) throw unsupportedZip(file, `${which} is a patch of another file`);
  if (method !== stored && method !== deflated)
    throw unsupportedZip(
      file,
      `${which} is packed by ${methods.get(method) ?? `method ${method}`}; read are stored and deflated members, as NumPy writes them`,
    );
  if (method === stored && size !== compressedSize)
    throw refuseZip(file, at, `${which} is stored as it is, and ${compressedSize} bytes are no ${size}`);
}
