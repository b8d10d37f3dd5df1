/** Which classes a model takes for which. */
import { jit, type Tensor } from "../index.js";
import type { Module } from "../nn/index.js";
import { defaultBatchSize, eachBatch } from "./batches.js";
import type { EvaluateOptions } from "./evaluate.js";
import { checkModel, outputsOf } from "./model.js";
import { classesOf, predictedClasses, resolveLoss, targetClasses, thresholdOf } from "./objective.js";
import { checkEvaluateOptions } from "./options.js";
import { type Data, sourceOf } from "./source.js";

/**
 * Counts which class was taken for which: `counts[truth][predicted]`.
 *
 * @param data a dataset, or { x, y } of tensors; y are labels, or distributions over the classes
 * @throws AdjointError `invalid-argument`, `shape-mismatch`, `invalid-data`
 * @example
 * const identity = new nn.Activation("identity");
 * const examples = { x: tensor([[1, 0], [0, 1], [0, 1]]), y: tensor([0, 1, 0], { dtype: "int32" }) };
 * await train.confusion(identity, examples); // → 1,1,0,1
 */
export async function confusion(
  model: Module,
  data: Data,
  options: EvaluateOptions = {},
): Promise<number[][]> {
  checkModel(model, "confusion");
  checkEvaluateOptions(options, ["loss", "batchSize", "threshold"], "confusion");
  const { batchSize = defaultBatchSize } = options;
  const loss = options.loss === undefined ? undefined : resolveLoss(options.loss, "confusion");
  const threshold = options.threshold ?? thresholdOf(loss);
  const source = await sourceOf(data, "confusion", "data");
  let classes = (source.largestLabel ?? 0) + 1;
  const classify = jit((network: Module, x: Tensor, y: Tensor) => {
    const output = outputsOf(network, x, { train: false }, "confusion");
    classes = Math.max(classes, classesOf(output));
    return [targetClasses(output, y), predictedClasses(output, threshold)] as const;
  });
  const pairs: [truth: number, predicted: number][] = [];
  await eachBatch(source, model, batchSize, async (x, y, count) => {
    const [truths, guesses] = await Promise.all(classify(model, x, y).map((one) => one.data()));
    for (let i = 0; i < count; i++) pairs.push([truths[i], guesses[i]]);
  });
  const counts = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  for (const [truth, predicted] of pairs) counts[truth][predicted]++;
  return counts;
}
