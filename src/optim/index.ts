/** `adjoint/optim`: update rules as pure functions on trees of parameters. */
export { type LearningRate, tabulatedSteps } from "./learning-rate.js";
export type { Optimizer, OptimizerState } from "./optimizer.js";
export { type SgdOptions, type SgdState, sgd } from "./sgd.js";
