/** The options of `adjoint explain`, and their help. */
import { type Command, Option } from "commander";
import { nameOption, suggestion, usage } from "../arguments.js";
import {
  type ExplainOptions,
  explainCommand,
  formats,
  layoutNames,
  shownParts,
} from "../commands/explain.js";
import { verbose } from "../options.js";

export function addExplain(program: Command): void {
  program
    .command("explain")
    .summary("say why a gradient is what it is, with its numbers")
    .description(
      `Explains a derivative: the graph with values and adjoints, the chain-rule paths
from the cost to one weight, the four equations of backpropagation, the story
factor by factor, a check by differences, and what it all assumes.

WHAT is
  NAME         a worked example of the study notes; --list shows them
  FILE         JavaScript or TypeScript that exports a function of tensors, and
               args, the point to explain it at
  MODEL        what adjoint train wrote; its loss at an example is explained`,
    )
    .argument("[what]", "NAME, FILE or MODEL")
    .addOption(new Option("--list", "list the worked examples"))
    .addOption(
      new Option(
        "--of <path>",
        "which derivative: layers.1.weight[3,5]; without an index the largest (default: the largest)",
      ),
    )
    .addOption(
      new Option("--example <n>", "MODEL: the example of the data, or several as 0-9 (default: 0)").argParser(
        exampleOption,
      ),
    )
    .addOption(new Option("--data <data>", "MODEL: mnist, FILE.csv or DIRECTORY (default: what measured it)"))
    .addOption(
      new Option("--args <json>", "FILE: the arguments, such as '[0.5,[1,2]]', in float64").argParser(
        argsOption,
      ),
    )
    .addOption(
      new Option("--layout <names>", `of the equations: ${layoutNames.join(", ")} (default: all)`).argParser(
        namesOption("--layout", layoutNames),
      ),
    )
    .addOption(
      new Option("--show <parts>", `of the text: ${shownParts.join(", ")} (default: all but cost)`).argParser(
        namesOption("--show", shownParts),
      ),
    )
    .addOption(new Option("--no-measure", "cost: count operations, take no times"))
    .addOption(
      new Option("--format <name>", `${formats.join(", ")} (default: text)`).argParser(
        nameOption("--format", formats),
      ),
    )
    .addOption(new Option("-o, --out <file>", "write it to a file"))
    .addOption(verbose())
    .addHelpText(
      "after",
      `
Examples:
  adjoint explain --list
  adjoint explain two-layer --of output[0,0]
  adjoint explain chain --show story
  adjoint explain thrice --show cost
  adjoint explain cost.ts --of w[2]
  adjoint explain runs/mnist-1 --example 3 --of layers.2.weight`,
    )
    .action((what: string | undefined, options: Omit<ExplainOptions, "format"> & Partial<ExplainOptions>) =>
      explainCommand(what, { format: "text", ...options }),
    );
}

/** `story,paths`: some of a list of names. */
function namesOption<Name extends string>(option: string, names: readonly Name[]): (text: string) => Name[] {
  return (text) =>
    text.split(",").map((part) => {
      const found = names.find((name) => name === part.trim());
      if (found !== undefined) return found;
      throw usage(
        `${option} takes ${names.join(", ")}, or several with commas, received "${part}"${suggestion(part, names)}`,
        option,
      );
    });
}

/** `3`, `0-9`, or `0,4,7`. */
function exampleOption(text: string): number[] {
  const numbers = text.split(",").flatMap((part) => {
    const [, from, to] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
    if (from === undefined || (to !== undefined && Number(to) < Number(from))) return [Number.NaN];
    return Array.from({ length: Number(to ?? from) - Number(from) + 1 }, (_, i) => Number(from) + i);
  });
  if (numbers.every((value) => Number.isSafeInteger(value))) return numbers;
  throw usage(`--example must be a number, or several as 0-9 or 0,4,7, received "${text}"`, "--example");
}

/** JSON: a list of numbers and nested lists, one for each argument. */
function argsOption(text: string): unknown[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw usage(`--args must be a list in JSON, such as [0.5,[1,2]], received "${text}"`, "--args");
  }
  if (!Array.isArray(parsed))
    throw usage(`--args must be a list in JSON, such as [0.5,[1,2]], received "${text}"`, "--args");
  return parsed as unknown[];
}
