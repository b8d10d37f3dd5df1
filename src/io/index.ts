/** `adjoint/io`: tensors in files. */
export { listDirectory, type NamedBytes, readBytes, writeAtomically } from "./files.js";
export { decodeIdx, type IdxArray, type IdxElement, type IdxFile, loadIdx } from "./idx.js";
export { decodeNpy, encodeNpy, loadNpy, saveNpy } from "./npy.js";
export {
  decodeSafetensors,
  encodeSafetensors,
  LoadedTensors,
  loadSafetensors,
  type Metadata,
  type NamedTensors,
  saveSafetensors,
} from "./safetensors.js";
