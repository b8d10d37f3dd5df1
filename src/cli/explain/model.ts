/** A trained model and examples of its data as a function to explain: the loss of the model. */
import type { Dataset } from "../../data/index.js";
import type { Tensor } from "../../index.js";
import type { Sequential } from "../../nn/index.js";
import { usage } from "../arguments.js";
import { sourceOf } from "../commands/eval.js";
import { loadExamples } from "../examples.js";
import { loadModel } from "../model-file.js";
import { losses, lossFunctions } from "../network.js";
import { scaled } from "../scaling.js";
import { checkFits } from "../settings.js";
import type { Subject, SubjectOptions } from "./subject.js";

/** @throws AdjointError `usage` for an example there is not, and those of models and data */
export async function modelSubject(path: string, { example, data }: SubjectOptions): Promise<Subject> {
  const { model, config, file } = await loadModel(path);
  const named = data === undefined ? config.data : await sourceOf(data, config);
  // of a table that is named every row may be asked for
  const source = named.kind === "csv" && data !== undefined ? { ...named, validation: 0 } : named;
  const found = await loadExamples(source, config.classes === undefined ? {} : { classes: config.classes });
  checkFits(config.network, found, found.validation.inputShape[0]);
  const examples = scaled(found.validation, config.scaling);
  const chosen = example ?? [0];
  const outside = chosen.find((at) => at >= examples.size);
  if (outside !== undefined)
    throw usage(
      `--example ${outside}: ${found.name} (${found.validationName}) has ${examples.size} examples, 0 to ${examples.size - 1}`,
      "--example",
    );
  const { x, y } = await batchOf(examples, chosen);
  const name = losses[config.training.loss];
  const lossOf = lossFunctions[name];
  const which = chosen.length === 1 ? `example ${chosen[0]}` : `${chosen.length} examples`;
  return {
    f: (net: Sequential) => lossOf(net.forward(x), y),
    args: [model],
    names: ["model"],
    about: [
      `${file}: ${config.network.layers.join("-")}, ${name}`,
      `At ${which} of ${found.name} (${found.validationName})${chosen.length === 1 ? `: ${answer(examples, chosen[0])}` : ""}.`,
    ],
    hasPlaces: false,
  };
}

async function batchOf(examples: Dataset, chosen: readonly number[]): Promise<{ x: Tensor; y: Tensor }> {
  for await (const batch of examples.subset(chosen).batch(chosen.length)) return batch;
  throw usage("--example names no example", "--example");
}

/** What the right answer is. */
function answer({ targets, targetShape, classes }: Dataset, at: number): string {
  const width = targetShape.reduce((product, extent) => product * extent, 1);
  const values = Array.from(targets.slice(at * width, (at + 1) * width));
  if (targetShape.length > 0) return `the target is ${values.join(" ")}`;
  return `the answer is ${classes?.[values[0]] ?? values[0]}`;
}
