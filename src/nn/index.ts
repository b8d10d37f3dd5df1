/** `adjoint/nn`: models as immutable trees of layers. */
export { Activation, type ActivationName, activations } from "./activation.js";
export type { WeightOptions } from "./arguments.js";
export { type AttentionOptions, MultiHeadAttention } from "./attention.js";
export { BatchNorm, type BatchNormOptions } from "./batch-norm.js";
export { Conv1d, Conv2d, type ConvLayerOptions } from "./conv.js";
export { ConvTranspose2d, type ConvTransposeLayerOptions } from "./conv-transpose.js";
export { Dropout } from "./dropout.js";
export { Embedding, type EmbeddingOptions } from "./embedding.js";
export { Flatten } from "./flatten.js";
export { GRU, type GruState } from "./gru.js";
export type { Init } from "./init.js";
export * as init from "./init.js";
export { Linear, type LinearOptions } from "./linear.js";
export { LSTM, type LstmState } from "./lstm.js";
export { type ForwardOptions, isModule, type Module } from "./module.js";
export { GroupNorm, LayerNorm, type NormOptions, RMSNorm, type RmsNormOptions } from "./normalisation.js";
export { AvgPool2d, MaxPool2d, type PoolLayerOptions } from "./pool.js";
export type { RecurrentLayer, RecurrentOptions } from "./recurrent.js";
export { Residual } from "./residual.js";
export {
  RunningStatistics,
  type Statistics,
  type StatisticsSink,
  trainForward,
  withStatistics,
} from "./running-statistics.js";
export { type Layer, Sequential } from "./sequential.js";
export { type InputRows, Standardize, type StandardizeOptions } from "./standardize.js";
export { loadStateDict, parameters, type StateDict, stateDict } from "./state.js";
export { summary } from "./summary.js";
export { TransformerBlock, type TransformerBlockOptions } from "./transformer.js";
