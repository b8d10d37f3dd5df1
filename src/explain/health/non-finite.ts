/** The first number that is not finite: where it came from, forward or backward, and what was there before it. */
import { locateNonFinite, nameOnTape } from "../../transforms/non-finite.js";
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
  const found = locateNonFinite(index.tape, index.adjoints);
  if (found === null) return null;
  const { made, at } = found;
  if (found.phase === "argument")
    return {
      phase: "parameter",
      summary: `The parameter ${found.path} contains ${show(real(made[at]))} already.`,
      evidence: [{ what: `element ${at} of ${found.path}`, value: real(made[at]) }],
      place: null,
    };
  const { phase, operation } = found;
  const { name } = operation.primitive;
  const what = phase === "forward" ? "made" : "gave back, as the derivative towards what it read,";
  const place = index.tape.sites.get(operation)?.place ?? null;
  const where = place === null ? "" : `, at ${place.file}:${place.line}`;
  const beside = operation.inputs.map((node, k): Evidence => {
    const values = index.valuesOf(node);
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
    summary: `${nameOnTape(index.tape, operation)} ${what} the first number that is not finite: ${show(real(made[at]))}, going ${phase}${where}.`,
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
