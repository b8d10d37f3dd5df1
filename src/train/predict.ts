/** The outputs of a model, for many inputs. */
import type { ExampleStream } from "../data/index.js";
import { concat, isTensor, jit, type Tensor, type TensorData, tensor } from "../index.js";
import type { Module } from "../nn/index.js";
import { defaultBatchSize } from "./batches.js";
import { eachExamined, examinedOf } from "./metrics/pass.js";
import { checkModel, outputsOf } from "./model.js";
import { checkEvaluateOptions } from "./options.js";
import type { Data } from "./source.js";

let forward: ((model: Module, x: Tensor) => Tensor) | undefined;

/**
 * The outputs of a model for many inputs, in large compiled batches, with `train: false`.
 *
 * @param x a tensor or nested arrays [size, …], or data (a dataset, or a stream), whose targets are not used
 * @returns [size, …outputs]
 * @throws AdjointError `invalid-argument`, `shape-mismatch`
 * @example (await train.predict(new nn.Activation("relu"), [[-1], [2]])).array(); // → 0,2
 */
export async function predict(
  model: Module,
  x: Tensor | TensorData | Data | ExampleStream,
  options: { readonly batchSize?: number } = {},
): Promise<Tensor> {
  checkModel(model, "predict");
  checkEvaluateOptions(options, ["batchSize"], "predict");
  const { batchSize = defaultBatchSize } = options;
  // nested arrays, and typed arrays, are inputs as they are; a dataset or { x, y } is an object of its own kind
  const inputs = isTensor(x) ? x : Array.isArray(x) || ArrayBuffer.isView(x) ? tensor(x) : undefined;
  const data = inputs === undefined ? x : { x: inputs, y: inputs };
  const examined = await examinedOf(
    data,
    "predict",
    "x",
    "a tensor, nested arrays, a dataset, { x, y } of tensors, or a stream",
  );
  forward ??= jit((network: Module, batch: Tensor) => outputsOf(network, batch, { train: false }, "predict"));
  const run = forward;
  const parts: Tensor[] = [];
  await eachExamined(examined, model, batchSize, "predict", async (batch) => {
    parts.push(run(model, batch));
  });
  return parts.length === 1 ? parts[0] : concat(parts, 0);
}
