/** `adjoint/data`: data sets in memory, from arrays, IDX files, MNIST and CSV. */
export { type ArraysOptions, arrays } from "./arrays.js";
export { type Batch, Batches } from "./batches.js";
export { type CsvOptions, csv } from "./csv.js";
export { type Dataset, type DatasetParts, dataset, type InputArray, type TargetArray } from "./dataset.js";
export { type IdxOptions, type IdxPair, idx, type Split } from "./idx.js";
export { type MnistOptions, mnist } from "./mnist.js";
