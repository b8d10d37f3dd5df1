/** A trained model on disk: DIR/model.safetensors, whose metadata hold its configuration. */
import { mkdir, open, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AdjointError, type DType, random } from "../index.js";
import { type LoadedTensors, loadSafetensors, saveSafetensors } from "../io/index.js";
import * as nn from "../nn/index.js";
import { usage } from "./arguments.js";
import { type ModelConfig, parseConfig } from "./config.js";
import { type ConfigRun, isConfigRun, parseConfigRun } from "./config-file/record.js";
import { readConfiguration } from "./json-reader.js";
import { buildNetwork } from "./network.js";

const metadataKey = "adjoint";

export interface SavedModel {
  readonly file: string;
  readonly model: nn.Sequential;
  readonly config: ModelConfig;
}

/** A directory that can be written to. */
export interface OutputDirectory {
  readonly path: string;
  /** Removes the directory if it was made for this run and nothing is in it. */
  abandon(): Promise<void>;
}

/**
 * Makes the directory for results, and proves that files can be made in it: before hours of training, not after.
 *
 * @param asked from --out; otherwise the first of runs/NAME-1, runs/NAME-2, … that does not exist
 * @throws AdjointError `usage` for an empty name, `unwritable-output`
 */
export async function openOutput(asked: string | undefined, name: string): Promise<OutputDirectory> {
  if (asked === "") throw usage('--out must name a directory, received ""', "--out");
  const path = asked ?? (await nextRun(name));
  try {
    const isNew = asked === undefined || (await makeDirectory(resolve(path)));
    const probe = join(path, `.adjoint-${process.pid}.tmp`);
    await (await open(probe, "w")).close();
    await rm(probe);
    // an empty directory says nothing; one with files in it is not removed by rmdir
    return { path, abandon: async () => (isNew ? rmdir(path).catch(() => {}) : undefined) };
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

async function nextRun(name: string): Promise<string> {
  try {
    await makeDirectory(resolve("runs"));
  } catch (cause) {
    throw unwritable("runs", cause);
  }
  for (let i = 1; ; i++) {
    const path = join("runs", `${name}-${i}`);
    try {
      // not recursive: two runs that start together get two directories
      await mkdir(path);
      return path;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw unwritable(path, cause);
    }
  }
}

/**
 * Makes a directory and those above it. mkdir's own `recursive` tries for ever where the file system answers that the
 * directory's parent, which exists, is missing, as /proc does.
 * @returns whether it was made: false where it was there
 */
async function makeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const isDirectory = (at: string) =>
      stat(at)
        .then((found) => found.isDirectory())
        .catch(() => false);
    if (code === "EEXIST" && (await isDirectory(path))) return false;
    if (code !== "ENOENT" || dirname(path) === path || (await isDirectory(dirname(path)))) throw cause;
    await makeDirectory(dirname(path));
    await mkdir(path);
    return true;
  }
}

function unwritable(path: string, cause: unknown): AdjointError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reasons: Record<string, string> = {
    EACCES: "permission denied",
    EPERM: "permission denied",
    ENOENT: "nothing can be made there",
    ENOTDIR: "a part of its path is a file",
    EEXIST: "it is a file",
    EROFS: "the file system is read-only",
    ENOSPC: "the disk is full",
  };
  const reason = reasons[code ?? ""] ?? message;
  return new AdjointError(
    "unwritable-output",
    `cannot write to the output directory ${path}: ${reason}; choose another with --out`,
    { file: path },
    { cause },
  );
}

/**
 * Writes a model, whatever made it.
 * @throws AdjointError `unwritable-output`
 */
export async function saveModel(
  directory: string,
  model: nn.Module,
  config: ModelConfig | ConfigRun,
): Promise<string> {
  const file = join(directory, "model.safetensors");
  await saveSafetensors(file, nn.stateDict(model), { [metadataKey]: JSON.stringify(config) });
  return file;
}

/** What a model's file holds. */
export interface ModelFile {
  readonly file: string;
  readonly tensors: LoadedTensors;
  /** How to use them. */
  readonly config: ModelConfig | ConfigRun;
}

/**
 * Reads what `adjoint train` wrote, of either kind.
 * @param path its directory, or the file itself
 * @throws AdjointError `file-not-found`, `file-format`
 */
export async function readModel(path: string): Promise<ModelFile> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined)
    throw new AdjointError("file-not-found", `there is no model ${path}; adjoint train writes one`, {
      file: path,
    });
  const file = found.isDirectory() ? join(path, "model.safetensors") : path;
  const tensors = await loadSafetensors(file).catch((error: unknown) => {
    throw foreign(error, file, path) ?? error;
  });
  const text = tensors.metadata.get(metadataKey);
  if (text === undefined)
    throw new AdjointError(
      "file-format",
      `${file} holds tensors but no network: it was not written by adjoint train`,
      { file },
    );
  const read = readConfiguration(text, file);
  return { file, tensors, config: isConfigRun(read) ? parseConfigRun(read) : parseConfig(read) };
}

/**
 * Reads a model whose network the command line built.
 * @param path its directory, or the file itself
 * @throws AdjointError `file-not-found`, `file-format`, `tree-mismatch`, `shape-mismatch`, `usage` for one that a file of the
 * user's builds
 */
export async function loadModel(path: string, dtype: DType = "float32"): Promise<SavedModel> {
  const { file, tensors, config } = await readModel(path);
  if ("configFile" in config)
    throw usage(
      `${path} was trained by ${config.configFile.path}; adjoint eval, predict, export and health use such a model, this command does not`,
      "model",
    );
  return { file, config, model: networkOf(config, tensors, file, dtype) };
}

/** The network of a configuration with these weights. */
export function networkOf(
  config: ModelConfig,
  tensors: LoadedTensors,
  file: string,
  dtype: DType = "float32",
): nn.Sequential {
  return withWeights(buildNetwork({ ...config.network, init: "zeros" }, random.key(0), dtype), tensors, file);
}

/** @throws AdjointError `tree-mismatch`, `shape-mismatch` where the tensors are not the model's */
export function withWeights<Model>(model: Model, tensors: LoadedTensors, file: string): Model {
  try {
    return nn.loadStateDict(model, tensors);
  } catch (error) {
    if (!(error instanceof AdjointError)) throw error;
    const problem = error.message.replace("loadStateDict: ", "");
    throw new AdjointError(
      error.code,
      `${file}: its tensors are not those of its network: ${problem}`,
      { file },
      { cause: error },
    );
  }
}

/** For what is no model at all, what is: the bytes of another kind of file tell nothing worth reading. */
function foreign(error: unknown, file: string, path: string): AdjointError | undefined {
  if (!(error instanceof AdjointError)) return undefined;
  if (error.code === "file-not-found" && file !== path)
    return new AdjointError(
      error.code,
      `the directory ${path} holds no model.safetensors; adjoint train writes one`,
      { file },
      { cause: error },
    );
  if (error.details.expected !== "a safetensors file") return undefined;
  return new AdjointError(
    error.code,
    `${file} is not a model written by adjoint train (not a safetensors file)`,
    { file },
    { cause: error },
  );
}
