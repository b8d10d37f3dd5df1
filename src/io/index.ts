/** `adjoint/io`: tensors in files. */
export { listDirectory, type NamedBytes, readBytes, writeAtomically } from "./files.js";
export { decodeIdx, type IdxArray, type IdxElement, type IdxFile, loadIdx } from "./idx.js";
export { decodeNpy, encodeNpy, loadNpy, saveNpy } from "./npy.js";
export { encodeNpz, type LoadNpzOptions, loadNpz, type SaveNpzOptions, saveNpz } from "./npz.js";
export { type Exportable, type ExportOnnxOptions, encodeOnnx, exportOnnx } from "./onnx/export.js";
export { importOnnx, OnnxModel } from "./onnx/import.js";
export type { OnnxPort } from "./onnx/import-graph.js";
export {
  decodeSafetensors,
  encodeSafetensors,
  LoadedTensors,
  loadSafetensors,
  type Metadata,
  type NamedTensors,
  saveSafetensors,
} from "./safetensors.js";
