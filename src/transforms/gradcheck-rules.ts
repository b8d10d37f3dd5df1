/** The rules of one operation, at the values it met, against finite differences of its own evaluation. */

import { constantNode, type Node, type Operation, readValue } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { isFloating, type TypedArray } from "../types/dtype.js";
import { sameShape, sizeOf } from "../types/shape.js";
import { AdjointError, formatShape } from "../util/errors.js";
import { compareElements, type Draw, inner, type Sampling } from "./gradcheck-elements.js";
import { type Precision, symmetricError } from "./gradcheck-numeric.js";
import type { Culprit, InputReport } from "./gradcheck-report.js";

/** One application of a primitive at values: what the local check looks at. */
export type Application = Pick<Operation, "primitive" | "params" | "inputs" | "outputs">;

export interface CheckSettings {
  readonly precision: Precision;
  readonly sampling: Sampling;
  readonly draw: Draw;
}

/** How far forward and reverse mode of one operation may be apart: sums of up to thousands of terms, rounded both ways. */
const MODES_TOLERANCE = 1e-10;
const MODES_UNITS = 64;

/** Rounding of an operation: that of its narrowest float type. */
export function epsilonOf(types: readonly { readonly dtype: string }[], wide: number): number {
  return types.some(({ dtype }) => dtype === "float32") ? Math.max(wide, 2 ** -23) : wide;
}

/**
 * What is wrong with the rules of one operation at its inputs' values; nothing where they hold or cannot be judged.
 * "none" is read as a derivative of zero.
 */
export function checkRules(operation: Application, settings: CheckSettings): Culprit[] {
  const { primitive, params, inputs, outputs } = operation;
  const variables = inputs.flatMap((input, i) => (isFloating(input.dtype) ? [i] : []));
  if (variables.length === 0 || !outputs.some((output) => isFloating(output.dtype))) return [];
  const { draw, sampling } = settings;
  const epsilon = epsilonOf([...inputs, ...outputs], settings.precision.epsilon);
  const precision = { ...settings.precision, epsilon };
  const arrays = inputs.map((input) => readValue(input));
  const weights = outputs.map((output) =>
    isFloating(output.dtype) ? draw(sizeOf(output.shape)) : new Float64Array(sizeOf(output.shape)),
  );
  const cotangents = outputs.map((output, k) =>
    isFloating(output.dtype) ? constantLike(output, weights[k]) : null,
  );
  const dots = inputs.map((input) =>
    isFloating(input.dtype) ? constantLike(input, draw(sizeOf(input.shape))) : null,
  );
  const context = { params, inputTypes: inputs, outputTypes: outputs };
  const culprits: Culprit[] = [];
  const blame = (rule: Culprit["rule"], input: number | null, report: Omit<InputReport, "path">): void => {
    if (report.verdict !== "wrong" || report.worst === null) return;
    const inputTypes = typesOf(inputs);
    culprits.push({
      primitive: nameOf(operation),
      rule,
      input,
      inputTypes,
      worst: report.worst,
      note: noteOf(primitive),
    });
  };

  const bars = cotangentsOf(operation, cotangents, variables);
  for (const i of variables) {
    const x = Float64Array.from(arrays[i]);
    const evaluate = (moved: Float64Array): readonly TypedArray[] =>
      primitive.evaluate(
        arrays.map((array, k) => (k === i ? castLike(array, moved) : array)),
        context,
      );
    blame(
      "vjp",
      i,
      compareElements(
        evaluate,
        x,
        inputs[i].shape,
        weights,
        bars[i] ?? new Float64Array(x.length),
        precision,
        sampling,
        draw,
      ),
    );
  }

  // tangents one by one, then all together: a rule may go wrong only where it adds them up
  const together = variables.length > 1 ? [...variables.map((i) => [i]), variables] : [variables];
  for (const moving of together) {
    const tangents = dots.map((dot, i) => (moving.includes(i) ? dot : null));
    const claimed = tangentsOf(operation, tangents).reduce(
      (sum, dot, k) => sum + (dot === null ? 0 : inner(weights[k], dot)),
      0,
    );
    const evaluate = ([t]: Float64Array): readonly TypedArray[] =>
      primitive.evaluate(
        arrays.map((array, k) => {
          const dot = tangents[k];
          if (dot === null) return array;
          const direction = readValue(dot);
          return castLike(
            array,
            Float64Array.from(array, (value, j) => value + t * direction[j]),
          );
        }),
        context,
      );
    if (moving.every((i) => arrays[i].length === 0)) continue;
    if (moving.length > 1 && culprits.some(({ rule }) => rule === "jvp")) continue;
    const along = compareElements(
      evaluate,
      Float64Array.of(0),
      [],
      weights,
      [claimed],
      precision,
      sampling,
      draw,
    );
    const worst = along.worst === null ? null : { ...along.worst, index: null };
    blame("jvp", moving.length === 1 ? moving[0] : null, { ...along, worst });
  }
  // at a kink finite differences are silent, but the two rules must still be each other's transposes
  const modes = forwardAgainstReverse(operation, draw);
  if (culprits.length === 0 && modes.error > Math.max(MODES_TOLERANCE, MODES_UNITS * epsilon)) {
    const { forward, reverse, error } = modes;
    const worst = { analytic: reverse, numeric: forward, error, verdict: "wrong", index: null } as const;
    const note = "(its vjp, beside what its jvp gives: one is not the transpose of the other)";
    culprits.push({
      primitive: nameOf(operation),
      rule: "vjp",
      input: null,
      inputTypes: typesOf(inputs),
      worst,
      note,
    });
  }
  return culprits;
}

