/** Graphs and schedules as text, for those who look at what a pass made. */
import type { Graph } from "../graph/graph.js";
import type { Node } from "../graph/node.js";
import type { Expr, Kernel, Schedule } from "../loops/ir.js";
import { paramsKey, uniformOf } from "./rewrite.js";

/** One operation a line; values in `memory` are marked with a star. */
export function formatGraph(graph: Graph, memory?: ReadonlySet<Node>): string {
  const names = new Map<Node, string>();
  const name = (node: Node): string => {
    const uniform = node.isAbstract ? undefined : uniformOf(node);
    if (uniform !== undefined) return String(uniform);
    let known = names.get(node);
    if (known === undefined) {
      known = `%${names.size + 1}`;
      names.set(node, known);
    }
    return known;
  };
  const typed = (node: Node): string =>
    `${name(node)}${memory?.has(node) === true ? "*" : ""}: ${node.dtype}[${node.shape}]`;
  const lines = [`inputs ${graph.inputs.map(typed).join(", ")}`];
  for (const { primitive, inputs, outputs, params } of graph.operations)
    lines.push(
      `${outputs.map(typed).join(", ")} = ${primitive.name}(${inputs.map(name).join(", ")}) ${params === undefined ? "" : (paramsKey(params) ?? "")}`.trimEnd(),
    );
  lines.push(`outputs ${graph.outputs.map(name).join(", ")}`);
  return lines.join("\n");
}

function formatExpr(expr: Expr): string {
  switch (expr.kind) {
    case "constant":
      return String(expr.value);
    case "load": {
      const at = expr.at === undefined ? "" : ` + ${formatExpr(expr.at)}`;
      return `b${expr.buffer}[${expr.offset === 0 ? "" : `${expr.offset} + `}${expr.strides.join("·")}${at}]`;
    }
    case "index":
      return `i${expr.loop}`;
    case "reduced":
      return `r${expr.index}`;
    case "unary":
      return `${expr.op}(${formatExpr(expr.x)})`;
    case "binary":
    case "compare":
      return `${expr.op}(${formatExpr(expr.x)}, ${formatExpr(expr.y)})`;
    case "select":
      return `select(${formatExpr(expr.condition)}, ${formatExpr(expr.x)}, ${formatExpr(expr.y)})`;
    case "cast":
      return `${expr.dtype}(${formatExpr(expr.x)})`;
    case "bounded":
      return `bounded(${formatExpr(expr.x)}, ${expr.size})`;
  }
}

function formatKernel(kernel: Kernel): string {
  const stores = (): string =>
    "stores" in kernel
      ? kernel.stores
          .map(
            (s) =>
              `b${s.buffer}[${s.strides.join("·")}] ${s.accumulate === true ? "+=" : "="} ${formatExpr(s.value)}`,
          )
          .join("; ")
      : "";
  switch (kernel.kind) {
    case "loops": {
      const reductions = kernel.reductions.map((r, i) => `r${i} = ${r.op} ${formatExpr(r.value)}; `).join("");
      return `${kernel.name}: for [${kernel.loops.join(", ")}] (last ${kernel.reducedLoops} reduced) ${reductions}${stores()}`;
    }
    case "dot":
      return `${kernel.name}: dot ${kernel.dtype} [${kernel.batch.join(", ")}] ${kernel.m}×${kernel.n}×${kernel.k} a b${kernel.a.buffer}(${kernel.a.rowStride}, ${kernel.a.columnStride}) b b${kernel.b.buffer}(${kernel.b.rowStride}, ${kernel.b.columnStride}) ${stores()}`;
    default:
      return `${kernel.name}: ${kernel.kind} → b${kernel.output}`;
  }
}

/** Kernels in order, then where the buffers are. */
export function formatSchedule(schedule: Schedule): string {
  const buffers = schedule.buffers.map(
    ({ dtype, length, space, address }, i) => `b${i}: ${dtype}[${length}] ${space}+${address}`,
  );
  return [
    ...schedule.kernels.map(formatKernel),
    ...buffers,
    `arena ${schedule.arenaBytes} B, static ${schedule.staticBytes} B`,
  ].join("\n");
}
