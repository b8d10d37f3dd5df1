/** Measurements by function, with options; most have a name that `evaluate` and `fit` take too. */
export { type AucOptions, auc } from "./auc.js";
export { type Average, accuracy, type ClassOptions, f1, precision, recall, topK } from "./classes.js";
export { type LikelihoodOptions, logLoss, perplexity } from "./likelihood.js";
export { define } from "./metric.js";
export { meanAbsoluteError, meanSquaredError, r2, rootMeanSquaredError } from "./regression.js";
