/** `adjoint`: tensors, derivatives, function transforms. */
import { referenceDevice } from "./backends/reference/device.js";
import { setCurrentDevice } from "./graph/device.js";

export * from "./tensor/index.js";
export { type ArgNums, grad, type GradOptions, valueAndGrad, vjp } from "./transforms/grad.js";
export { hessian, type HessianOptions, hvp, jacobian, type JacobianOptions } from "./transforms/jacobian.js";
export { jit, type JitOptions } from "./transforms/jit.js";
export { jvp, linearize } from "./transforms/jvp.js";
export { vmap, type VmapOptions } from "./transforms/vmap.js";
export { AdjointError, type ErrorCode, type ErrorDetails } from "./util/errors.js";

setCurrentDevice(referenceDevice);
