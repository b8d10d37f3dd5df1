/** `adjoint/io`: tensors in files. */
export { writeAtomically } from "./files.js";
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
