/**
 * `adjoint/explain`: why a gradient is what it is.
 */
import { costOf } from "./cost/cost.js";
import { explain as explainAt, pathsOf } from "./explain.js";
import { during } from "./health/during.js";
import { health } from "./health/health.js";

export type { CostOptions } from "./cost/cost.js";
export type * from "./cost/document.js";
export { CostReport } from "./cost/report.js";
export type * from "./document.js";
export { explanationVersion } from "./document.js";
export type { ExplainOptions } from "./explain.js";
export { Explanation } from "./explanation.js";
export type * from "./health/document.js";
export { healthVersion } from "./health/document.js";
export type { DuringOptions, HealthWatch } from "./health/during.js";
export type { HealthOptions } from "./health/options.js";
export { HealthReport } from "./health/report.js";
export { healthSchema } from "./health/schema.js";
export type { Thresholds } from "./health/thresholds.js";
export type { Of } from "./names.js";
export type { LatexOptions } from "./render/latex.js";
export { explanationSchema } from "./schema.js";
export type { Schema } from "./schema-parts.js";
export type { TextPart } from "./text.js";

/**
 * Explains a derivative of a scalar function, with real numbers: `explain(f, args, { of })`. `explain.paths` gives the chain-rule
 * paths alone, `explain.cost` what the gradient takes, `explain.health` what keeps a network from
 * learning (`explain.health.during` while `fit` trains it).
 *
 * @example
 * import { explain } from "adjoint/explain";
 * const { target, paths } = explain((w) => w.mul(w).sin(), [3], { of: "w" }).toJSON();
 * [target.adjoint < 0, paths.count]; // → true,1
 * explain.paths((w) => w.sin().mul(w), [2], { of: "w" }).count; // → 2
 */
export const explain = Object.assign(explainAt, {
  paths: pathsOf,
  cost: costOf,
  health: Object.assign(health, { during }),
});
