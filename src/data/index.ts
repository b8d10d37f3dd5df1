/** `adjoint/data`: data sets in memory and streams of examples, from arrays, tables, images, text, and files of numbers. */
export { type ArraysOptions, arrays } from "./arrays.js";
export * as augment from "./augment.js";
export { type Batch, Batches } from "./batches.js";
export { type CsvOptions, csv } from "./csv.js";
export { type Dataset, dataset } from "./dataset.js";
export {
  type ColumnOptions,
  type FitTableOptions,
  fitTable,
  type MissingRule,
} from "./fit-table.js";
export type { CategoricalColumn, FittedColumn, ScalarColumn } from "./fitted-columns.js";
export { type IdxOptions, type IdxPair, idx, type Split } from "./idx.js";
export { type ImagesOptions, images } from "./images.js";
export { type ColumnKind, type InferredColumn, inferColumns } from "./infer-columns.js";
export { type MnistOptions, mnist } from "./mnist.js";
export { type NpzOptions, npz } from "./npz.js";
export type { DatasetParts, InputArray, TargetArray } from "./parts.js";
export { type ReadTableOptions, readTable } from "./read-table.js";
export type { Filter } from "./resize.js";
export type { ExampleStream, Pass } from "./stream.js";
export { type PrefetchOptions, Stream } from "./stream-base.js";
export * as stream from "./streams.js";
export { type Row, Table, type TableRecord } from "./table.js";
export {
  type FittedAnswer,
  type Layout,
  TableTransform,
  type TableTransformJson,
} from "./table-transform.js";
export { type TextOptions, TextStream, text } from "./text.js";
export { Vocabulary } from "./vocabulary.js";
