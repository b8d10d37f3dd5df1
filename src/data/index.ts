/** `adjoint/data`: data sets in memory, from arrays, IDX files, MNIST and CSV. */
export { type ArraysOptions, arrays } from "./arrays.js";
export { type Batch, Batches } from "./batches.js";
export { type CsvOptions, csv } from "./csv.js";
export { type Dataset, dataset } from "./dataset.js";
export { type IdxOptions, type IdxPair, idx, type Split } from "./idx.js";
export { type MnistOptions, mnist } from "./mnist.js";
export type { DatasetParts, InputArray, TargetArray } from "./parts.js";
