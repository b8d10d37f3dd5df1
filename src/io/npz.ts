/** NumPy's .npz format: a zip archive with one .npy file for each array, stored or deflated. */
import { AdjointError, isTensor, type Tensor } from "../index.js";
import { checkOptionNames, invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { writeAtomically } from "./files.js";
import { leadsOut, quoteName } from "./names.js";
import { npyParts, readNpy } from "./npy.js";
import type { NamedTensors } from "./safetensors.js";
import { type Source, withSource } from "./source.js";
import { refuseZip } from "./zip-format.js";
import { openMember, type PlacedMember, readMembers } from "./zip-members.js";
import { type NewMember, zipParts } from "./zip-writer.js";

/** Options of {@link saveNpz}. */
export interface SaveNpzOptions {
  /** true: deflate the arrays, as NumPy's `savez_compressed`; default false, as `savez`. */
  readonly compress?: boolean;
}

/** Options of {@link loadNpz}. */
export interface LoadNpzOptions {
  /** The arrays to read; by default all. The others may be of any type. */
  readonly names?: readonly string[];
}

/**
 * The bytes of a .npz file. The same tensors give the same bytes.
 *
 * @param tensors float32, float64, int32 and bool tensors become f4, f8, i4 and b1
 * @throws AdjointError `invalid-argument` for what is no tensor, and a name that an archive cannot have
 * @example
 * const bytes = await io.encodeNpz({ w: eye(2), b: tensor([1, 2]) }, { compress: true });
 * [...(await io.loadNpz(bytes)).keys()]; // → w,b
 */
export async function encodeNpz(tensors: NamedTensors, options: SaveNpzOptions = {}): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of npzParts(tensors, options, "encodeNpz")) parts.push(part);
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * Writes tensors to a .npz file, for NumPy, at once: a reader finds the old file or the whole new one.
 *
 * @throws AdjointError `unwritable-output`, and those of {@link encodeNpz}
 * @example
 * await io.saveNpz("example.npz", { w: eye(2), b: tensor([1, 2]) });
 * (await io.loadNpz("example.npz")).get("b").array(); // → 1,2
 */
export async function saveNpz(
  path: string,
  tensors: NamedTensors,
  options: SaveNpzOptions = {},
): Promise<void> {
  await writeAtomically(path, npzParts(tensors, options, "saveNpz"), "saveNpz");
}

function npzParts(
  tensors: NamedTensors,
  options: SaveNpzOptions,
  operation: string,
): AsyncIterable<Uint8Array> {
  checkOptionNames(options, ["compress"], operation);
  const { compress = false } = options;
  if (typeof compress !== "boolean")
    throw invalidArgument(operation, "compress", "true or false", formatReceived(compress));
  return zipParts(newMembers(checkTensors(tensors, operation)), compress);
}

/** All at once: a tensor may be given up to a program while the file is being written. */
function newMembers(tensors: readonly (readonly [string, Tensor])[]): NewMember[] {
  return tensors.map(([name, x]) => ({ name: `${name}.npy`, parts: npyParts(x) }));
}

/** Longer names do not fit into an archive. */
const longestName = 2 ** 16 - 1;

function checkTensors(tensors: unknown, operation: string): (readonly [string, Tensor])[] {
  if (typeof tensors !== "object" || tensors === null || Array.isArray(tensors) || isTensor(tensors))
    throw invalidArgument(operation, "tensors", "an object or a Map of tensors", formatReceived(tensors));
  const pairs: [unknown, unknown][] = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  return pairs.map(([name, x]) => {
    if (typeof name !== "string" || !isName(name))
      throw invalidArgument(
        operation,
        "tensors",
        "named as members of an archive can be",
        formatReceived(name),
      );
    if (!isTensor(x))
      throw invalidArgument(operation, `tensors[${quoteName(name)}]`, "a tensor", formatReceived(x));
    return [name, x];
  });
}

/** No name that a reader would refuse, and none that would be another one after reading. */
function isName(name: string): boolean {
  const isText = !/\0|\p{Surrogate}/u.test(name);
  return isText && !leadsOut(name) && new TextEncoder().encode(`${name}.npy`).length <= longestName;
}

/**
 * Reads a .npz file of NumPy's: a Map of name to tensor, in the order of the file. It is read as that of somebody one need not
 * trust; nothing in it is executed, and no name is used as a path.
 *
 * @param source a path, or the bytes
 * @throws AdjointError `file-not-found`; `file-format` for a damaged archive or array, for names that occur twice or lead out of the
 * archive, and for what is no array; `unsupported` for elements that tensors do not have, encryption, and other compressions than
 * deflate; `file-too-large` for what expands beyond 64 MiB and 200 times its packed length; `invalid-argument`, also for a name that
 * is not there
 * @example
 * await io.saveNpz("example.npz", { w: eye(2), b: tensor([1, 2]) }, { compress: true });
 * [...(await io.loadNpz("example.npz", { names: ["b"] })).keys()]; // → b
 */
export async function loadNpz(
  source: string | Uint8Array,
  options: LoadNpzOptions = {},
): Promise<Map<string, Tensor>> {
  checkOptionNames(options, ["names"], "loadNpz");
  const { names } = options;
  if (names !== undefined && !(Array.isArray(names) && names.every((name) => typeof name === "string")))
    throw invalidArgument("loadNpz", "names", "an array of strings", formatReceived(names));
  return withSource(source, "loadNpz", async (file) => {
    const members = arrayMembers(await readMembers(file), file);
    const tensors = new Map<string, Tensor>();
    for (const [name, member] of chosen(members, names, file.file))
      tensors.set(name, await readArray(file, member));
    return tensors;
  });
}

/** The members by the names of their arrays. */
function arrayMembers(members: readonly PlacedMember[], { file }: Source): Map<string, PlacedMember> {
  const arrays = new Map<string, PlacedMember>();
  for (const member of members) {
    const name = /^(.*)\.npy$/s.exec(member.name)?.[1];
    if (name === undefined)
      throw refuseZip(
        file,
        member.offset,
        `${quoteName(member.name)} is no array: expected names that end in .npy`,
      );
    if (arrays.has(name)) throw refuseZip(file, member.offset, `two arrays are named ${quoteName(name)}`);
    arrays.set(name, member);
  }
  return arrays;
}

function chosen(
  arrays: ReadonlyMap<string, PlacedMember>,
  names: readonly string[] | undefined,
  file: string,
): readonly (readonly [string, PlacedMember])[] {
  return (names ?? [...arrays.keys()]).map((name) => {
    const member = arrays.get(name);
    if (member !== undefined) return [name, member];
    const known = [...arrays.keys()].join(", ") || "none";
    throw new AdjointError(
      "invalid-argument",
      `loadNpz: ${file} has no array ${quoteName(name)}; its arrays are ${known}`,
      { operation: "loadNpz", argument: "names", expected: known, received: name, file },
    );
  });
}

async function readArray(source: Source, member: PlacedMember): Promise<Tensor> {
  const opened = await openMember(source, member);
  const x = await readNpy(opened);
  await opened.finish();
  return x;
}
