/** What every graph and every schedule must satisfy, checked after each pass in tests (and with ADJOINT_VERIFY=1). */
import type { Graph } from "../graph/graph.js";
import type { Node } from "../graph/node.js";
import type { Expr, Schedule, Store } from "../loops/ir.js";
import { bytesPerElement } from "../types/dtype.js";
import { sameShape } from "../types/shape.js";
import { invariant, unreachable } from "../util/errors.js";

/** Operations follow what they depend on, and outputs have the types their primitive's shape rule gives. */
export function verifyGraph(graph: Graph): void {
  const known = new Set<Node>([...graph.inputs, ...graph.captures]);
  for (const capture of graph.captures)
    invariant(!capture.isAbstract, "a compiled graph captures an abstract node");
  for (const { primitive, inputs, outputs, params } of graph.operations) {
    for (const input of inputs)
      invariant(known.has(input), `${primitive.name} uses a node before it is made`);
    const types = primitive.outputTypes(inputs, params);
    outputs.forEach((output, i) => {
      invariant(
        sameShape(types[i].shape, output.shape) && types[i].dtype === output.dtype,
        `${primitive.name} gives ${types[i].dtype}[${types[i].shape}], the graph says ${output.dtype}[${output.shape}]`,
      );
      known.add(output);
    });
  }
  for (const output of graph.outputs) invariant(known.has(output), "an output is made nowhere");
}

/** Every affine access stays inside its buffer, and every buffer is inside its space. */
export function verifySchedule(schedule: Schedule): void {
  for (const { address, length, dtype, space } of schedule.buffers) {
    const limit = space === "static" ? schedule.staticBytes : schedule.arenaBytes;
    invariant(
      address % 64 === 0 && address >= 0 && address + length * bytesPerElement(dtype) <= limit,
      "a buffer outside its space",
    );
  }
  const inside = (
    buffer: number,
    offset: number,
    strides: readonly number[],
    loops: readonly number[],
    what: string,
  ) => {
    if (loops.some((extent) => extent === 0)) return;
    let low = offset;
    let high = offset;
    strides.forEach((stride, loop) => {
      // a store stands outside the reduced loops
      const reach = loop < loops.length ? stride * (loops[loop] - 1) : 0;
      if (reach < 0) low += reach;
      else high += reach;
    });
    const { length } = schedule.buffers[buffer];
    invariant(low >= 0 && high < length, `${what} reaches ${low} … ${high} of ${length} elements`);
  };
  for (const kernel of schedule.kernels) {
    if (kernel.kind !== "loops" && kernel.kind !== "dot") continue;
    const loops = kernel.kind === "loops" ? kernel.loops : [...kernel.batch, kernel.m, kernel.n];
    const outer = kernel.kind === "loops" ? loops.slice(0, loops.length - kernel.reducedLoops) : loops;
    const visitStore = (store: Store, own: readonly number[]): void => {
      if (store.at === undefined)
        inside(store.buffer, store.offset, store.strides, own, `${kernel.name}: a store`);
      visit(store.value, own);
    };
    const seen = new Set<Expr>();
    const visit = (expr: Expr, own: readonly number[]): void => {
      if (seen.has(expr)) return;
      seen.add(expr);
      switch (expr.kind) {
        case "constant":
        case "index":
        case "reduced":
          return;
        case "load":
          invariant(
            expr.strides.length === loops.length,
            `${kernel.name}: a load with ${expr.strides.length} strides in ${loops.length} loops`,
          );
          if (expr.at === undefined)
            inside(expr.buffer, expr.offset, expr.strides, own, `${kernel.name}: a load`);
          else visit(expr.at, own);
          return;
        case "unary":
        case "cast":
        case "bounded":
          visit(expr.x, own);
          return;
        case "binary":
        case "compare":
          visit(expr.x, own);
          visit(expr.y, own);
          return;
        case "select":
          visit(expr.condition, own);
          visit(expr.x, own);
          visit(expr.y, own);
          return;
        default:
          unreachable(expr);
      }
    };
    if (kernel.kind === "loops") for (const reduction of kernel.reductions) visit(reduction.value, loops);
    for (const store of kernel.stores) visitStore(store, outer);
  }
}
