/** Inputs as (x − mean) / deviation, as networks like them. */
import { type Dataset, dataset } from "../data/index.js";
import type { Scaling } from "./config.js";

/** The mean and the standard deviation of every column; a constant column keeps its size. */
export function scalingOf({ inputs, size, inputShape: [width] }: Dataset): Scaling {
  const mean = Array.from({ length: width }, () => 0);
  const deviation = Array.from({ length: width }, () => 0);
  inputs.forEach((value, i) => {
    mean[i % width] += value / size;
  });
  inputs.forEach((value, i) => {
    deviation[i % width] += (value - mean[i % width]) ** 2 / size;
  });
  return { mean, deviation: deviation.map((variance) => (variance > 0 ? Math.sqrt(variance) : 1)) };
}

/** (x − mean) / deviation, column by column. */
export function scaled(data: Dataset, scaling: Scaling | undefined): Dataset {
  if (scaling === undefined) return data;
  const { mean, deviation } = scaling;
  const inputs = data.inputs.map((value, i) => (value - mean[i % mean.length]) / deviation[i % mean.length]);
  return dataset({ ...data, inputs });
}
