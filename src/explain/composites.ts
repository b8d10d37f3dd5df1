/**
 * Functions of the library that are made of several primitives and have one name: softmax, softplus, relu. Found by the calls
 * that led to each operation, so that what a reader knows as one step is one step.
 */
import type { Node } from "../transforms/tape.js";
import type { TapeIndex } from "./tape-index.js";

const known = new Set([
  "relu",
  "leakyRelu",
  "elu",
  "gelu",
  "silu",
  "softplus",
  "softmax",
  "logSoftmax",
  "logSumExp",
]);

/** One call of such a function. */
export interface Composite {
  readonly name: string;
  readonly operations: ReadonlySet<number>;
  /** What the rest of the graph reads of it. */
  readonly output: Node;
}

/** Functions told by their primitives alone. */
const patterns: readonly { readonly name: string; readonly primitives: readonly string[] }[] = [
  { name: "relu", primitives: ["le", "select"] },
  { name: "softplus", primitives: ["max", "abs", "neg", "exp", "log1p", "add"] },
];

/** The composites of a graph, by each of their operations. */
export function findComposites(index: TapeIndex): ReadonlyMap<number, Composite> {
  const found = new Map<number, Composite>();
  const { operations } = index.tape;
  const names = operations.map(({ primitive }) => primitive.name);
  let start = 0;
  while (start < operations.length) {
    const pattern = patterns.find(({ primitives }) =>
      primitives.every((primitive, i) => names[start + i] === primitive),
    );
    if (pattern !== undefined) {
      const end = start + pattern.primitives.length;
      addComposite(index, found, pattern.name, start, end);
      start = end;
      continue;
    }
    const call = callOf(index, start);
    let end = start + 1;
    while (end < operations.length && call !== null && callOf(index, end)?.key === call.key) end++;
    if (call !== null) {
      // the same line of a loop calls it again and again: each repetition is a call of its own
      const length = period(names.slice(start, end));
      for (let first = start; first < end; first += length)
        addComposite(index, found, call.name, first, first + length);
    }
    start = end;
  }
  return found;
}

/** The known function an operation is part of, and where it was called. */
function callOf(index: TapeIndex, id: number): { readonly name: string; readonly key: string } | null {
  const site = index.tape.sites.get(index.operation(id));
  const name = site?.calls.at(-1);
  if (site === undefined || name === undefined || !known.has(name)) return null;
  const { place, calls } = site;
  return { name, key: `${calls.join(" ")} ${place?.file}:${place?.line}:${place?.column}` };
}

function addComposite(
  index: TapeIndex,
  found: Map<number, Composite>,
  name: string,
  first: number,
  end: number,
): void {
  const members = new Set(Array.from({ length: end - first }, (_, i) => first + i));
  const outputs = [...members].flatMap((id) =>
    index
      .operation(id)
      .outputs.filter(
        (node) => node === index.tape.output || index.readersOf(node).some((reader) => !members.has(reader)),
      ),
  );
  // more than one way out: not the function it is called
  if (outputs.length !== 1) return;
  const composite = { name, operations: members, output: outputs[0] };
  for (const id of members) found.set(id, composite);
}

/** The shortest beginning that the whole list repeats. */
function period(names: readonly string[]): number {
  for (let length = 1; length < names.length; length++)
    if (names.length % length === 0 && names.every((name, i) => i < length || name === names[i - length]))
      return length;
  return names.length;
}