function typesOf(inputs: readonly Node[]): string[] {
  return inputs.map(({ dtype, shape }) => `${dtype}${formatShape(shape)}`);
}

/** The vjp rule's cotangents as arrays; wrong shapes become NaN, which agrees with nothing. */
function cotangentsOf(
  { primitive, params, inputs, outputs }: Application,
  cotangents: readonly (Node | null)[],
  variables: readonly number[],
): (ArrayLike<number> | null)[] {
  if (primitive.vjp === "none") return inputs.map(() => null);
  const needs = inputs.map((_, i) => variables.includes(i));
  return arraysOf(
    () =>
      primitive.vjp === "none" ? [] : primitive.vjp({ params, primals: inputs, outputs, cotangents, needs }),
    inputs,
  );
}

function tangentsOf(
  { primitive, params, inputs, outputs }: Application,
  tangents: readonly (Node | null)[],
): (ArrayLike<number> | null)[] {
  if (primitive.jvp === "none") return outputs.map(() => null);
  return arraysOf(
    () => (primitive.jvp === "none" ? [] : primitive.jvp({ params, primals: inputs, outputs, tangents })),
    outputs,
  );
}

/** What a rule gives, as arrays; where it fails or gives a wrong shape, NaN. */
function arraysOf(rule: () => readonly (Node | null)[], like: readonly Node[]): (ArrayLike<number> | null)[] {
  const failed = (node: Node): Float64Array => new Float64Array(sizeOf(node.shape)).fill(Number.NaN);
  let given: readonly (Node | null)[];
  try {
    given = rule();
  } catch (error) {
    // a rule that cannot be evaluated is at fault as much as one that is wrong
    if (error instanceof AdjointError) return like.map(failed);
    throw error;
  }
  return like.map((node, i) => {
    const value = given[i] ?? null;
    if (value === null) return null;
    return sameShape(value.shape, node.shape) ? readValue(value) : failed(node);
  });
}

/** Does forward mode agree with reverse mode for this operation? Both sums, for random tangents and cotangents. */
export function forwardAgainstReverse(
  operation: Application,
  draw: Draw,
): { forward: number; reverse: number; error: number } {
  const { inputs, outputs } = operation;
  const variables = inputs.flatMap((input, i) => (isFloating(input.dtype) ? [i] : []));
  const random = (node: Node): Node | null =>
    isFloating(node.dtype) ? constantLike(node, draw(sizeOf(node.shape))) : null;
  const dots = inputs.map(random);
  const bars = outputs.map(random);
  const xBars = cotangentsOf(operation, bars, variables);
  const yDots = tangentsOf(operation, dots);
  const pair = (a: readonly (ArrayLike<number> | null)[], b: readonly (Node | null)[]) =>
    a.reduce<{ sum: number; size: number }>(
      ({ sum, size }, array, i) => {
        const other = b[i];
        if (array === null || other === null) return { sum, size };
        const values = readValue(other);
        const magnitudes = Array.from(array, (value, k) => Math.abs(value * values[k]));
        return { sum: sum + inner(array, values), size: size + magnitudes.reduce((s, v) => s + v, 0) };
      },
      { sum: 0, size: 0 },
    );
  const forward = pair(yDots, bars);
  const reverse = pair(xBars, dots);
  // relative to the terms: cancellation in the sums is not the rules' fault; nor is it that neither sum exists
  const exists = Number.isFinite(forward.sum) || Number.isFinite(reverse.sum);
  const error = !exists ? 0 : symmetricError(forward.sum, reverse.sum, Math.max(forward.size, reverse.size));
  return { forward: forward.sum, reverse: reverse.sum, error };
}

function constantLike(node: Node, values: Float64Array): Node {
  return constantNode(node.shape, node.dtype, castLike(readValue(node), values));
}

/** Numbers in the element type of `like`. */
function castLike(like: TypedArray, values: Float64Array): TypedArray {
  return like instanceof Float64Array ? values : Float32Array.from(values);
}

/** `customVjp swish`: calls of users' functions carry their name in their params. */
function nameOf({ primitive, params }: Application): string {
  const name = typeof params === "object" && params !== null && "name" in params ? params.name : undefined;
  return typeof name === "string" && name !== "" ? `${primitive.name} ${name}` : primitive.name;
}

/** Rules that may well be meant as they are. */
function noteOf({ name }: Primitive): string {
  if (name === "stopGradient")
    return "(by intention: its derivative is zero, which finite differences cannot know)";
  if (name === "customVjp")
    return "(a rule of your own: right as it is if it is not meant as the derivative)";
  return "";
}
