/** A graph as LaTeX: one formula, a line for each operation, with the space each value lives in. */
import { latexText } from "../util/latex.js";
import type {
  GraphListing,
  ListedConstant,
  ListedFunction,
  ListedNumber,
  ListedOperation,
  ListedValue,
} from "./print.js";

/** Operations with a sign of their own; all others are called by their names. #0 and #1 are the inputs. */
const signs: ReadonlyMap<string, string> = new Map([
  ["neg", "-#0"],
  ["add", "#0 + #1"],
  ["sub", "#0 - #1"],
  ["mul", "#0 \\odot #1"],
  ["div", "\\frac{#0}{#1}"],
  ["pow", "{#0}^{#1}"],
  ["abs", "\\lvert #0 \\rvert"],
  ["exp", "e^{#0}"],
  ["log", "\\log #0"],
  ["sqrt", "\\sqrt{#0}"],
  ["sin", "\\sin #0"],
  ["cos", "\\cos #0"],
  ["tan", "\\tan #0"],
  ["tanh", "\\tanh #0"],
  ["sigmoid", "\\sigma(#0)"],
  ["max", "\\max(#0, #1)"],
  ["min", "\\min(#0, #1)"],
  ["eq", "[#0 = #1]"],
  ["ne", "[#0 \\neq #1]"],
  ["lt", "[#0 < #1]"],
  ["le", "[#0 \\le #1]"],
  ["gt", "[#0 > #1]"],
  ["ge", "[#0 \\ge #1]"],
]);

/** Elements of a constant that are written out. */
const shownElements = 4;

/**
 * The listing as one formula that KaTeX, MathJax and documents in math mode take. KaTeX expands at most 1,000 macros in a formula,
 * so a line has none that it counts (mathrm, not operatorname). Functions it calls are defined first.
 */
export function formatLatex(listing: GraphListing): string {
  const functions = listing.functions.flatMap((f, i) => [`\\mathrm{f}_{${i}}:`, ...linesOf(f)]);
  return `\\begin{array}{ll}\n${[...functions, ...linesOf(listing)].join(" \\\\\n")}\n\\end{array}`;
}

function linesOf(f: ListedFunction): string[] {
  const names = new Map<number, string>();
  const nameOf = (id: number): string => names.get(id) ?? `v_{${id}}`;
  for (const { id, name } of f.inputs) if (name !== undefined && name !== "") names.set(id, symbolOf(name));
  const constants = f.constants.flatMap((constant) => {
    const { value } = constant;
    if (value !== null && !isList(value)) {
      names.set(constant.id, numberOf(value));
      return [];
    }
    return [`${nameOf(constant.id)} = ${elementsOf(value)}${space(constant)}`];
  });
  return [
    ...f.inputs.map((input) => nameOf(input.id) + space(input)),
    ...constants,
    ...f.operations.map(
      (operation) =>
        `${operation.outputs.map(({ id }) => nameOf(id)).join(", ")} = ${applied(operation, nameOf)}${space(operation.outputs[0])}`,
    ),
    `\\text{return } ${f.outputs.map(nameOf).join(", ")}`,
  ];
}

function applied({ primitive, inputs, params }: ListedOperation, nameOf: (id: number) => string): string {
  const names = inputs.map(nameOf);
  const sign = signs.get(primitive);
  if (sign !== undefined) return sign.replace(/#(\d)/g, (_, i: string) => `{${names[Number(i)]}}`);
  const isCall = typeof params === "object" && params !== null && "graph" in params;
  const graph = isCall ? params.graph : null;
  const called =
    typeof graph === "object" && graph !== null && "function" in graph
      ? `\\mathrm{f}_{${graph.function}}`
      : `\\mathrm{${latexText(primitive)}}`;
  return `${called}(${[...heldBy(params), ...names].join(", ")})`;
}

/** The functions that a scan, a choice or a loop runs: its first arguments. */
function heldBy(params: ListedOperation["params"]): string[] {
  if (typeof params !== "object" || params === null) return [];
  return ["condition", "body", "onTrue", "onFalse"].flatMap((name) => {
    const held = name in params ? (params as { readonly [key: string]: unknown })[name] : null;
    return typeof held === "object" && held !== null && "function" in held
      ? [`\\mathrm{f}_{${String(held.function)}}`]
      : [];
  });
}

/** `& \in \mathbb R^{2 \times 3}`: a column of its own */
function space({ shape, dtype }: ListedValue): string {
  const set = { float32: "R", float64: "R", int32: "Z", bool: "B" }[dtype];
  const power = shape.length === 0 ? "" : `^{${shape.join(" \\times ")}}`;
  return ` & \\in \\mathbb{${set}}${power}`;
}

/** A path; an argument that is a tensor itself goes by its position. */
function symbolOf(name: string): string {
  if (/^\d+$/.test(name)) return `x_{${name}}`;
  return /^[a-zA-Z]$/.test(name) ? name : `\\texttt{${latexText(name)}}`;
}

function isList(value: ListedConstant["value"]): value is readonly ListedNumber[] {
  return Array.isArray(value);
}

function elementsOf(value: readonly ListedNumber[] | null): string {
  if (value === null) return "\\text{(outside)}";
  const more = value.length > shownElements ? ", \\ldots" : "";
  return `(${value.slice(0, shownElements).map(numberOf).join(", ")}${more})`;
}

function numberOf(value: ListedNumber): string {
  if (typeof value === "number") {
    const [mantissa, exponent] = String(value).replace("e+", "e").split("e");
    return exponent === undefined ? mantissa : `${mantissa} \\cdot 10^{${exponent}}`;
  }
  return { NaN: "\\text{NaN}", Infinity: "\\infty", "-Infinity": "-\\infty", "-0": "-0" }[value];
}
