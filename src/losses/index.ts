/**
 * `adjoint/losses`: what training makes small. Every loss takes the outputs of a batch and its targets, and gives a scalar
 * mean, so that its size does not depend on the batch's.
 */
export {
  klDivergence,
  negativeLogLikelihood,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
} from "./classification.js";
export { absoluteError, huber, meanSquaredError, quadratic } from "./regression.js";
export type { Loss } from "./targets.js";
