/** Which classes a model takes for which. */
import type { ExampleStream } from "../data/index.js";
import { jit, type Tensor } from "../index.js";
import type { Module } from "../nn/index.js";
import { defaultBatchSize } from "./batches.js";
import type { EvaluateOptions } from "./evaluate.js";
import { classesOf, predictedClasses, targetClasses } from "./metrics/labels.js";
import { eachExamined, examinedOf, isStream, largestLabelOf } from "./metrics/pass.js";
import { checkModel, outputsOf } from "./model.js";
import { labelOutOfRange, resolveLoss, thresholdOf } from "./objective.js";
import { checkEvaluateOptions } from "./options.js";
import type { Data } from "./source.js";

/**
 * Counts which class was taken for which: `counts[truth][predicted]`.
 *
 * @param data a dataset, { x, y } of tensors, or a stream; y are labels, or distributions over the classes
 * @throws AdjointError `invalid-argument`, `shape-mismatch`, `invalid-data`, also for labels the outputs have no class for
 * @example
 * const identity = new nn.Activation("identity");
 * const examples = { x: tensor([[1, 0], [0, 1], [0, 1]]), y: tensor([0, 1, 0], { dtype: "int32" }) };
 * await train.confusion(identity, examples); // → 1,1,0,1
 */
export async function confusion(
  model: Module,
  data: Data | ExampleStream,
  options: EvaluateOptions = {},
): Promise<number[][]> {
  checkModel(model, "confusion");
  checkEvaluateOptions(options, ["loss", "batchSize", "threshold"], "confusion");
  const { batchSize = defaultBatchSize } = options;
  const loss = options.loss === undefined ? undefined : resolveLoss(options.loss, "confusion");
  const threshold = options.threshold ?? thresholdOf(loss);
  const examined = await examinedOf(data, "confusion", "data");
  let classes = 0;
  const classify = jit((network: Module, x: Tensor, y: Tensor) => {
    const output = outputsOf(network, x, { train: false }, "confusion");
    classes = classesOf(output);
    return [targetClasses(output, y, "confusion").flatten(), predictedClasses(output, threshold).flatten()];
  });
  // by truth, then by prediction
  const counts = new Map<number, Map<number, number>>();
  await eachExamined(examined, model, batchSize, "confusion", async (x, y) => {
    const results = classify(model, x, y);
    if (isStream(examined)) await largestLabelOf(examined, y, "confusion");
    const [truths, guesses] = await Promise.all(results.map((one) => one.data()));
    for (let i = 0; i < truths.length; i++) {
      const row = counts.get(truths[i]) ?? new Map<number, number>();
      counts.set(truths[i], row.set(guesses[i], (row.get(guesses[i]) ?? 0) + 1));
    }
  });
  const largest = [...counts.keys()].reduce((most, label) => Math.max(most, label), 0);
  if (largest >= classes) throw labelOutOfRange(largest, classes, "confusion");
  const numbers = Array.from({ length: classes }, (_, i) => i);
  return numbers.map((truth) => numbers.map((guess) => counts.get(truth)?.get(guess) ?? 0));
}
