/** The first number that is not finite: where it came from, forward or backward, and what was there before it. */
import type { Node, Operation } from "../../transforms/tape.js";
import type { SourcePlace } from "../document.js";
import { real, show } from "../numbers.js";
import type { TapeIndex } from "../tape-index.js";
import type { Evidence } from "./document.js";

/** Where the first NaN or infinity is. */
export interface Broken {
  readonly phase: "data" | "parameter" | "forward" | "backward";
  readonly summary: string;
  readonly evidence: readonly Evidence[];
  readonly place: SourcePlace | null;
}

type Numbers = ArrayLike<number>;

function badOf(values: Numbers): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

function hasNaN(values: Numbers): boolean {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return true;
  return false;
}

/** NaN or an infinity in what the model is given. */
export function brokenData(name: "inputs" | "targets", values: Numbers, rows: number): Broken | null {
  const at = badOf(values);
  if (at < 0) return null;
  const row = Math.floor(at / Math.max(1, values.length / rows));
  let count = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) count++;
  return {
    phase: "data",
    summary: `The ${name} contain ${show(real(values[at]))}, first in row ${row} of those looked at.`,
    evidence: [
      { what: `elements of the ${name} that are not finite`, value: count },
      { what: "of", value: values.length },
    ],
    place: null,
  };
}

/** The first NaN or infinity on a tape whose cost or gradient has one; null where they have none. */
export function brokenTape(index: TapeIndex): Broken | null {
  const { leaves, output } = index.tape;
  const gradients = leaves.map(({ node }) => index.adjointOf(node) ?? []);
  if (badOf(index.valuesOf(output)) < 0 && gradients.every((values) => badOf(values) < 0)) return null;
  return brokenParameter(index) ?? brokenForward(index) ?? brokenBackward(index);
}

function brokenParameter(index: TapeIndex): Broken | null {
  for (const { node, path } of index.tape.leaves) {
    const values = index.valuesOf(node);
    const at = badOf(values);
    if (at < 0) continue;
    return {
      phase: "parameter",
      summary: `The parameter ${path} contains ${show(real(values[at]))} already.`,
      evidence: [{ what: `element ${at} of ${path}`, value: real(values[at]) }],
      place: null,
    };
  }
  return null;
}

/** Infinities may be meant, as in a mask: only where no operation made one of finite numbers is the first NaN looked for. */
function brokenForward(index: TapeIndex): Broken | null {
  const { operations } = index.tape;
  const values = (nodes: readonly Node[]): Numbers[] => nodes.map((node) => index.valuesOf(node));
  const first =
    operations.find(
      ({ inputs, outputs }) =>
        values(outputs).some((list) => badOf(list) >= 0) && values(inputs).every((list) => badOf(list) < 0),
    ) ??
    operations.find(({ inputs, outputs }) => values(outputs).some(hasNaN) && !values(inputs).some(hasNaN));
  if (first === undefined) return null;
  return broken(index, first, "forward", values(first.inputs), index.valuesOf(first.outputs[0]));
}

function brokenBackward(index: TapeIndex): Broken | null {
  const { operations } = index.tape;
  for (let id = operations.length - 1; id >= 0; id--) {
    const operation = operations[id];
    const { primitive, inputs, outputs, params } = operation;
    const cotangents = outputs.map((node) => index.adjoints.of.get(node) ?? null);
    const isGood = outputs.every((node) => badOf(index.adjointOf(node) ?? []) < 0);
    const isHit = inputs.some((node) => badOf(index.adjointOf(node) ?? []) >= 0);
    if (!isGood || !isHit || primitive.vjp === "none" || cotangents.every((bar) => bar === null)) continue;
    // the sum at an input may be another reader's fault: ask this rule alone
    const needs = inputs.map((node) => index.adjoints.of.has(node));
    const given = primitive.vjp({ primals: inputs, outputs, cotangents, params, needs });
    const at = given.findIndex((bar) => bar !== null && badOf(index.valuesOf(bar)) >= 0);
    const bar = given[at];
    if (bar === null || bar === undefined) continue;
    const primals = inputs.map((node) => index.valuesOf(node));
    return broken(index, operation, "backward", primals, index.valuesOf(bar));
  }
  return null;
}

function broken(
  index: TapeIndex,
  operation: Operation,
  phase: "forward" | "backward",
  inputs: readonly Numbers[],
  made: Numbers,
): Broken {
  const site = index.tape.sites.get(operation);
  const at = badOf(made);
  const { name } = operation.primitive;
  const called = site?.calls.at(-1);
  const asked = called === undefined || called === name ? name : `${name} (of ${called})`;
  const what = phase === "forward" ? "made" : "gave back, as the derivative towards what it read,";
  const place = site?.place ?? null;
  const where = place === null ? "" : `, at ${place.file}:${place.line}`;
  const beside = inputs.map((values, k): Evidence => {
    // what stood at the same place, where the shapes are alike; else the largest there was
    const isAlike = values.length === made.length;
    const value = isAlike ? values[at] : extremeOf(values);
    return {
      what: isAlike ? `its input ${k} there` : `its input ${k}, the largest by size`,
      value: real(value),
    };
  });
  return {
    phase,
    summary: `${asked} ${what} the first number that is not finite: ${show(real(made[at]))}, going ${phase}${where}.`,
    evidence: [
      {
        what: `element ${at} of ${name}'s ${phase === "forward" ? "result" : "derivative"}`,
        value: real(made[at]),
      },
      ...beside,
    ],
    place,
  };
}

function extremeOf(values: Numbers): number {
  let found = values.length > 0 ? values[0] : Number.NaN;
  for (let i = 1; i < values.length; i++) if (Math.abs(values[i]) > Math.abs(found)) found = values[i];
  return found;
}
