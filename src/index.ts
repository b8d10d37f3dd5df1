/** `adjoint`: tensors, derivatives, function transforms. */
import { defaultDevice } from "./backends/devices.js";
import { setDefaultDevice } from "./graph/device.js";

export { device, devices, setDevice } from "./backends/devices.js";
export { setThreads, threads } from "./backends/wasm/threads/settings.js";
export type { DeviceName, ProgramMemory } from "./graph/device.js";
export * from "./tensor/index.js";
export type { ArgNums } from "./transforms/arguments.js";
export type { Carried } from "./transforms/carry.js";
export { type CheckpointOptions, checkpoint } from "./transforms/checkpoint.js";
export { cond } from "./transforms/cond.js";
export { type CustomVjp, customVjp } from "./transforms/custom.js";
export { type GradOptions, grad, valueAndGrad, vjp } from "./transforms/grad.js";
export { assertGradients, type GradCheckOptions, gradCheck } from "./transforms/gradcheck.js";
export { type Culprit, GradCheckReport, type InputReport } from "./transforms/gradcheck-report.js";
export { Graph, type GraphCosts, graphOf } from "./transforms/graphof.js";
export { type HessianOptions, hessian, hvp, type JacobianOptions, jacobian } from "./transforms/jacobian.js";
export { type JitOptions, jit } from "./transforms/jit.js";
export { jvp, linearize } from "./transforms/jvp.js";
export { type ProfileOptions, profile } from "./transforms/profile.js";
export { type KernelProfile, Profile } from "./transforms/profile-report.js";
export { type ScanOptions, scan } from "./transforms/scan.js";
export { type VmapOptions, vmap } from "./transforms/vmap.js";
export { whileLoop } from "./transforms/while-loop.js";
export { AdjointError, type ErrorCode, type ErrorDetails } from "./util/errors.js";

setDefaultDevice(defaultDevice);
