/** The outputs of a model, for many inputs. */
import { concat, isTensor, jit, type Tensor } from "../index.js";
import type { Module } from "../nn/index.js";
import { defaultBatchSize, eachBatch } from "./batched.js";
import { checkModel } from "./model.js";
import { checkCount } from "./options.js";
import { type Data, sourceOf } from "./source.js";

let forward: ((model: Module, x: Tensor) => Tensor) | undefined;

/**
 * The outputs of a model for many inputs, in large compiled batches, with `train: false`.
 *
 * @param x a tensor [size, …], or data, whose targets are not used
 * @returns [size, …outputs]
 * @throws AdjointError `invalid-argument`, `shape-mismatch`
 * @example (await train.predict(new nn.Activation("relu"), tensor([[-1], [2]]))).array(); // → 0,2
 */
export async function predict(
  model: Module,
  x: Tensor | Data,
  options: { readonly batchSize?: number } = {},
): Promise<Tensor> {
  checkModel(model, "predict");
  const { batchSize = defaultBatchSize } = options;
  checkCount(batchSize, "predict", "batchSize");
  const data = isTensor(x) ? { x, y: x } : x;
  const source = await sourceOf(data, "predict", "x");
  forward ??= jit((network: Module, batch: Tensor) => network.forward(batch, { train: false }));
  const run = forward;
  const parts: Tensor[] = [];
  await eachBatch(source, model, batchSize, async (batch) => {
    parts.push(run(model, batch));
  });
  return parts.length === 1 ? parts[0] : concat(parts, 0);
}
