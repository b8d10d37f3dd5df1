/** Files beside an ONNX file that hold the elements of its larger tensors. They must lie in its directory or below. */
import type { ModelProto, TensorProto } from "onnx-buf";
import type { AdjointError } from "../../index.js";
import { readBytes } from "../files.js";
import { externalPlace } from "./import-tensor.js";
import { damaged } from "./refusals.js";

/**
 * Reads the files that a model's tensors lie in.
 * @throws AdjointError `file-format` for a location outside the directory, `file-not-found`
 */
export async function readExternal(model: ModelProto, path: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const message of tensorsOf(model)) {
    if (Number(message.dataLocation) !== 1) continue;
    const { location } = externalPlace(message, path, `tensor ${JSON.stringify(message.name)}`);
    if (!files.has(location)) files.set(location, await readBeside(path, location));
  }
  return files;
}

function tensorsOf({ graph }: ModelProto): TensorProto[] {
  const attributes = graph?.node.flatMap((node) =>
    node.attribute.flatMap(({ t }) => (t === undefined ? [] : [t])),
  );
  return [...(graph?.initializer ?? []), ...(attributes ?? [])];
}

async function readBeside(path: string, location: string): Promise<Uint8Array> {
  const { dirname, isAbsolute, resolve, sep } = await import("node:path");
  const { realpath } = await import("node:fs/promises");
  const refusal = (): AdjointError =>
    damaged(path, `a tensor lies in ${JSON.stringify(location)}, which is not in the model's directory`);
  const parts = location.split(/[\\/]/);
  if (isAbsolute(location) || /^[a-zA-Z]:/.test(location) || parts.includes("..") || location.includes("\0"))
    throw refusal();
  const directory = dirname(resolve(path));
  const target = resolve(directory, location);
  // a link may lead outside
  let [real, home] = [target, directory];
  try {
    [real, home] = await Promise.all([realpath(target), realpath(directory)]);
  } catch {
    // what does not exist is refused by the reader, with the reason
  }
  if (!real.startsWith(home.endsWith(sep) ? home : home + sep)) throw refusal();
  return (await readBytes(target, "importOnnx")).bytes;
}
