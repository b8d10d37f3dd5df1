/**
 * A kernel's stores as formulas for people: `t₁ = relu(x·weight₀ᵀ + bias₀)`.
 *
 * They say less than the kernel does: casts are left out, so are indices, and what is too deep is `…`.
 */
import type { Expr, Kernel, MatrixView, Store } from "../loops/ir.js";

/** ₁₂ */
export function subscript(count: number): string {
  return String(count).replace(/\d/g, (digit) => String.fromCharCode(0x2080 + Number(digit)));
}

/** How tightly an expression binds: an operand that binds less than its operator stands in brackets. */
const binding = { sum: 1, product: 2, unary: 3, atom: 4 } as const;

interface Written {
  readonly text: string;
  readonly binds: number;
}

/** Writes the stores of one kernel, down to a depth; below it stands `…`. */
export class FormulaWriter {
  private readonly kernel: Extract<Kernel, { kind: "loops" | "dot" }>;
  private readonly nameOf: (buffer: number) => string;
  private readonly depth: number;

  constructor(
    kernel: Extract<Kernel, { kind: "loops" | "dot" }>,
    nameOf: (buffer: number) => string,
    depth: number,
  ) {
    this.kernel = kernel;
    this.nameOf = nameOf;
    this.depth = depth;
  }

  /** Values already written down, by what was stored. */
  private readonly stored: { readonly value: Expr; readonly name: string }[] = [];

  /** `t₁ = …`, or `weight₀ −= …` where it changes what is there. */
  store({ buffer, value, accumulate, at }: Store): string {
    const name = this.nameOf(buffer);
    const target = at === undefined ? name : `${name}[…]`;
    if (accumulate === true) return `${target} += ${this.write(value, this.depth).text}`;
    const isSelf = (expr: Expr): boolean => expr.kind === "load" && expr.buffer === buffer;
    if (value.kind === "binary" && (value.op === "sub" || value.op === "add")) {
      const sign = value.op === "sub" ? "−" : "+";
      if (isSelf(value.x)) return `${target} ${sign}= ${this.write(value.y, this.depth).text}`;
      if (value.op === "add" && isSelf(value.y))
        return `${target} += ${this.write(value.x, this.depth).text}`;
    }
    const text = `${target} = ${this.write(value, this.depth).text}`;
    if (value.kind !== "load" && value.kind !== "constant" && at === undefined)
      this.stored.push({ value, name });
    return text;
  }

  private write(expr: Expr, depth: number): Written {
    const atom = (text: string): Written => ({ text, binds: binding.atom });
    const known = this.stored.find(({ value }) => isSame(value, expr));
    if (known !== undefined) return atom(known.name);
    if (depth < 0 && expr.kind !== "load" && expr.kind !== "constant") return atom("…");
    const inside = (part: Expr, least: number): string => {
      const { text, binds } = this.write(part, depth - 1);
      return binds < least ? `(${text})` : text;
    };
    const called = (name: string, ...parts: Expr[]): Written =>
      atom(`${name}(${parts.map((part) => this.write(part, depth - 1).text).join(", ")})`);
    switch (expr.kind) {
      case "constant":
        return atom(numberText(expr.value));
      case "load": {
        const name = this.nameOf(expr.buffer);
        return atom(expr.at === undefined ? name : `${name}[…]`);
      }
      case "index":
        return atom(`i${subscript(expr.loop)}`);
      case "reduced":
        return this.reduced(expr.index, depth);
      case "unary":
        if (expr.op === "neg") return { text: `−${inside(expr.x, binding.unary)}`, binds: binding.unary };
        if (expr.op === "sqrt") return { text: `√${inside(expr.x, binding.atom)}`, binds: binding.unary };
        return called(expr.op, expr.x);
      case "cast":
      case "bounded":
        // neither changes what is meant
        return this.write(expr.x, depth);
      case "binary": {
        const { op, x, y } = expr;
        if (op === "mul" && x === y) return { text: `${inside(x, binding.atom)}²`, binds: binding.unary };
        if (op === "add")
          return { text: `${inside(x, binding.sum)} + ${inside(y, binding.sum)}`, binds: binding.sum };
        if (op === "sub")
          return { text: `${inside(x, binding.sum)} − ${inside(y, binding.product)}`, binds: binding.sum };
        if (op === "mul")
          return {
            text: `${inside(x, binding.product)}·${inside(y, binding.product)}`,
            binds: binding.product,
          };
        if (op === "max" || op === "min") return atom(this.extreme(expr, op, depth));
        if (op === "div")
          return {
            text: `${inside(x, binding.product)}/${inside(y, binding.unary)}`,
            binds: binding.product,
          };
        return called(op, x, y);
      }
      case "compare": {
        const sign = { eq: "=", ne: "≠", lt: "<", le: "≤", gt: ">", ge: "≥" }[expr.op];
        return { text: `${inside(expr.x, binding.sum)} ${sign} ${inside(expr.y, binding.sum)}`, binds: 0 };
      }
      case "select":
        return this.select(expr, depth);
    }
  }

