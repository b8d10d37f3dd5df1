/** What every graph and every schedule must satisfy, checked after each pass in tests (and with ADJOINT_VERIFY=1). */
import type { Graph } from "../graph/graph.js";
import type { Node } from "../graph/node.js";
import { expressionsUnder } from "../loops/expr.js";
import type { Expr, RowsKernel, Schedule } from "../loops/ir.js";
import { bytesPerElement } from "../types/dtype.js";
import { sameShape } from "../types/shape.js";
import { invariant } from "../util/errors.js";
import { buffersOf, loopsOf, outputsOf, pointsOf, readsOf, rootsOf } from "./kernels.js";
import { leavesOf } from "./nested.js";

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
  for (const given of leavesOf(schedule.kernels)) {
    if (given.kind === "rows") verifyRows(given, schedule);
    for (const kernel of given.kind === "rows" ? given.parts : [given]) {
      if (kernel.kind !== "loops" && kernel.kind !== "dot") continue;
      const loops = loopsOf(kernel);
      const outer = pointsOf(kernel);
      const reducing = kernel.kind === "loops" ? kernel.reductions.map(({ value }) => value) : [];
      const verifyLoads = (roots: readonly Expr[], own: readonly number[]): void => {
        for (const expr of expressionsUnder(roots)) {
          if (expr.kind === "index")
            invariant(expr.loop < own.length, `${kernel.name}: no loop ${expr.loop}`);
          if (expr.kind !== "load") continue;
          const { strides } = expr;
          invariant(
            strides.length === loops.length,
            `${kernel.name}: a load with ${strides.length} strides in ${loops.length} loops`,
          );
          if (expr.at === undefined) inside(expr.buffer, expr.offset, strides, own, `${kernel.name}: a load`);
        }
      };
      verifyLoads(reducing, loops);
      for (const { buffer, offset, strides, at, value } of kernel.stores) {
        if (at === undefined) inside(buffer, offset, strides, outer, `${kernel.name}: a store`);
        verifyLoads(at === undefined ? [value] : [value, at], outer);
      }
    }
  }
}

/** Parts share their rows, ask for no counter of them, and leave nothing in scratch rows that others read. */
function verifyRows({ name, rows, parts, scratch }: RowsKernel, schedule: Schedule): void {
  for (const part of parts) {
    invariant(
      rows.every((extent, loop) => part.loops[loop] === extent) && pointsOf(part).length >= rows.length,
      `${name}: ${part.name} has other rows`,
    );
    for (const expr of expressionsUnder(rootsOf(part)))
      invariant(expr.kind !== "index" || expr.loop >= rows.length, `${name}: ${part.name} counts rows`);
  }
  const written = new Set<number>();
  for (const part of parts) {
    for (const buffer of readsOf(part))
      invariant(
        !scratch.includes(buffer) || written.has(buffer),
        `${name}: a scratch row is read before it is written`,
      );
    for (const buffer of outputsOf(part)) written.add(buffer);
  }
  for (const kernel of leavesOf(schedule.kernels))
    if (!(kernel.kind === "rows" && kernel.parts === parts))
      for (const buffer of buffersOf(kernel))
        invariant(!scratch.includes(buffer), `${kernel.name}: uses a scratch row of ${name}`);
}
