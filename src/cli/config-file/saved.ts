/** A model that a configuration file's run left, with its weights. */
import type { Module } from "../../nn/index.js";
import { modelOfConfig } from "../../train/config.js";
import { type FitOptions, resolveConfig } from "../../train/index.js";
import { type ModelFile, withWeights } from "../model-file.js";
import { runUserCode } from "../user-module.js";
import { configOfRun, type LoadedConfig } from "./load.js";
import type { ConfigRun } from "./record.js";

/** A file of weights whose network a configuration file makes. */
export interface ConfigModelFile extends ModelFile {
  readonly config: ConfigRun;
}

/** Is it one? */
export function isOfConfigFile(saved: ModelFile): saved is ConfigModelFile {
  return "configFile" in saved.config;
}

/**
 * The model alone; its data are not read.
 * @param named the model as the user named it
 * @param given another file that makes it, by --config
 */
export async function modelOfRun(
  { config, tensors, file }: ConfigModelFile,
  named: string,
  given: string | undefined,
): Promise<Module> {
  const loaded = await configOfRun(config, named, file, given);
  const model = await runUserCode(loaded.path, () => modelOfConfig(loaded.config, config.training.seed));
  return withWeights(model, tensors, file);
}

/** A run as it was. */
export interface RunAgain {
  readonly model: Module;
  /** Before training. */
  readonly initial: Module;
  readonly options: FitOptions<Module>;
  readonly loaded: LoadedConfig;
}

/** The model, and what `fit` was told. */
export async function runAgain(
  { config, tensors, file }: ConfigModelFile,
  named: string,
  given: string | undefined,
): Promise<RunAgain> {
  const loaded = await configOfRun(config, named, file, given);
  const { seed, epochs, batch, learningRate } = config.training;
  const resolved = await runUserCode(loaded.path, () =>
    resolveConfig(loaded.config, {
      seed,
      epochs,
      batchSize: batch,
      ...(learningRate === undefined ? {} : { learningRate }),
    }),
  );
  const { model: initial, options } = resolved;
  return { model: withWeights(initial, tensors, file), initial, options, loaded };
}
