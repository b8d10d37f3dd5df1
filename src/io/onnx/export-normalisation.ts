/**
 * Normalisations as one operator each: (x − m) · (1 / √(v + ε)) · w + b, with the statistics of a BatchNorm in inference or those of
 * x itself along its last axes.
 */

import { type Emission, integersOf } from "./emission.js";
import type { Held } from "./specs.js";
import type { TracedOperation } from "./trace.js";

/** A sum that is one of the normalisations: its value, or nothing. */
export function normalisation(emission: Emission): Held | undefined {
  const { operation, output } = emission;
  // ε is an attribute, and those are float32
  if (output.dtype !== "float32") return undefined;
  const parts = partsOf(emission, operation);
  return parts === undefined ? undefined : (batchNorm(emission, parts) ?? layerNorm(emission, parts));
}

/** centred · inverse · weight + bias */
interface Parts {
  readonly centred: TracedOperation;
  readonly inverse: number;
  readonly weight: number;
  readonly bias: number;
}

function partsOf(emission: Emission, operation: TracedOperation): Parts | undefined {
  const [scaled, bias] = operation.inputs;
  const outer = madeBy(emission, scaled, "mul");
  const inner = outer && madeBy(emission, outer.inputs[0], "mul");
  const centred = inner && madeBy(emission, inner.inputs[0], "sub");
  if (outer === undefined || inner === undefined || centred === undefined) return undefined;
  return { centred, inverse: inner.inputs[1], weight: outer.inputs[1], bias };
}

function madeBy(emission: Emission, id: number, primitive: string): TracedOperation | undefined {
  const maker = emission.maker(id);
  return maker?.primitive === primitive ? maker : undefined;
}

/** What a value is another shape of. */
function source(emission: Emission, id: number): number {
  const maker = emission.maker(id);
  const isSame = maker?.primitive === "reshape" || maker?.primitive === "stopGradient";
  return isSame ? source(emission, maker.inputs[0]) : id;
}

/** What repeats along exactly these axes. */
function repeatedAlong(emission: Emission, id: number, axes: readonly number[]): number | undefined {
  if (axes.length === 0) return id;
  const broadcast = madeBy(emission, id, "broadcast");
  if (broadcast === undefined || String(integersOf(broadcast, "axes")) !== String(axes)) return undefined;
  return broadcast.inputs[0];
}

function uniform(emission: Emission, id: number): number | undefined {
  return emission.held(id).uniform;
}

/** v and ε of 1 / √(v + ε) */
function variance(emission: Emission, id: number): { of: number; epsilon: number } | undefined {
  const quotient = madeBy(emission, source(emission, id), "div");
  const root = quotient && madeBy(emission, quotient.inputs[1], "sqrt");
  const sum = root && madeBy(emission, root.inputs[0], "add");
  if (quotient === undefined || sum === undefined || uniform(emission, quotient.inputs[0]) !== 1)
    return undefined;
  const epsilon = uniform(emission, sum.inputs[1]);
  return epsilon === undefined ? undefined : { of: source(emission, sum.inputs[0]), epsilon };
}

/** One number a channel, for x [batch, channels, …]. */
function batchNorm(emission: Emission, { centred, inverse, weight, bias }: Parts): Held | undefined {
  const { builder, output } = emission;
  const axes = output.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const scale = repeatedAlong(emission, inverse, axes);
  const spread = scale === undefined ? undefined : variance(emission, scale);
  const vectors = [weight, bias, centred.inputs[1]].map((id) => repeatedAlong(emission, id, axes));
  if (output.shape.length < 2 || spread === undefined) return undefined;
  const names: string[] = [];
  for (const id of [...vectors, spread.of]) {
    if (id === undefined) return undefined;
    const value = emission.held(id);
    if (value.shape.length !== 1) return undefined;
    names.push(builder.full(value).name);
  }
  // as initializers, whoever reads the file knows them for what they are
  for (const name of names.slice(2)) builder.promote(name);
  const x = builder.full(emission.held(centred.inputs[0])).name;
  const attributes = { epsilon: { float: spread.epsilon } };
  return builder.held(
    builder.emit("BatchNormalization", [x, ...names], attributes),
    output.dtype,
    output.shape,
  );
}

/** The operation whose mean a value is along axes that go: a sum times one over the count. */
function meanOf(emission: Emission, id: number, axes: readonly number[]): number | undefined {
  const mean = madeBy(emission, source(emission, id), "mul");
  const sum = mean && madeBy(emission, mean.inputs[0], "sum");
  if (mean === undefined || sum === undefined) return undefined;
  if (String(integersOf(sum, "axes")) !== String(axes)) return undefined;
  const { shape } = emission.held(sum.inputs[0]);
  const count = axes.reduce((product, axis) => product * Number(shape[axis]), 1);
  const scale = uniform(emission, mean.inputs[1]);
  return scale !== undefined && Math.fround(scale) === Math.fround(1 / count) ? sum.inputs[0] : undefined;
}

/** Mean and variance along the last axes, one number of weight and bias for each place there. */
function layerNorm(emission: Emission, { centred, inverse, weight, bias }: Parts): Held | undefined {
  const { builder, output } = emission;
  const broadcast = madeBy(emission, inverse, "broadcast");
  const [first] = broadcast === undefined ? [] : integersOf(broadcast, "axes");
  if (first === undefined) return undefined;
  const last = output.shape.flatMap((_, axis) => (axis < first ? [] : [axis]));
  const before = output.shape.flatMap((_, axis) => (axis < first ? [axis] : []));
  const scale = repeatedAlong(emission, inverse, last);
  const spread = scale === undefined ? undefined : variance(emission, scale);
  const squares = spread === undefined ? undefined : meanOf(emission, spread.of, last);
  const square = squares === undefined ? undefined : madeBy(emission, squares, "mul");
  const mean = repeatedAlong(emission, centred.inputs[1], last);
  const [own] = centred.outputs;
  const isOwn =
    square?.inputs.every((id) => id === own.id) === true &&
    mean !== undefined &&
    meanOf(emission, mean, last) === centred.inputs[0];
  if (spread === undefined || !isOwn) return undefined;
  const vectors = [weight, bias].map((id) => repeatedAlong(emission, id, before));
  const names: string[] = [];
  for (const id of vectors) {
    if (id === undefined || emission.held(id).shape.length !== last.length) return undefined;
    names.push(builder.full(emission.held(id)).name);
  }
  const x = builder.full(emission.held(centred.inputs[0])).name;
  const attributes = { axis: first, epsilon: { float: spread.epsilon } };
  return builder.held(
    builder.emit("LayerNormalization", [x, ...names], attributes),
    output.dtype,
    output.shape,
  );
}