  /** `max(x, y, z)`, each once: the places of a window have one name. */
  private extreme(root: Expr, op: "max" | "min", depth: number): string {
    const parts = new Set<string>();
    const visit = (expr: Expr): void => {
      if (expr.kind === "binary" && expr.op === op) {
        visit(expr.x);
        visit(expr.y);
      } else if (parts.size < 4) parts.add(this.write(expr, depth - 1).text);
    };
    visit(root);
    return `${op}(${[...parts].join(", ")})`;
  }

  /** Where nothing is chosen but between a value and 0, Iverson's bracket says it: x·[z > 0]. */
  private select({ condition, x, y }: Extract<Expr, { kind: "select" }>, depth: number): Written {
    const { test, negated } = asTest(condition);
    const [chosen, other] = negated ? [y, x] : [x, y];
    if (isZero(chosen) && isRelu(test, other))
      return { text: `relu(${this.write(other, depth - 1).text})`, binds: binding.atom };
    const zeroIf = isZero(chosen) ? false : isZero(other) ? true : undefined;
    if (zeroIf === undefined)
      return {
        text: `where(${[test, chosen, other].map((part) => this.write(part, depth - 1).text).join(", ")})`,
        binds: binding.atom,
      };
    const value = this.write(zeroIf ? chosen : other, depth - 1);
    const factor = value.binds < binding.product ? `(${value.text})` : value.text;
    return { text: `${factor}·[${this.bracket(test, zeroIf, depth - 1)}]`, binds: binding.product };
  }

  /** A condition, or its contrary. */
  private bracket(test: Expr, holds: boolean, depth: number): string {
    if (holds) return this.write(test, depth).text;
    const contrary = { eq: "ne", ne: "eq", lt: "ge", le: "gt", gt: "le", ge: "lt" } as const;
    if (test.kind === "compare") return this.write({ ...test, op: contrary[test.op] }, depth).text;
    return `not ${this.write(test, depth).text}`;
  }

  private reduced(index: number, depth: number): Written {
    const { kernel } = this;
    if (kernel.kind === "dot") {
      const [a, b] = [this.matrix(kernel.a), this.matrix(kernel.b)];
      // rows or columns that run through several extents are windows
      const windows = [kernel.rows, kernel.columns, kernel.summed].some(
        (extents) => (extents?.length ?? 1) > 1,
      );
      if (windows) return { text: `${a}∗${b}`, binds: binding.product };
      return { text: `${a}·${b}`, binds: binding.product };
    }
    const { op, value } = kernel.reductions[index];
    const { text, binds } = this.write(value, depth - 1);
    const name = op === "sum" ? "Σ" : op;
    return { text: `${name} ${binds < binding.product ? `(${text})` : text}`, binds: binding.unary };
  }

  /** A transposed matrix is one whose rows lie next to each other. */
  private matrix({ buffer, rowStride, columnStride }: MatrixView): string {
    return `${this.nameOf(buffer)}${rowStride === 1 && columnStride !== 1 ? "ᵀ" : ""}`;
  }
}

/** A condition without the detour over numbers: `float(x = y) = 0` is the contrary of x = y. */
function asTest(condition: Expr): { test: Expr; negated: boolean } {
  let test = condition;
  let negated = false;
  for (;;) {
    if (test.kind === "cast") test = test.x;
    else if (
      test.kind === "compare" &&
      (test.op === "eq" || test.op === "ne") &&
      isZero(test.y) &&
      isTruth(test.x)
    ) {
      if (test.op === "eq") negated = !negated;
      test = test.x;
    } else return { test, negated };
  }
}

const isTruth = (expr: Expr): boolean =>
  expr.kind === "compare" || (expr.kind === "cast" && expr.x.dtype === "bool");

const isZero = (expr: Expr): boolean => expr.kind === "constant" && expr.value === 0;

/** x ≤ 0 chooses 0, or else x. */
const isRelu = (test: Expr, x: Expr): boolean =>
  test.kind === "compare" && (test.op === "le" || test.op === "lt") && test.x === x && isZero(test.y);

/** As many digits as a float32 has. */
function numberText(value: number): string {
  if (Number.isInteger(value)) return String(value).replace("-", "−");
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "NaN";
  return String(Number(value.toPrecision(7))).replace("-", "−");
}

/** Whether two expressions are the same; where looking longer would take too long, not. */
function isSame(a: Expr, b: Expr): boolean {
  let budget = 200;
  const same = (x: unknown, y: unknown): boolean => {
    if (x === y) return true;
    if (typeof x !== "object" || typeof y !== "object" || x === null || y === null || budget-- <= 0)
      return false;
    const keys = Object.keys(x);
    const at = (object: object, key: string): unknown => (object as Record<string, unknown>)[key];
    return keys.length === Object.keys(y).length && keys.every((key) => same(at(x, key), at(y, key)));
  };
  return same(a, b);
}
