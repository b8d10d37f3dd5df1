/** Planting a bug: a primitive's rule replaced for as long as a check runs. */
import type { Node } from "../../src/graph/node.js";
import type { BatchContext, JvpContext, Primitive, VjpContext } from "../../src/graph/primitive.js";
import { type PrimitiveName, registry } from "../../src/primitives/registry.js";
import type { ParamsOf } from "../support/registry-samples-values.js";

type Params<N extends PrimitiveName> = ParamsOf<(typeof registry)[N]>;
type Cotangents = readonly (Node | null)[];

/** The rules that a bug replaces, from the right ones. */
export interface Rules<P> {
  readonly vjp?: (context: VjpContext<P>, right: Cotangents) => Cotangents;
  readonly jvp?: (context: JvpContext<P>, right: Cotangents) => Cotangents;
  readonly batch?: (context: BatchContext<P>) => readonly Node[];
}

export interface PlantedBug {
  readonly name: string;
  readonly primitive: PrimitiveName;
  /** Runs `body` with the bug in place. */
  readonly plant: <R>(body: () => R) => R;
}

/** A bug in the rules of a primitive. `right` is what the right rule gives. */
export function bug<N extends PrimitiveName>(
  name: string,
  primitive: N,
  rules: Rules<Params<N>>,
): PlantedBug {
  // a record has the params of its name, which the union of all records does not tell
  const record = registry[primitive] as unknown as Primitive<Params<N>>;
  return { name, primitive, plant: (body) => withRules(record, rules, body) };
}

function withRules<P, R>(record: Primitive<P>, rules: Rules<P>, body: () => R): R {
  const { vjp, jvp, batch } = record;
  // records are read-only to the library; a planted bug is what that protects from
  const writable = record as { -readonly [K in keyof Primitive<P>]: Primitive<P>[K] };
  const { vjp: wrongVjp, jvp: wrongJvp, batch: wrongBatch } = rules;
  if (wrongVjp !== undefined)
    writable.vjp = (context) =>
      wrongVjp(context, vjp === "none" ? context.primals.map(() => null) : vjp(context));
  if (wrongJvp !== undefined)
    writable.jvp = (context) =>
      wrongJvp(context, jvp === "none" ? context.outputs.map(() => null) : jvp(context));
  if (wrongBatch !== undefined) writable.batch = wrongBatch;
  try {
    return body();
  } finally {
    writable.vjp = vjp;
    writable.jvp = jvp;
    writable.batch = batch;
  }
}

/** One cotangent changed, those of other inputs and symbolic zeros left. */
export function change(bars: Cotangents, at: number, f: (bar: Node) => Node): Cotangents {
  return bars.map((bar, i) => (i === at && bar !== null ? f(bar) : bar));
}

/** The same for the only one there is. */
export function only(bars: Cotangents, f: (bar: Node) => Node): Cotangents {
  return change(bars, 0, f);
}
