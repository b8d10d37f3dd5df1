/** `adjoint`: tensors, derivatives, function transforms. */
import { defaultDevice } from "./backends/devices.js";
import { setDefaultDevice } from "./graph/device.js";

export { device, devices, setDevice } from "./backends/devices.js";
export type { DeviceName } from "./graph/device.js";
export * from "./tensor/index.js";
export { checkpoint } from "./transforms/checkpoint.js";
export { customVjp, type CustomVjp } from "./transforms/custom.js";
export { type ArgNums, grad, type GradOptions, valueAndGrad, vjp } from "./transforms/grad.js";
export { assertGradients, gradCheck, type GradCheckOptions } from "./transforms/gradcheck.js";
export { type Culprit, GradCheckReport, type InputReport } from "./transforms/gradcheck-report.js";
export { Graph, type GraphCosts, graphOf } from "./transforms/graphof.js";
export { hessian, type HessianOptions, hvp, jacobian, type JacobianOptions } from "./transforms/jacobian.js";
export { jit, type JitOptions } from "./transforms/jit.js";
export { jvp, linearize } from "./transforms/jvp.js";
export { vmap, type VmapOptions } from "./transforms/vmap.js";
export { AdjointError, type ErrorCode, type ErrorDetails } from "./util/errors.js";

setDefaultDevice(defaultDevice);
