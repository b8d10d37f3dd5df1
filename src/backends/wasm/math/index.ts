/** The transcendental functions, lane by lane, for every width: see algebra.ts for what they are made of. */
export type { LaneAlgebra } from "./algebra.js";
export { erf } from "./erf.js";
export { exp, expm1, sigmoid } from "./exponential.js";
export { cosh, sinh, tanh } from "./hyperbolic.js";
export { acos, asin, atan, atan2 } from "./inverse-trigonometric.js";
export { log, log1p } from "./logarithm.js";
export { pow } from "./power.js";
export { cos, sin, tan } from "./trigonometric.js";
