/** `adjoint predict` as the parser knows it. */
import { type Command, Option } from "commander";
import { type PredictOptions, predictCommand } from "./commands/predict.js";
import { configOption, json, verbose } from "./options.js";

/** Adds the command with its options and help. */
export function addPredict(program: Command): void {
  program
    .command("predict")
    .summary("apply a trained model to new inputs")
    .description(
      `Prints what a trained model says of every input, as they come: a class, or
numbers.

FILE is one or more of
  CSV          the columns of inputs, by name; for images rows of pixels
  JSON         one value a line: an object of columns, or an array of numbers
  IDX, NPY     images, as MNIST is published, or an array of inputs
  PNG, JPEG    an image, made the size and the channels the model takes
  -            any of these on standard input

Any of them may be compressed by gzip.`,
    )
    .argument("<model>", "what adjoint train wrote: its directory, or model.safetensors")
    .argument("<file...>", "inputs")
    .addOption(new Option("-p, --probabilities", "the probability of the class; with --csv or --json of all"))
    .addOption(new Option("--csv", "print CSV with a header"))
    .addOption(json("print a JSON object an input, with all outputs"))
    .addOption(configOption())
    .addOption(verbose())
    .addHelpText(
      "after",
      `
What is wrong in the inputs is refused with its line and column, after
everything before it has been answered.

Examples:
  adjoint predict runs/iris-1 new.csv
  adjoint predict runs/iris-1 new.csv --probabilities --csv > answers.csv
  adjoint predict runs/iris-1 - --json < new.csv
  echo '{"rooms": 3, "town": "Ulm"}' | adjoint predict runs/houses-1 -`,
    )
    .action((model: string, files: string[], options: PredictOptions) =>
      predictCommand(model, files, options),
    );
}
