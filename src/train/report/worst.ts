/** The examples a model does worst on: those of the largest loss, each measured by itself. */
import type { ExampleStream } from "../../data/index.js";
import { AdjointError, jit, type Tensor, vmap } from "../../index.js";
import type { Loss } from "../../losses/index.js";
import type { Module } from "../../nn/index.js";
import { eachExamined, examinedOf } from "../metrics/pass.js";
import { outputsOf } from "../model.js";
import type { Data } from "../source.js";

/** One example. */
export interface WorstExample {
  /** Its place in the data, from 0. */
  readonly index: number;
  readonly loss: number;
  readonly input: Float64Array;
  /** A label, or as many numbers as there are outputs. */
  readonly target: Float64Array;
  readonly output: Float64Array;
}

/** The worst first. */
export interface WorstExamples {
  readonly examples: readonly WorstExample[];
  /** How many were looked at: the first of the data. */
  readonly seen: number;
  /** Whether targets are labels. */
  readonly areLabels: boolean;
}

/** Examples looked at most: some seconds of a small network. */
const most = 20_000;
const batchSize = 500;

/** The worst `count` examples, or undefined where the loss cannot be taken of one example alone. */
export async function worstExamples(
  model: Module,
  data: Data | ExampleStream,
  loss: Loss,
  count: number,
): Promise<WorstExamples | undefined> {
  const measure = jit((network: Module, x: Tensor, y: Tensor): [Tensor, Tensor] => {
    const output = outputsOf(network, x, { train: false }, "runFolder");
    const single = (a: Tensor, b: Tensor): Tensor => loss(a.expandDims(0), b.expandDims(0));
    return [vmap(single)(output, y), output];
  });
  const kept: WorstExample[] = [];
  let seen = 0;
  let areLabels = false;
  // the end of what is looked at, as a stream has no other
  const enough = Symbol("enough");
  try {
    await eachExamined(
      await examinedOf(data, "runFolder", "data"),
      model,
      batchSize,
      "runFolder",
      async (x, y, n) => {
        if (seen >= most) throw enough;
        const [losses, output] = measure(model, x, y);
        areLabels = y.dtype === "int32" && y.rank === 1;
        const values = await losses.data();
        const order = Array.from(values, (_, i) => i)
          .sort((a, b) => worseFirst(values[a], values[b]))
          .slice(0, count)
          .filter((i) => kept.length < count || worseFirst(values[i], kept[kept.length - 1].loss) < 0);
        if (order.length > 0) {
          const [inputs, targets, outputs] = await Promise.all([x.data(), y.data(), output.data()]);
          const row = (from: ArrayLike<number>, i: number): Float64Array => {
            const width = from.length / n;
            return Float64Array.from({ length: width }, (_, k) => from[i * width + k]);
          };
          for (const i of order)
            kept.push({
              index: seen + i,
              loss: values[i],
              input: row(inputs, i),
              target: row(targets, i),
              output: row(outputs, i),
            });
          kept.sort((a, b) => worseFirst(a.loss, b.loss) || a.index - b.index);
          kept.length = Math.min(kept.length, count);
        }
        seen += n;
      },
    );
  } catch (error) {
    // a loss of the user's own may be one of whole batches only
    if (error instanceof AdjointError) return undefined;
    if (error !== enough) throw error;
  }
  return { examples: kept, seen, areLabels };
}

/** An order of losses, in which NaN is worse than any number. */
function worseFirst(a: number, b: number): number {
  const [first, second] = [a, b].map((loss) => (Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss));
  return first === second ? 0 : second - first;
}
