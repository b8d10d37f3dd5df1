/** `adjoint bench` as the parser knows it. */
import { type Command, Option } from "commander";
import { devices } from "../index.js";
import { integerOption, nameOption, numberOption } from "./arguments.js";
import { type BenchOptions, benchCommand } from "./commands/bench.js";
import { optimizerNames } from "./optimizer.js";
import { json, layers, networkOptions, verbose } from "./options.js";

/** Adds the command with its options and help. */
export function addBench(program: Command): void {
  const command = program
    .command("bench")
    .summary("time a training step, and show where its time goes")
    .description(
      "Times one training step (forward, backward, update) of a network on synthetic\nexamples: median and quartiles, memory, and with --profile every kernel.",
    )
    .argument("[model]", "what adjoint train wrote (default: a network of the options below)")
    .addOption(layers("neurons of every layer (default: 784,30,10)"));
  networkOptions(command, "sigmoid", "quadratic, or the model's", "nielsen")
    .addOption(
      new Option("--optimizer <name>", optimizerNames.join(", "))
        .argParser(nameOption("--optimizer", optimizerNames))
        .default("sgd", "sgd"),
    )
    .addOption(
      new Option("--batch <n>", "examples in a step").argParser(integerOption("--batch", 1)).default(10),
    )
    .addOption(
      new Option("--seconds <number>", "how long to measure (default: 2)").argParser(
        numberOption("--seconds", "a number above 0", (value) => value > 0 && Number.isFinite(value)),
      ),
    )
    .addOption(
      new Option("--steps <n>", "how many steps to measure, instead of --seconds").argParser(
        integerOption("--steps", 1),
      ),
    )
    .addOption(
      new Option("--device <name>", `${devices().join(", ")} (default: ${devices()[0]})`).argParser(
        nameOption("--device", devices()),
      ),
    )
    .addOption(
      new Option("--threads <n>", "that share the work (default: one for each processor)").argParser(
        integerOption("--threads", 1),
      ),
    )
    .addOption(
      new Option("--seed <n>", "of weights and examples").argParser(integerOption("--seed", 0)).default(1),
    )
    .addOption(new Option("--profile", "list the kernels: time, share, operations, bytes, rates"))
    .addOption(
      new Option("--trace <file>", "write 50 steps, kernel by kernel, for Perfetto and chrome://tracing"),
    )
    .addOption(json("print a JSON object"))
    .addOption(verbose())
    .addHelpText(
      "after",
      `
Times are medians of turns of 2 ms or one step; those of a profile are taken
kernel by kernel, in 50 steps.

Examples:
  adjoint bench
  adjoint bench --layers 784,256,128,10 --batch 128 --activation relu --profile
  adjoint bench runs/mnist-1 --optimizer adam --trace step.json`,
    )
    .action((model: string | undefined, options: BenchOptions) => benchCommand(model, options));
}
