/** `adjoint health`: what keeps a network from learning, measured on examples. */
import { type Command, Option } from "commander";
import { explain } from "../../explain/index.js";
import { AdjointError, random } from "../../index.js";
import { integerOption } from "../arguments.js";
import { loadModel } from "../model-file.js";
import { buildNetwork, losses } from "../network.js";
import { makeOptimizer } from "../optimizer.js";
import { json, verbose } from "../options.js";
import { print, printEvent } from "../output.js";
import { examplesFor } from "./eval.js";

export interface HealthOptions {
  readonly start?: boolean;
  readonly strict?: boolean;
  readonly steps: number;
  readonly examples: number;
  readonly seed: number;
  readonly json?: boolean;
}

/** @throws AdjointError `unhealthy` with --strict where something is found, `usage`, and those of the library */
export async function healthCommand(
  path: string,
  argument: string | undefined,
  options: HealthOptions,
): Promise<void> {
  const { model: trained, config, file } = await loadModel(path);
  const { data, what } = await examplesFor(config, argument, path);
  const { network, training } = config;
  // the weights `adjoint train` began with
  const [weightKey] = random.split(random.key(training.seed));
  const model = options.start ? buildNetwork(network, weightKey) : trained;
  const { steps, examples, seed } = options;
  const report = await explain.health(model, data, {
    loss: losses[training.loss],
    optimizer: makeOptimizer(training),
    batchSize: training.batch,
    steps,
    examples,
    seed,
  });
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
