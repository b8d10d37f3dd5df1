/** Scans, choices and loops as the operations they run: what an explanation shows, which has no loops. */
import type { Control, ScanParams, WhileParams } from "../graph/control.js";
import { evaluateGraph } from "../graph/graph.js";
import { type Node, type Operation, readValue } from "../graph/node.js";
import { concat, sliceAxis } from "../primitives/pad.js";
import { reshape } from "../primitives/reshape.js";
import { AdjointError } from "../util/errors.js";

/** Operations beyond which nobody would read the explanation. */
const mostOperations = 20_000;

type Apply = (operation: Operation, inputs: readonly Node[]) => readonly Node[];

/**
 * The results of an operation that runs graphs, by applying what these hold, step by step.
 *
 * @param operation of the function that asks, for messages
 * @throws AdjointError `unsupported` for too many steps, and where what decides has no value
 */
export function unrollControl(
  operation: string,
  control: Control,
  inputs: readonly Node[],
  apply: Apply,
): readonly Node[] {
  switch (control.kind) {
    case "scan":
      return unrollScan(operation, control, inputs, apply);
    case "cond":
      return evaluateGraph(
        decided(operation, "cond", inputs[0]) ? control.onTrue : control.onFalse,
        inputs.slice(1),
        apply,
      );
    case "while":
      return unrollWhile(operation, control, inputs, apply);
  }
}

function unrollScan(
  operation: string,
  { body, constants, carries, length, reverse }: ScanParams,
  inputs: readonly Node[],
  apply: Apply,
): readonly Node[] {
  checkSize(operation, "scan", length * body.operations.length);
  const shared = inputs.slice(0, constants);
  let carried = inputs.slice(constants, constants + carries);
  const rows: Node[][] = [];
  for (let step = 0; step < length; step++) {
    const at = reverse ? length - 1 - step : step;
    const slices = inputs
      .slice(constants + carries)
      .map((x) => reshape(sliceAxis(x, 0, at, at + 1), x.shape.slice(1)));
    const results = evaluateGraph(body, [...shared, ...carried, ...slices], apply);
    carried = results.slice(0, carries);
    rows[at] = results.slice(carries).map((y) => reshape(y, [1, ...y.shape]));
  }
  const sequences = body.outputs.slice(carries).map((_, i) =>
    concat(
      rows.map((row) => row[i]),
      0,
    ),
  );
  return [...carried, ...sequences];
}

function unrollWhile(
  operation: string,
  { condition, body, constants }: WhileParams,
  inputs: readonly Node[],
  apply: Apply,
): readonly Node[] {
  const shared = inputs.slice(0, constants);
  let carried: readonly Node[] = inputs.slice(constants);
  const goesOn = (): boolean =>
    decided(operation, "whileLoop", evaluateGraph(condition, [...shared, ...carried])[0]);
  for (let made = 0; goesOn(); made += body.operations.length) {
    checkSize(operation, "whileLoop", made);
    carried = evaluateGraph(body, [...shared, ...carried], apply);
  }
  return carried;
}

function decided(operation: string, name: string, predicate: Node): boolean {
  if (predicate.isAbstract)
    throw new AdjointError(
      "unsupported",
      `${operation}: what ${name} does depends on values, which are not known here; explain a function without it`,
      { operation, expected: "operations known in advance", received: name },
    );
  return readValue(predicate)[0] !== 0;
}

function checkSize(operation: string, name: string, operations: number): void {
  if (operations <= mostOperations) return;
  throw new AdjointError(
    "unsupported",
    `${operation}: a ${name} of ${operations} operations is too long to be explained one by one (at most ${mostOperations}); explain fewer steps`,
    { operation, expected: `at most ${mostOperations} operations`, received: String(operations) },
  );
}
