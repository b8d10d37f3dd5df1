/** The gradient as the function is written, with its checkpoints: what is in memory after each operation of its graph. */
import type { Graph } from "../../index.js";
import type { StrategyCost } from "./document.js";
import { sameMemory } from "./timeline.js";

type Listing = ReturnType<Graph["toJSON"]>;
type Listed = Pick<Listing, "inputs" | "constants" | "operations" | "outputs">;

const bytesOf = { float32: 4, float64: 8, int32: 4, bool: 1 } as const;

/**
 * @param gradient the graph of the value and the gradient
 * @param plain what they take without checkpoints
 */
export function asWritten(gradient: Graph, plain: number): StrategyCost {
  const listing = gradient.toJSON();
  const { timeline, turn } = aliveIn(listing, listing);
  const { flops } = gradient.cost();
  return {
    strategy: "written",
    flops,
    repeatedFlops: Math.max(0, flops - plain),
    peakBytes: timeline.reduce((most, bytes) => Math.max(most, bytes), 0),
    timeline,
    turn,
  };
}

/** Bytes alive after each operation; inside a checkpoint, the most that its own values take is added. */
function aliveIn(
  { inputs, constants, operations, outputs }: Listed,
  listing: Listing,
): { timeline: number[]; turn: number } {
  const given = new Set([...inputs, ...constants].map(({ id }) => id));
  // what is the same memory has one number
  const roots = new Map<number, number>();
  const rootOf = (id: number): number => roots.get(id) ?? id;
  for (const operation of operations)
    if (sameMemory.has(operation.primitive)) roots.set(operation.outputs[0].id, rootOf(operation.inputs[0]));
  const last = new Map<number, number>();
  operations.forEach((operation, at) => {
    for (const id of operation.inputs) last.set(rootOf(id), at);
  });
  for (const id of outputs) last.set(rootOf(id), operations.length);
  const change = new Array<number>(operations.length + 2).fill(0);
  // what a checkpoint has in memory while it runs, its outputs among it
  const inner = operations.map((operation, at) => {
    let own = 0;
    for (const { id, shape, dtype } of operation.outputs) {
      const bytes = shape.reduce((product, extent) => product * extent, bytesOf[dtype]);
      if (given.has(id) || roots.has(id)) continue;
      own += bytes;
      change[at] += bytes;
      change[(last.get(id) ?? at) + 1] -= bytes;
    }
    const { params } = operation;
    const called = typeof params === "object" && params !== null && "graph" in params ? params.graph : null;
    if (typeof called !== "object" || called === null || !("function" in called)) return 0;
    const { timeline } = aliveIn(listing.functions[Number(called.function)], listing);
    return timeline.reduce((most, bytes) => Math.max(most, bytes - own), 0);
  });
  let alive = 0;
  const turn = operations.findIndex(({ primitive }) => primitive === "barrier");
  return {
    timeline: inner.map((inside, at) => {
      alive += change[at];
      return alive + inside;
    }),
    turn: turn < 0 ? operations.length : turn,
  };
}
