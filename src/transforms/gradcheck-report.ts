/** What a gradient check found: for programs as fields, for people as text of at most 80 columns. */
import { formatShape } from "../util/errors.js";
import type { Comparison, Verdict } from "./gradcheck-numeric.js";

/** The worst element (or direction) of an input. */
export interface WorstElement extends Comparison {
  /** Its index along each axis; null where random directions were checked instead of elements. */
  readonly index: readonly number[] | null;
}

/** One floating-point tensor among the inputs. */
export interface InputReport {
  /** Which argument, and the path inside its tree: `0`, `0.layers.1.weight`. */
  readonly path: string;
  readonly shape: readonly number[];
  readonly method: "elements" | "directions";
  readonly checked: number;
  readonly wrong: number;
  readonly inconclusive: number;
  /** The largest error among the conclusive comparisons; 0 where there are none. */
  readonly maxError: number;
  /** null for an input without elements. */
  readonly worst: WorstElement | null;
  readonly verdict: Verdict;
}

/** ⟨ȳ, J·ẋ⟩ by forward mode beside ⟨Jᵀ·ȳ, ẋ⟩ by reverse mode, for random ẋ and ȳ. */
export interface ForwardReverseReport {
  readonly forward: number;
  readonly reverse: number;
  readonly error: number;
  readonly verdict: Verdict;
}

/** A rule of a primitive that contradicts finite differences of its own evaluation. */
export interface Culprit {
  /** Its name; for a call of a user's function, that function's name follows. */
  readonly primitive: string;
  readonly rule: "vjp" | "jvp";
  /** Which input of the operation; null where only several tangents together go wrong. */
  readonly input: number | null;
  readonly inputTypes: readonly string[];
  readonly worst: WorstElement;
  readonly note: string;
}

interface ReportFields {
  readonly inputs: readonly InputReport[];
  readonly forwardReverse: ForwardReverseReport;
  readonly culprits: readonly Culprit[];
  readonly tolerance: number;
  readonly seed: number;
}

const WIDTH = 80;

/**
 * The outcome of `gradCheck`.
 *
 * @example gradCheck((x) => x.mul(x).sum(), [tensor([1, 2])]).inputs[0].verdict; // → ok
 */
export class GradCheckReport {
  /** Nothing is wrong; inconclusive elements (at kinks) do not count against it. */
  readonly passed: boolean;
  /** The largest error of all inputs and of forward against reverse. */
  readonly worstError: number;
  readonly inputs: readonly InputReport[];
  readonly forwardReverse: ForwardReverseReport;
  /** The rules at fault; empty where all is well, or where no recorded operation is wrong by itself. */
  readonly culprits: readonly Culprit[];
  readonly tolerance: number;
  readonly seed: number;

  constructor(fields: ReportFields) {
    this.inputs = fields.inputs;
    this.forwardReverse = fields.forwardReverse;
    this.culprits = fields.culprits;
    this.tolerance = fields.tolerance;
    this.seed = fields.seed;
    const verdicts = [...fields.inputs.map((input) => input.verdict), fields.forwardReverse.verdict];
    this.passed = !verdicts.includes("wrong");
    this.worstError = Math.max(fields.forwardReverse.error, ...fields.inputs.map((input) => input.maxError));
  }

  /** The report as plain data: numbers that JSON does not have are strings. */
  toJSON(): unknown {
    const fields = {
      passed: this.passed,
      worstError: this.worstError,
      tolerance: this.tolerance,
      seed: this.seed,
      inputs: this.inputs,
      forwardReverse: this.forwardReverse,
      culprits: this.culprits,
    };
    const plain = (_key: string, value: unknown): unknown =>
      typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
    return JSON.parse(JSON.stringify(fields, plain));
  }

  /** A table of the inputs, then what is wrong and where, in at most 80 columns. */
  toString(): string {
    const lines = [
      `gradient check ${this.passed ? "passed" : "FAILED"}: worst error ${scientific(this.worstError)}, tolerance ${scientific(this.tolerance)}`,
      "",
      ...table([
        ["input", "shape", "checked", "max error", "verdict"],
        ...this.inputs.map((input) => [
          shorten(input.path, 24),
          shorten(formatShape(input.shape), 18),
          `${input.checked} ${input.checked === 1 ? input.method.slice(0, -1) : input.method}`,
          scientific(input.maxError),
          verdictOf(input),
        ]),
      ]),
    ];
    const { forward, reverse, error, verdict } = this.forwardReverse;
    lines.push(
      `  forward against reverse: ${number(forward)} and ${number(reverse)}, error ${scientific(error)}: ${verdict}`,
    );
    for (const input of this.inputs)
      if (input.worst !== null && input.verdict !== "ok")
        lines.push("", `  ${shorten(input.path, 24)} ${describe(input.worst)}`);
    for (const culprit of this.culprits) lines.push("", ...describeCulprit(culprit));
    if (!this.passed && this.culprits.length === 0)
      lines.push(
        "",
        "  Every operation's own rules agree with finite differences: the fault lies in",
        "  how they are put together, or in a function that reads values of tensors.",
      );
    if (this.inputs.some((input) => input.inconclusive > 0))
      lines.push(
        "",
        "  inconclusive: finite differences do not settle there (a kink, a jump, an edge",
        "  of the domain); move the point a little to have it checked.",
      );
    return lines.join("\n");
  }
}

function verdictOf({ verdict, wrong, inconclusive, checked }: InputReport): string {
  if (verdict === "ok") return "ok";
  return `${verdict} (${verdict === "wrong" ? wrong : inconclusive} of ${checked})`;
}

function describe({ index, analytic, numeric }: WorstElement): string {
  const place = index === null ? "in a random direction" : `at ${formatShape(index)}`;
  return `${place}: analytic ${number(analytic)}, numeric ${number(numeric)}`;
}

function describeCulprit({ primitive, rule, input, inputTypes, worst, note }: Culprit): string[] {
  const towards = input === null ? "" : rule === "vjp" ? ` towards input ${input}` : ` from input ${input}`;
  const lines = [
    `  at fault: ${primitive}, its ${rule}${towards}`,
    `    inputs ${shorten(inputTypes.join(", "), WIDTH - 12)}`,
    `    ${describe(worst)}`,
  ];
  return note === "" ? lines : [...lines, `    ${note}`];
}

function number(value: number): string {
  return String(Number(value.toPrecision(8)));
}

function scientific(value: number): string {
  return value === 0 || !Number.isFinite(value) ? String(value) : value.toExponential(1);
}

function shorten(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(text.length - width + 1)}`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column])).join("  ")}`.trimEnd(),
  );
}
