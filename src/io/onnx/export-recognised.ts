/** Operations that together are one operator of the format: a bias with its product, normalisations, softmax, relu. */

import { type Emission, type Emitter, integersOf } from "./emission.js";
import { normalisation } from "./export-normalisation.js";
import { pointwiseEmitters } from "./export-pointwise.js";
import type { Held } from "./specs.js";
import type { TracedOperation } from "./trace.js";

/** A sum; a normalisation; or a product with a bias, where nothing else reads the product. */
const add: Emitter = (emission) => {
  const { builder, inputs, operation } = emission;
  const [a, b] = inputs;
  const [first, second] = operation.inputs;
  return (
    normalisation(emission) ??
    (isReadOnce(emission, first) ? builder.withBias(a, b) : undefined) ??
    (isReadOnce(emission, second) ? builder.withBias(b, a) : undefined) ??
    pointwiseEmitters.add(emission)
  );
};

/** Whether nobody else reads a value, or what it is another order of. */
function isReadOnce(emission: Emission, id: number): boolean {
  if (emission.uses(id) !== 1) return false;
  const maker = emission.maker(id);
  const isMove = maker?.primitive === "permute" || maker?.primitive === "reshape";
  return !isMove || isReadOnce(emission, maker.inputs[0]);
}

/** The operation that made a value, if it is of this kind. */
function madeBy(emission: Emission, id: number, primitive: string): TracedOperation | undefined {
  const maker = emission.maker(id);
  return maker?.primitive === primitive ? maker : undefined;
}

/** The axis along which a value repeats another, and that other. */
function repeated(emission: Emission, id: number): { axis: number; of: number } | undefined {
  const broadcast = madeBy(emission, id, "broadcast");
  if (broadcast === undefined) return undefined;
  const axes = integersOf(broadcast, "axes");
  return axes.length === 1 ? { axis: axes[0], of: broadcast.inputs[0] } : undefined;
}

/** The exponentials that a value is the sum of, along an axis. */
function sumOfExponentials(emission: Emission, id: number, axis: number): TracedOperation | undefined {
  const sum = madeBy(emission, id, "sum");
  if (sum === undefined || String(integersOf(sum, "axes")) !== String(axis)) return undefined;
  return madeBy(emission, sum.inputs[0], "exp");
}

/** x − m with an m that is the same along the axis, which neither function depends on. */
function shifted(emission: Emission, id: number, axis: number): Held | undefined {
  const sub = madeBy(emission, id, "sub");
  if (sub === undefined || repeated(emission, sub.inputs[1])?.axis !== axis) return undefined;
  return emission.builder.full(emission.held(sub.inputs[0]));
}

function along(emission: Emission, operator: string, x: Held, axis: number): Held {
  return emission.builder.held(emission.builder.emit(operator, [x.name], { axis }), x.dtype, x.shape);
}

// exp(x − m) / Σ exp(x − m)
const div: Emitter = (emission) => {
  const [above, below] = emission.operation.inputs;
  const total = repeated(emission, below);
  const exp = total === undefined ? undefined : sumOfExponentials(emission, total.of, total.axis);
  if (total === undefined || exp === undefined || exp.outputs[0].id !== above)
    return pointwiseEmitters.div(emission);
  const x = shifted(emission, exp.inputs[0], total.axis);
  return x === undefined ? pointwiseEmitters.div(emission) : along(emission, "Softmax", x, total.axis);
};

// (x − m) − log Σ exp(x − m)
const sub: Emitter = (emission) => {
  const [left, right] = emission.operation.inputs;
  const total = repeated(emission, right);
  const log = total === undefined ? undefined : madeBy(emission, total.of, "log");
  const exp =
    total === undefined || log === undefined
      ? undefined
      : sumOfExponentials(emission, log.inputs[0], total.axis);
  if (total === undefined || exp === undefined || exp.inputs[0] !== left)
    return pointwiseEmitters.sub(emission);
  const x = shifted(emission, left, total.axis);
  return x === undefined ? pointwiseEmitters.sub(emission) : along(emission, "LogSoftmax", x, total.axis);
};

// 0 where x ≤ 0, x elsewhere
const select: Emitter = (emission) => {
  const { builder, inputs, operation, output } = emission;
  const [condition, , other] = operation.inputs;
  const le = madeBy(emission, condition, "le");
  const isRelu =
    le !== undefined &&
    le.inputs[0] === other &&
    emission.held(le.inputs[1]).uniform === 0 &&
    inputs[1].uniform === 0 &&
    (output.dtype === "float32" || output.dtype === "float64");
  return isRelu ? builder.elementwise("Relu", [inputs[2]]) : pointwiseEmitters.select(emission);
};

export const recognisedEmitters = { add, sub, div, select } satisfies Readonly<Record<string, Emitter>>;
