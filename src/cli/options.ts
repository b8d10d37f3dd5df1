/** Options that several commands share. */
import { type Command, Option } from "commander";
import { layersOption, nameOption } from "./arguments.js";
import { activationNames, initNames, lossNames, outputNames } from "./network.js";

/** Errors with their stack. */
export const verbose = (): Option => new Option("--verbose", "show the stack of an error");
/** Output for programs. */
export const json = (what: string): Option => new Option("--json", what);
/** Which code makes the model of a configuration file's run. */
export const configOption = (): Option =>
  new Option(
    "--config <file>",
    "MODEL of a configuration file: the file that makes it (default: the one it was trained by)",
  );
/** The sizes of a network. */
export const layers = (text: string): Option => new Option("--layers <sizes>", text).argParser(layersOption);

/** What else a network is made of, and its loss, with what it is unless told. */
export function networkOptions(command: Command, activation: string, loss: string, init: string): Command {
  return command
    .addOption(
      new Option(
        "--activation <name>",
        `after hidden layers: ${activationNames.join(", ")} (default: ${activation})`,
      ).argParser(nameOption("--activation", activationNames)),
    )
    .addOption(
      new Option(
        "--output <name>",
        `after the last layer: ${outputNames.join(", ")} (default: sigmoid for classes, unless a cross-entropy; else identity)`,
      ).argParser(nameOption("--output", outputNames)),
    )
    .addOption(
      new Option("--loss <name>", `${lossNames.join(", ")} (default: ${loss})`).argParser(
        nameOption("--loss", lossNames),
      ),
    )
    .addOption(
      new Option("--init <name>", `${initNames.join(", ")} (default: ${init})`).argParser(
        nameOption("--init", initNames),
      ),
    );
}
