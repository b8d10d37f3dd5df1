/** Configuration files: reading one to train, and finding again the one a model was trained by. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { AdjointError, setSeed } from "../../index.js";
import type { Module } from "../../nn/index.js";
import type { TrainConfig } from "../../train/index.js";
import { printNotice } from "../output.js";
import { importUserModule } from "../user-module.js";
import type { ConfigRun } from "./record.js";

/** A configuration and the file it came from. */
export interface LoadedConfig {
  readonly config: TrainConfig<Module>;
  /** Absolute. */
  readonly path: string;
  readonly source: string;
  readonly sha256: string;
}

/**
 * Runs a configuration file.
 *
 * @param seed what is drawn while the file itself runs, outside of its functions, is drawn from this
 * @throws AdjointError `file-not-found`, `file-format` where it cannot be loaded or exports no configuration
 */
export async function loadConfig(path: string, seed = 1): Promise<LoadedConfig> {
  const source = await readText(path);
  if (source === undefined) throw missing(path);
  return runConfig(path, source, seed);
}

/**
 * The configuration that a model was trained by. Where the file is gone or changed since, that is said, and what to do:
 * which code is run is the user's decision, not the model's.
 *
 * @param model the model as the user named it
 * @param given another file to take it from, by --config
 * @throws AdjointError `file-not-found`, `invalid-data` for a file that has changed, and those of {@link loadConfig}
 */
export async function configOfRun(
  { configFile, training }: ConfigRun,
  model: string,
  modelFile: string,
  given: string | undefined,
): Promise<LoadedConfig> {
  const { path: original, sha256, copy } = configFile;
  const path = given ?? original;
  const source = await readText(path);
  const copyPath = join(dirname(modelFile), copy);
  const useCopy = existsSync(copyPath) ? `; as it was then: --config ${copyPath}` : "";
  const shown = shortest(path);
  if (source === undefined) {
    if (given !== undefined) throw missing(given);
    throw new AdjointError("file-not-found", `${model} was trained by ${shown}, which is gone${useCopy}`, {
      file: path,
    });
  }
  const isSame = hashOf(source) === sha256;
  if (!isSame && given === undefined)
    throw new AdjointError(
      "invalid-data",
      `${shown} has changed since ${model} was trained by it${useCopy}; as it is now: --config ${shown}`,
      { file: path, expected: `sha256 ${sha256}`, received: `sha256 ${hashOf(source)}` },
    );
  if (!isSame)
    printNotice(
      resolve(path) === original
        ? `${shown} has changed since ${model} was trained by it`
        : `${shown} is not what ${model} was trained by, ${shortest(original)}`,
    );
  // a copy finds what it imports where the original was
  const place = isSame && existsSync(dirname(original)) ? original : path;
  return runConfig(place, source, training.seed, place !== path);
}

async function runConfig(
  path: string,
  source: string,
  seed: number,
  isStandIn = false,
): Promise<LoadedConfig> {
  setSeed(seed);
  const exported = await importUserModule(path, isStandIn ? source : undefined);
  const config: unknown = await exported.default;
  if (typeof config !== "object" || config === null)
    throw new AdjointError(
      "file-format",
      `${path} exports no configuration: write export default train.defineConfig({ model, data, loss, optimizer })`,
      { file: path },
    );
  // its parts are checked by resolveConfig
  return { config: config as TrainConfig<Module>, path: resolve(path), source, sha256: hashOf(source) };
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return undefined;
    throw new AdjointError(
      "file-not-found",
      `cannot read ${path}: ${cause.code === "EISDIR" ? "it is a directory" : cause.message}`,
      { file: path },
      { cause },
    );
  });
}

function missing(path: string): AdjointError {
  return new AdjointError("file-not-found", `there is no file ${path}`, { file: path });
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** From here where that is not longer. */
function shortest(path: string): string {
  const short = relative(process.cwd(), path);
  return short !== "" && short.length < path.length ? short : path;
}
