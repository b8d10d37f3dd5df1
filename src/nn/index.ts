/** `adjoint/nn`: models as immutable trees of layers. */
export { Activation, type ActivationName, activations } from "./activation.js";
export { Flatten } from "./flatten.js";
export type { Init } from "./init.js";
export * as init from "./init.js";
export { Linear, type LinearOptions } from "./linear.js";
export { type ForwardOptions, isModule, type Module } from "./module.js";
export { type Layer, Sequential } from "./sequential.js";
export { loadStateDict, parameters, type StateDict, stateDict } from "./state.js";
export { summary } from "./summary.js";
