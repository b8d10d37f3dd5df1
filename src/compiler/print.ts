/** Kernels and schedules as text, for those who look at what the compiler made. */
import type { ControlKernel, Expr, Kernel, Schedule } from "../loops/ir.js";

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
    case "rows":
      return [
        `${kernel.name}: rows [${kernel.rows.join(", ")}], scratch ${kernel.scratch.map((b) => `b${b}`).join(" ")}`,
        ...kernel.parts.map((part) => `  ${formatKernel(part)}`),
      ].join("\n");
    case "scan":
    case "cond":
    case "while":
      return formatControl(kernel);
    default:
      return `${kernel.name}: ${kernel.kind} → b${kernel.output}`;
  }
}

/** A line, and the kernels inside indented. */
function formatControl(kernel: ControlKernel): string {
  const indented = (kernels: readonly Kernel[]): string[] =>
    kernels.flatMap((inner) => formatKernel(inner).split("\n")).map((line) => `  ${line}`);
  switch (kernel.kind) {
    case "scan": {
      const order = kernel.reverse ? `${kernel.length - 1} … 0` : `0 … ${kernel.length - 1}`;
      const reads = kernel.reads.map(({ sequence, window }) => `  b${window} = b${sequence}[step]`);
      const writes = kernel.writes.map(({ sequence, window }) => `  b${sequence}[step] = b${window}`);
      return [`${kernel.name}: for step ${order}`, ...reads, ...indented(kernel.body), ...writes].join("\n");
    }
    case "cond":
      return [
        `${kernel.name}: if b${kernel.predicate}`,
        ...indented(kernel.onTrue),
        "else",
        ...indented(kernel.onFalse),
      ].join("\n");
    case "while":
      return [
        `${kernel.name}: while b${kernel.predicate} of`,
        ...indented(kernel.condition),
        "do",
        ...indented(kernel.body),
      ].join("\n");
  }
}

/** One kernel a line, in order. */
export function formatKernels(kernels: readonly Kernel[]): string {
  return kernels.map(formatKernel).join("\n");
}

/** Kernels in order, then where the buffers are. */
export function formatSchedule(schedule: Schedule): string {
  const buffers = schedule.buffers.map(
    ({ dtype, length, space, address }, i) => `b${i}: ${dtype}[${length}] ${space}+${address}`,
  );
  return [
    formatKernels(schedule.kernels),
    ...buffers,
    `arena ${schedule.arenaBytes} B, static ${schedule.staticBytes} B`,
  ].join("\n");
}
