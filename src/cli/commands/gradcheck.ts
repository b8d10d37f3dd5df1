/** `adjoint gradcheck`: a network's backpropagation against finite differences, in float64. */
import { type Command, Option } from "commander";
import { AdjointError, gradCheck, random, type Tensor } from "../../index.js";
import type * as nn from "../../nn/index.js";
import { integerOption, usage } from "../arguments.js";
import { loadModel } from "../model-file.js";
import {
  type Activation,
  buildNetwork,
  defaultOutput,
  type InitName,
  type Loss,
  losses,
  lossFunctions,
  type OutputActivation,
} from "../network.js";
import { json, layers, networkOptions, verbose } from "../options.js";
import { print, printEvent } from "../output.js";

export interface GradcheckOptions {
  readonly layers?: readonly number[];
  readonly activation?: Activation;
  readonly output?: OutputActivation;
  readonly loss?: Loss;
  readonly init?: InitName;
  readonly batch: number;
  readonly seed: number;
  readonly json?: boolean;
}

/** A network without a trained one at hand: small enough that every weight is checked. */
const defaults = { layers: [4, 5, 3], activation: "sigmoid", loss: "quadratic", init: "nielsen" } as const;

/** @throws AdjointError `gradient-check-failed` where a derivative is wrong, `usage` */
export async function gradcheckCommand(path: string | undefined, options: GradcheckOptions): Promise<void> {
  const { seed, batch, json } = options;
  const [weightKey, inputKey, targetKey] = random.split(random.key(seed), 3);
  const { model, loss, layers, regression } =
    path === undefined ? built(options, weightKey) : await saved(path, options);
  const [inputs, outputs] = [layers[0], layers[layers.length - 1]];
  const x = random.uniform(inputKey, { shape: [batch, inputs], dtype: "float64" });
  const y = regression
    ? random.normal(targetKey, { shape: [batch, outputs], dtype: "float64" })
    : random
        .uniform(targetKey, { shape: [batch], high: Math.max(2, outputs) })
        .floor()
        .cast("int32");
  const lossOf = lossFunctions[losses[loss]];
  const report = gradCheck((network: nn.Sequential) => lossOf(network.forward(x), y), [model], { seed });
  if (json) printEvent({ event: "gradcheck", layers, loss, report: report.toJSON() });
  else
    print(
      `network ${layers.join("-")}, loss ${loss}, ${batch} random examples, seed ${seed}\n\n${report.toString()}`,
    );
  if (!report.passed)
    throw new AdjointError(
      "gradient-check-failed",
      `backpropagation disagrees with finite differences (worst error ${report.worstError.toExponential(1)})`,
    );
}

interface Subject {
  readonly model: nn.Sequential;
  readonly loss: Loss;
  readonly layers: readonly number[];
  readonly regression: boolean;
}

function built(options: GradcheckOptions, key: Tensor): Subject {
  const { layers, activation, loss, init } = { ...defaults, ...options };
  const output = options.output ?? defaultOutput(loss, true);
  if (layers[layers.length - 1] === 1 && loss === "softmax-cross-entropy")
    throw usage("--loss softmax-cross-entropy needs a last layer of 2 or more, received 1", "--layers");
  return {
    model: buildNetwork({ layers, activation, output, init }, key, "float64"),
    loss,
    layers,
    regression: false,
  };
}

async function saved(path: string, options: GradcheckOptions): Promise<Subject> {
  for (const name of ["layers", "activation", "output", "init"] as const)
    if (options[name] !== undefined)
      throw usage(`--${name} describes a built-in network; leave it out beside MODEL`, `--${name}`);
  const { model, config } = await loadModel(path, "float64");
  const regression = config.data.kind === "csv" && config.data.label === undefined;
  return { model, loss: options.loss ?? config.training.loss, layers: config.network.layers, regression };
}

/** Adds the command to a program. */
export function addGradcheck(program: Command): void {
  const command = program
    .command("gradcheck")
    .summary("check backpropagation against finite differences")
    .description(
      "Checks the gradient of a network's loss, on random examples in float64,\nagainst finite differences and against forward mode. Fails (exit code 1)\nwhere they disagree, and names the operation at fault.",
    )
    .argument("[model]", "what adjoint train wrote (default: a network of the options below)")
    .addOption(layers("neurons of every layer (default: 4,5,3)"));
  networkOptions(command, "sigmoid", "quadratic, or the model's", "nielsen")
    .addOption(new Option("--batch <n>", "random examples").argParser(integerOption("--batch", 1)).default(4))
    .addOption(
      new Option("--seed <n>", "of weights and examples").argParser(integerOption("--seed", 0)).default(1),
    )
    .addOption(json("print a JSON object"))
    .addOption(verbose())
    .addHelpText(
      "after",
      "\nExamples:\n  adjoint gradcheck runs/mnist-1\n  adjoint gradcheck --layers 3,4,2 --activation relu",
    )
    .action((model: string | undefined, options: GradcheckOptions) => gradcheckCommand(model, options));
}
