/** If, Loop and Scan of ONNX. */
import { cond, moveAxis, scan, stack, type Tensor, tensor, whileLoop } from "../../../index.js";
import type { Call, NodeFacts, Operators } from "../call.js";
import { range } from "./support.js";

/** What a graph among the attributes gives, less what it says about going on. */
function elementsOf(name: string, skipped = 0) {
  return ({ bodies }: NodeFacts) => bodies.get(name)?.elements.slice(skipped) ?? [];
}

/** One branch where the condition is known, both in the graph where not. */
function choose(call: Call): readonly Tensor[] {
  const condition = call.input(0).cast("bool").reshape([]);
  const [onTrue, onFalse] = [call.body("then_branch"), call.body("else_branch")];
  if (!condition.isAbstract) return condition.dataSync()[0] !== 0 ? onTrue() : onFalse();
  return cond(
    condition,
    () => onTrue(),
    () => onFalse(),
  );
}

/**
 * Steps one after the other as long as the condition is known, which takes shapes that change and results of each step; else a
 * traced loop.
 */
function loop(call: Call): readonly Tensor[] {
  const body = call.body("body");
  const most = call.host(0)?.[0] ?? Number.POSITIVE_INFINITY;
  const starts = range(Math.max(0, call.count - 2)).map((i) => call.input(2 + i));
  const first = call.maybe(1) ?? tensor(true);
  const step = (i: Tensor, keep: Tensor, carries: readonly Tensor[]): Tensor[] => body(i, keep, ...carries);
  let carries = starts;
  let keep = first;
  const collected: Tensor[][] = [];
  for (let i = 0; i < most; i++) {
    if (keep.isAbstract) return tracedLoop(call, first, starts, most, step);
    if (keep.dataSync()[0] === 0) break;
    const [next, ...results] = step(tensor(i, { dtype: "int32" }), keep, carries);
    keep = next;
    carries = results.slice(0, starts.length);
    collected.push(results.slice(starts.length));
  }
  const made = call.facts.outputs.length - starts.length;
  if (made > 0 && collected.length === 0)
    throw call.unsupported("a loop of no steps has no results of steps here, as their shape is not known");
  return [...carries, ...range(made).map((k) => stack(collected.map((results) => results[k])))];
}

function tracedLoop(
  call: Call,
  first: Tensor,
  starts: readonly Tensor[],
  most: number,
  step: (i: Tensor, keep: Tensor, carries: readonly Tensor[]) => Tensor[],
): readonly Tensor[] {
  if (call.facts.outputs.length > starts.length)
    throw call.unsupported("results of each step, where the number of steps depends on the model's inputs");
  const limit = Math.min(most, 2 ** 31 - 1);
  type State = readonly [i: Tensor, keep: Tensor, carries: readonly Tensor[]];
  const [, , carries] = whileLoop(
    ([i, keep]: State) => keep.and(i.lt(limit)),
    ([i, keep, values]: State): State => {
      const [next, ...results] = step(i, keep, values);
      return [i.add(1), next.cast("bool").reshape([]), results];
    },
    [tensor(0, { dtype: "int32" }), first.cast("bool").reshape([]), starts] as State,
  );
  return carries;
}

/** Sequences along any axis, from either end, each for itself. */
function scanned(call: Call): readonly Tensor[] {
  if (call.version < 9) throw call.unsupported("the scan of version 8; convert the model to a newer version");
  const body = call.body("body");
  const count = call.number("num_scan_inputs");
  const carries = call.count - count;
  const made = call.facts.outputs.length - carries;
  const from = (name: string, length: number): readonly number[] =>
    call.numbers(name) ?? range(length).map(() => 0);
  const axes = from("scan_input_axes", count);
  const directions = from("scan_input_directions", count);
  const sequences = range(count).map((i) => {
    const x = call.input(carries + i);
    const moved = moveAxis(x, call.axis(x.rank, axes[i]), 0);
    return directions[i] === 1 ? moved.flip(0) : moved;
  });
  const starts = range(carries).map((i) => call.input(i));
  const [ends, results] = scan(
    (state: Tensor[], slices: Tensor[]): [Tensor[], Tensor[]] => {
      const values = body(...state, ...slices);
      return [values.slice(0, carries), values.slice(carries)];
    },
    starts,
    sequences,
  );
  const outputAxes = from("scan_output_axes", made);
  const outputDirections = from("scan_output_directions", made);
  return [
    ...ends,
    ...results.map((y: Tensor, i) => {
      const ordered = outputDirections[i] === 1 ? y.flip(0) : y;
      return moveAxis(ordered, 0, call.axis(y.rank, outputAxes[i] ?? 0));
    }),
  ];
}

export const controlOperators: Operators = {
  If: { inputs: [1, 1], gives: elementsOf("then_branch"), run: choose },
  Loop: { inputs: [1, Number.POSITIVE_INFINITY], narrow: true, gives: elementsOf("body", 1), run: loop },
  Scan: { inputs: [1, Number.POSITIVE_INFINITY], narrow: true, gives: elementsOf("body"), run: scanned },
};
