/** Where inputs come from: a file or standard input, read as it comes. */
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { AdjointError } from "../../index.js";

/** Bytes that are still coming, and the first of them. */
export interface ByteSource {
  /** What messages call it. */
  readonly name: string;
  /** The first bytes, at least 16 where there are as many. */
  readonly head: Uint8Array;
  /** All bytes, the first among them; to be walked once. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

const headLength = 16;

/**
 * Opens a file, or standard input for `-`, and unpacks what is gzip's.
 * @throws AdjointError `file-not-found`, also while it is read
 */
export async function openSource(file: string): Promise<ByteSource> {
  const name = file === "-" ? "standard input" : file;
  const source = await withHead(name, readable(file));
  if (source.head[0] !== 0x1f || source.head[1] !== 0x8b) return source;
  return withHead(name, unpacked(source));
}

async function* readable(file: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of file === "-" ? process.stdin : createReadStream(file))
      yield chunk as Uint8Array;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: "there is no such file",
      EISDIR: "it is a directory",
      EACCES: "permission denied",
    };
    throw new AdjointError(
      "file-not-found",
      `cannot read ${file === "-" ? "standard input" : file}: ${reasons[code ?? ""] ?? message}`,
      { file },
      { cause },
    );
  }
}

async function* unpacked({ name, chunks }: ByteSource): AsyncGenerator<Uint8Array> {
  const unzip = createGunzip();
  // what goes wrong comes out of the walk below
  pipeline(chunks, unzip, () => {});
  try {
    for await (const chunk of unzip) yield chunk as Uint8Array;
  } catch (cause) {
    if (cause instanceof AdjointError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AdjointError(
      "file-format",
      `${name} is a damaged gzip file: ${reason}`,
      { file: name },
      { cause },
    );
  }
}

async function withHead(name: string, chunks: AsyncGenerator<Uint8Array>): Promise<ByteSource> {
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < headLength) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    first.push(value);
    length += value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* first;
    yield* chunks;
  }
  return { name, head: Uint8Array.from(Buffer.concat(first)).subarray(0, headLength), chunks: all() };
}

/** Everything, in one piece. */
export async function wholeOf({ chunks }: ByteSource): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/**
 * The text, as it comes.
 * @throws AdjointError `file-format` for what is not UTF-8
 */
export async function* textOf({ name, chunks }: ByteSource): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (chunk?: Uint8Array): string => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch (cause) {
      throw new AdjointError("file-format", `${name} is not UTF-8 text`, { file: name }, { cause });
    }
  };
  for await (const chunk of chunks) yield decode(chunk);
  yield decode();
}
