/**
 * `data.stream`: examples that need not fit into memory. A pass reads what it needs when it needs it; two passes with the same key and
 * batch size give the same batches, whoever reads them.
 */
export { type CsvStreamOptions, csvStream as csv } from "./csv-stream.js";
export { type Example, type GenerateOptions, generate, of } from "./generated-stream.js";
export { imageStream as images } from "./images.js";
export {
  type FilePair,
  idxStream as idx,
  npyStream as npy,
  type RecordStreamOptions,
} from "./record-stream.js";
