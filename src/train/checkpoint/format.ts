/**
 * A checkpoint as bytes: a safetensors file, so that other programs can read its tensors, with what is no tensor as JSON among
 * its texts. The first of these texts is the SHA-256 of all the bytes, computed with zeros in its own place: so it covers
 * the header too, and itself, and one flipped bit anywhere is found.
 */
import { AdjointError, type Tensor } from "../../index.js";

/** What a file of this version says. A later one may mean other things by the same names. */
const format = "1";
const blank = "0".repeat(64);
/** What the header of every checkpoint begins with. */
const beginning = `{"__metadata__":{"sha256":"`;
/** The header comes after eight bytes of its length. */
const digestAt = 8 + beginning.length;

/** The tensors of a checkpoint, and everything else as JSON. */
export interface CheckpointContents {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly record: unknown;
}

/** The bytes of a checkpoint whose digest is still to be written into them. */
export async function encodeContents({ tensors, record }: CheckpointContents): Promise<Uint8Array> {
  const { encodeSafetensors } = await import("../../io/index.js");
  return encodeSafetensors(tensors, { sha256: blank, checkpoint: format, record: JSON.stringify(record) });
}

/** Writes the digest in its place. */
export async function seal(bytes: Uint8Array): Promise<void> {
  bytes.set(new TextEncoder().encode(await digestOf(bytes)), digestAt);
}

/** The SHA-256 in hexadecimal, computed beside this thread where the engine can. */
async function digestOf(bytes: Uint8Array): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Reads the bytes of a checkpoint.
 * @throws AdjointError `checkpoint-damaged` for anything but exactly what was written, `unsupported` for another format
 */
export async function openContents(bytes: Uint8Array, file: string): Promise<CheckpointContents> {
  const copy = new Uint8Array(bytes);
  const text = (start: number, stop: number): string =>
    String.fromCharCode(...copy.subarray(Math.min(start, copy.length), Math.min(stop, copy.length)));
  const given = text(digestAt, digestAt + blank.length);
  if (text(8, digestAt) !== beginning || given.length < blank.length)
    throw damaged(file, copy.length === 0 ? "it is empty" : "it does not begin as a checkpoint does");
  copy.fill(0x30, digestAt, digestAt + blank.length);
  if ((await digestOf(copy)) !== given) throw damaged(file, "its bytes are not those that were written");
  const { decodeSafetensors } = await import("../../io/index.js");
  try {
    const loaded = decodeSafetensors(copy, file);
    const { metadata } = loaded;
    if (metadata.get("checkpoint") !== format) throw otherFormat(file, metadata.get("checkpoint"));
    return { tensors: loaded, record: JSON.parse(metadata.get("record") ?? "") };
  } catch (cause) {
    if (cause instanceof AdjointError && cause.code === "unsupported") throw cause;
    throw damaged(file, cause instanceof Error ? cause.message : String(cause));
  }
}

/** Whole, and of another version: to pass it over would be to lose what it holds. */
function otherFormat(file: string, received = "unknown"): AdjointError {
  return new AdjointError(
    "unsupported",
    `fit: the checkpoint ${file} is of format ${received}, and this version of adjoint reads ${format}; go on with the version that wrote it`,
    { operation: "fit", file, expected: format, received },
  );
}

/** A file that cannot be gone on from. */
export function damaged(file: string, reason: string): AdjointError {
  return new AdjointError("checkpoint-damaged", `fit: the checkpoint ${file} is damaged: ${reason}`, {
    operation: "fit",
    file,
    received: reason,
  });
}
