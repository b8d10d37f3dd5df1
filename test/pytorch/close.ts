/** How far float64 results are from the vectors, in units of the largest number among those they belong to. */
import type { Tensor } from "../../src/index.js";
import { decode, type Encoded } from "./fixtures.js";

/** What the vectors of layers and optimizers hold: row-major elements. */
export interface Expected {
  readonly shape: readonly number[];
  readonly data: readonly Encoded[];
}

/** The largest difference over the largest magnitude (at least 1); infinite where shapes differ or a NaN is not expected. */
export function distance(actual: Tensor, { shape, data }: Expected): number {
  if (actual.shape.join() !== shape.join()) return Number.POSITIVE_INFINITY;
  const found = actual.dataSync();
  let [largest, magnitude] = [0, 1];
  data.forEach((encoded, i) => {
    const expected = decode(encoded);
    const difference = Math.abs(Number(found[i]) - expected);
    largest = Math.max(largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    magnitude = Math.max(magnitude, Math.abs(expected));
  });
  return largest / magnitude;
}
