/** `adjoint/optim`: update rules as pure functions on trees of parameters. */
export { type AdagradOptions, type AdagradState, adagrad } from "./adagrad.js";
export { type AdamOptions, type AdamState, adam, adamW } from "./adam.js";
export { chain, clipByGlobalNorm, clipByValue, type GradientTransform } from "./clip.js";
export { type LearningRate, tabulatedSteps } from "./learning-rate.js";
export { type LionOptions, type LionState, lion } from "./lion.js";
export type { Optimizer, OptimizerState } from "./optimizer.js";
export { type RmspropOptions, type RmspropState, rmsprop } from "./rmsprop.js";
export type { Remembered } from "./rule.js";
export * as schedules from "./schedules.js";
export {
  constant,
  cosine,
  exponential,
  linearWarmup,
  type OneCycleOptions,
  oneCycle,
  type Schedule,
  stepDecay,
} from "./schedules.js";
export { type SgdOptions, type SgdState, sgd } from "./sgd.js";
