/**
 * `adjoint/explain`: why a gradient is what it is.
 */
import { explain as explainAt, pathsOf } from "./explain.js";
import { health } from "./health/health.js";

export type * from "./document.js";
export { explanationVersion } from "./document.js";
export type { ExplainOptions } from "./explain.js";
export { Explanation } from "./explanation.js";
export type * from "./health/document.js";
export { healthVersion } from "./health/document.js";
export type { HealthOptions } from "./health/options.js";
export { HealthReport } from "./health/report.js";
export type { Thresholds } from "./health/thresholds.js";
export type { Of } from "./names.js";
export { explanationSchema, type Schema } from "./schema.js";

/**
 * Explains a derivative of a scalar function, with real numbers: `explain(f, args, { of })`. `explain.paths` gives the chain-rule
 * paths alone.
 *
 * @example
 * import { explain } from "adjoint/explain";
 * const { target, paths } = explain((w) => w.mul(w).sin(), [3], { of: "w" }).toJSON();
 * [target.adjoint < 0, paths.count]; // → true,1
 * explain.paths((w) => w.sin().mul(w), [2], { of: "w" }).count; // → 2
 */
export const explain = Object.assign(explainAt, { paths: pathsOf, health });
