/** `adjoint health`: what keeps a network from learning, measured on examples. */
import { basename } from "node:path";
import { type Command, Option } from "commander";
import { explain } from "../../explain/index.js";
import { AdjointError, random } from "../../index.js";
import type { Module } from "../../nn/index.js";
import type { Data, FitOptions } from "../../train/index.js";
import { dataOfConfigFile, integerOption, notOfConfigFile, usage } from "../arguments.js";
import type { ModelConfig } from "../config.js";
import { isStream } from "../config-file/data.js";
import { type ConfigModelFile, isOfConfigFile, runAgain } from "../config-file/saved.js";
import { networkOf, readModel } from "../model-file.js";
import { buildNetwork, losses } from "../network.js";
import { makeOptimizer } from "../optimizer.js";
import { configOption, json, verbose } from "../options.js";
import { print, printEvent } from "../output.js";
import { examplesFor } from "./eval.js";

export interface HealthOptions {
  readonly start?: boolean;
  readonly strict?: boolean;
  readonly steps: number;
  readonly examples: number;
  readonly seed: number;
  readonly json?: boolean;
  /** The file that makes the model, where that is not the one it was trained by. */
  readonly config?: string;
}

/** @throws AdjointError `unhealthy` with --strict where something is found, `usage`, and those of the library */
export async function healthCommand(
  path: string,
  argument: string | undefined,
  options: HealthOptions,
): Promise<void> {
  const { file, model, data, what, settings } = await patientOf(path, argument, options);
  const { steps, examples, seed } = options;
  const report = await explain.health(model, data, { ...settings, steps, examples, seed });
  if (options.json) printEvent({ event: "health", model: file, data: what, report: report.toJSON() });
  else
    print(
      `${file}${options.start ? ", as it was before training" : ""}\n${what}\n\n${report.toText()}`.trimEnd(),
    );
  const { length } = report.findings;
  if (options.strict && length > 0)
    throw new AdjointError(
      "unhealthy",
      `${length} ${length === 1 ? "finding" : "findings"}: ${report.findings.map(({ code }) => code).join(", ")}`,
    );
}

/** What is looked at, and how it is trained. */
interface Patient {
  readonly file: string;
  readonly model: Module;
  readonly data: Data;
  /** What the data are called. */
  readonly what: string;
  readonly settings: Pick<FitOptions, "loss" | "optimizer" | "batchSize">;
}

async function patientOf(
  path: string,
  argument: string | undefined,
  { start = false, config }: HealthOptions,
): Promise<Patient> {
  const saved = await readModel(path);
  if (isOfConfigFile(saved)) return patientOfConfigFile(saved, path, argument, start, config);
  if (config !== undefined) throw notOfConfigFile(path);
  const record = saved.config as ModelConfig;
  const { data, what } = await examplesFor(record, argument, path);
  const { network, training } = record;
  // the weights `adjoint train` began with
  const [weightKey] = random.split(random.key(training.seed));
  const model = start ? buildNetwork(network, weightKey) : networkOf(record, saved.tensors, saved.file);
  const settings = {
    loss: losses[training.loss],
    optimizer: makeOptimizer(training),
    batchSize: training.batch,
  };
  return { file: saved.file, model, data, what, settings };
}

async function patientOfConfigFile(
  saved: ConfigModelFile,
  path: string,
  argument: string | undefined,
  start: boolean,
  config: string | undefined,
): Promise<Patient> {
  if (argument !== undefined) throw dataOfConfigFile(path, argument);
  const { model, initial, options, loaded } = await runAgain(saved, path, config);
  const { data, validation, loss, optimizer, batchSize = 32 } = options;
  const examples = validation ?? data;
  if (isStream(examples))
    throw usage(`${path} was measured on a stream; adjoint health looks at examples in memory`, "model");
  return {
    file: saved.file,
    model: start ? initial : model,
    data: examples,
    what: `${basename(loaded.path)} (${validation === undefined ? "training" : "validation"})`,
    settings: { loss, optimizer, batchSize },
  };
}

/** Adds the command to a program. */
export function addHealth(program: Command): void {
  program
    .command("health")
    .summary("find what keeps a network from learning")
    .description(
      "Measures gradients, saturation, dead units and updates of every layer on\nexamples, trains a copy for some steps, and says what is wrong, by which\npublished limit, and what becomes of it with the remedy.",
    )
    .argument("<model>", "what adjoint train wrote: its directory, or model.safetensors")
    .argument("[data]", "mnist, FILE.csv or DIRECTORY (default: the examples that measured it in training)")
    .addOption(new Option("--start", "look at the network as it was before training"))
    .addOption(
      new Option("--examples <n>", "how many examples to look at")
        .argParser(integerOption("--examples", 1))
        .default(256),
    )
    .addOption(
      new Option("--steps <n>", "of a trial run; 0 tries nothing")
        .argParser(integerOption("--steps", 0))
        .default(30),
    )
    .addOption(
      new Option("--seed <n>", "of examples and remedies").argParser(integerOption("--seed", 0)).default(0),
    )
    .addOption(new Option("--strict", "exit with code 1 where something is found"))
    .addOption(configOption())
    .addOption(json("print a JSON object"))
    .addOption(verbose())
    .addHelpText(
      "after",
      "\nExamples:\n  adjoint health runs/mnist-1 --start\n  adjoint health runs/iris-1 --strict --json",
    )
    .action((model: string, data: string | undefined, options: HealthOptions) =>
      healthCommand(model, data, options),
    );
}
