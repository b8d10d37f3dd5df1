/** The commands and the help above them, of 80 columns; the options of each are in a file of its own. */
import { Command } from "commander";
import { addBench } from "./bench-options.js";
import { addEval } from "./commands/eval.js";
import { addExport } from "./commands/export.js";
import { addGradcheck } from "./commands/gradcheck.js";
import { addHealth } from "./commands/health.js";
import { addInfo } from "./commands/info.js";
import { addExplain } from "./explain/command.js";
import { addPredict } from "./predict-options.js";
import { addTrain } from "./train-options.js";

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
  adjoint train digits.ts                 any model and data, as a file says
  adjoint eval runs/mnist-1               measure the trained model again
  adjoint predict runs/iris-1 new.csv     what it says of new inputs
  adjoint export runs/mnist-1             an ONNX file for other programs
  adjoint explain two-layer               why a gradient is what it is
  adjoint gradcheck --layers 4,5,3        backpropagation against differences
  adjoint bench --profile                 what a training step takes, and where

Exit codes: 0 done, 1 the work failed, 2 the command line is wrong,
130 and 143 interrupted. adjoint COMMAND --help tells more.`,
  );
  addTrain(program);
  addEval(program);
  addPredict(program);
  addExport(program);
  addExplain(program);
  addGradcheck(program);
  addHealth(program);
  addBench(program);
  addInfo(program);
  return program;
}
