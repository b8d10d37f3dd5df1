/** What an explanation holds under: subgradients chosen, branches taken, constants, random numbers, precision. */
import type { Operation } from "../transforms/tape.js";
import type { Composite } from "./composites.js";
import type { Assumption } from "./document.js";
import { countWhere } from "./numbers.js";
import type { Symbols } from "./symbols.js";
import type { TapeIndex } from "./tape-index.js";

const comparing = new Set(["lt", "le", "gt", "ge", "eq", "ne"]);
const stabilised = new Set(["softmax", "logSoftmax", "logSumExp", "softplus"]);
const flat = new Set(["sign", "floor", "ceil", "round", "stopGradient"]);

/**
 * @param readsValues whether the function decides by the values of its tensors, and where
 */
export function assumptionsOf(
  index: TapeIndex,
  symbols: Symbols,
  composites: ReadonlyMap<number, Composite>,
  readsValues: string | null,
): Assumption[] {
  const found: Assumption[] = [];
  const add = (
    kind: Assumption["kind"],
    text: string,
    operation: number | null = null,
    count: number | null = null,
  ): void => {
    found.push({ kind, text, operation, count });
  };
  if (readsValues !== null)
    add(
      "controlFlow",
      `f reads values while it runs${readsValues}: the graph is that of the branches it took at these numbers`,
    );
  index.tape.operations.forEach((operation, id) => {
    const { primitive } = operation;
    const call = composites.get(id)?.name ?? index.tape.sites.get(operation)?.calls.at(-1) ?? "where";
    // the constant that keeps exponentials finite changes nothing
    if (stabilised.has(call)) return;
    if (primitive.name === "select") selected(index, symbols, operation, id, call, add);
    else if (flat.has(primitive.name))
      add(
        "constant",
        primitive.name === "stopGradient"
          ? `${symbols.of(operation.inputs[0]).text} is held constant: no derivative goes through it`
          : `${primitive.name}(${symbols.of(operation.inputs[0]).text}) is flat: its derivative is taken as 0 everywhere`,
        id,
      );
    else tied(index, symbols, operation, id, add);
  });
  const float32 = index.tape.leaves.some(({ node }) => node.dtype === "float32");
  if (float32)
    add("precision", "values and adjoints are float32, about 7 digits; the check is computed in float64");
  if (index.tape.draws > 0)
    add(
      "seed",
      `random numbers are drawn ${index.tape.draws} ${index.tape.draws === 1 ? "time" : "times"}: they are constants to every derivative, and the same again only for the same key`,
      null,
      index.tape.draws,
    );
  return found;
}

type Add = (kind: Assumption["kind"], text: string, operation?: number | null, count?: number | null) => void;

/** A choice between branches: how often each was taken, and how often the condition stood on the edge. */
function selected(
  index: TapeIndex,
  symbols: Symbols,
  operation: Operation,
  id: number,
  name: string,
  add: Add,
): void {
  const [condition] = operation.inputs;
  const maker = index.makerOf(condition);
  // a condition that depends on no input is a mask, not a branch
  if (maker === null) return;
  const chosen = index.valuesOf(condition);
  const size = chosen.length;
  const first = countWhere(chosen, (value) => value !== 0);
  const compare = index.operation(maker);
  const of = symbols.of(comparing.has(compare.primitive.name) ? compare.inputs[0] : condition).text;
  if (name === "relu")
    add(
      "branch",
      `relu(${of}) is 0 in ${first} of ${size} elements: no derivative goes through those`,
      id,
      first,
    );
  else add("branch", `${name}: the condition on ${of} holds in ${first} of ${size} elements`, id, first);
  if (!comparing.has(compare.primitive.name)) return;
  const edge = ties(index, compare);
  if (edge === 0) return;
  const choice =
    name === "relu"
      ? "the derivative 0 is chosen there, as PyTorch does"
      : "the derivative of the branch taken is chosen there";
  add(
    "subgradient",
    `${of} stands exactly on the edge of ${name} in ${edge} of ${size} elements: ${choice}`,
    id,
    edge,
  );
}

/** Elements where the two operands are equal. */
function ties(index: TapeIndex, { inputs: [a, b] }: Operation): number {
  const left = index.valuesOf(a);
  const right = index.valuesOf(b);
  return countWhere(left, (value, i) => value === right[i]);
}

/** Points where a derivative does not exist and one is chosen. */
function tied(index: TapeIndex, symbols: Symbols, operation: Operation, id: number, add: Add): void {
  const { primitive, inputs, outputs } = operation;
  const x = symbols.of(inputs[0]).text;
  const zeros = (): number => countWhere(index.valuesOf(inputs[0]), (value) => value === 0);
  if (primitive.name === "abs" && zeros() > 0)
    add(
      "subgradient",
      `${x} is 0 in ${zeros()} elements: the derivative of |x| there is chosen as 0`,
      id,
      zeros(),
    );
  if (primitive.name === "sqrt" && zeros() > 0)
    add(
      "subgradient",
      `${x} is 0 in ${zeros()} elements: the derivative of √x there is infinite`,
      id,
      zeros(),
    );
  if (primitive.name === "max" || primitive.name === "min") {
    const count = ties(index, operation);
    if (count > 0)
      add(
        "subgradient",
        `${primitive.name} ties in ${count} elements: each side gets half the derivative`,
        id,
        count,
      );
  }
  if (primitive.name === "reduceMax") {
    const { axes } = operation.params as { readonly axes: readonly number[] };
    const values = index.valuesOf(inputs[0]);
    const peaks = index.valuesOf(outputs[0]);
    const kept = inputs[0].shape.map((_, axis) => !axes.includes(axis));
    const hits = new Int32Array(peaks.length);
    values.forEach((value, i) => {
      let rest = i;
      let to = 0;
      let stride = 1;
      for (let axis = kept.length - 1; axis >= 0; axis--) {
        const extent = inputs[0].shape[axis];
        if (kept[axis]) {
          to += (rest % extent) * stride;
          stride *= extent;
        }
        rest = Math.floor(rest / extent);
      }
      if (value === peaks[to]) hits[to]++;
    });
    const count = countWhere(hits, (n) => n > 1);
    if (count > 0 && index.adjointOf(outputs[0]) !== null)
      add(
        "subgradient",
        `${count} maxima are shared by several elements, which share the derivative evenly`,
        id,
        count,
      );
  }
}
