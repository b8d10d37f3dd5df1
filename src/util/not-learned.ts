/**
 * A mark on what is no parameter though it holds floating-point tensors, such as the running statistics of a batch
 * normalisation: optimizers pass it through whole. Registered, so that two copies of the library know each other's.
 */
export const notLearned: unique symbol = Symbol.for("adjoint.notLearned");
