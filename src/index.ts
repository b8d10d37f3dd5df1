export { AdjointError, type ErrorCode, type ErrorDetails } from "./util/errors.js";
export * from "./tensor/index.js";
export { grad, valueAndGrad, vjp, type ArgNums } from "./transforms/grad.js";
export { jvp, linearize } from "./transforms/jvp.js";
export { vmap, type VmapOptions } from "./transforms/vmap.js";
export { hessian, hvp, jacobian } from "./transforms/jacobian.js";
