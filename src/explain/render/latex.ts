/**
 * An explanation in LaTeX, in one of two forms. As a formula it is a single array of lines, which KaTeX, MathJax and any document
 * in math mode take as it is; as a document it is a file for a TeX engine, with sections and formulas that may break across pages.
 */

import { latexText } from "../../util/latex.js";
import type { Equation, ExplanationDocument, Formula, Matrix, Path, Paths, Values } from "../document.js";
import { fromReal, show, showLatex } from "../numbers.js";
import { bytes } from "../text.js";
import { countText } from "../text-paths.js";
import { textbookLines } from "./latex-textbook.js";

/** Lines of the graph and of the derivation that are written out; the JSON document has all. */
const shownOperations = 400;
const shownLines = 1000;
const shownPaths = 16;
const shownFactors = 40;
const shownElements = 36;

/** A line: prose, or a formula. */
export type LatexLine = { readonly text: string } | { readonly math: string };

interface Section {
  readonly title: string;
  readonly lines: readonly LatexLine[];
}

/** How the LaTeX is to be used. */
export interface LatexOptions {
  /** A complete file for a TeX engine instead of one formula for math mode. Default false. */
  readonly standalone?: boolean;
}

/** The whole document. */
export function toLatex(document: ExplanationDocument, { standalone = false }: LatexOptions = {}): string {
  const sections = [
    headLines(document),
    graphLines(document),
    pathLines(document),
    equationLines(document),
    { title: "The derivation", lines: [...textbookLines(document), ...derivationLines(document)] },
    { title: "The story", lines: document.narration.map(({ text }) => ({ text })) },
    checkLines(document),
    { title: "This holds under", lines: document.assumptions.map(({ text }) => ({ text })) },
  ].filter(({ lines }) => lines.length > 0);
  return standalone ? asDocument(sections) : asFormula(sections);
}

function asFormula(sections: readonly Section[]): string {
  const rows = sections.flatMap(({ title, lines }, i) => [
    `${i === 0 ? "" : "\\\\[0.6em] "}\\textbf{${latexText(title)}}`,
    ...lines.map((line) => ("text" in line ? `\\text{${latexText(line.text)}}` : line.math)),
  ]);
  return withoutMacros(`\\begin{array}{l}\n${rows.join(" \\\\\n")}\n\\end{array}`);
}

/** KaTeX expands at most 1,000 macros in one formula, and these, which stand everywhere, are macros there. */
function withoutMacros(latex: string): string {
  return latex
    .replaceAll("\\operatorname{", "\\mathrm{")
    .replaceAll("\\quad", "\\mskip18mu")
    .replace(/(?<!\\)\\,/g, "\\mskip3mu ");
}

function asDocument(sections: readonly Section[]): string {
  const body = sections.flatMap(({ title, lines }, i) => {
    const made = [i === 0 ? `\\section*{${latexText(title)}}` : `\\subsection*{${latexText(title)}}`];
    let formulas: string[] = [];
    const flush = (): void => {
      if (formulas.length > 0)
        made.push(
          "\\begin{flalign*}",
          formulas.map((math) => `& ${math} &&`).join(" \\\\\n"),
          "\\end{flalign*}",
        );
      formulas = [];
    };
    for (const line of lines) {
      if ("math" in line) formulas.push(line.math);
      else {
        flush();
        made.push(`${latexText(line.text)}\\par`);
      }
    }
    flush();
    return [...made, ""];
  });
  return [
    "\\documentclass{article}",
    "\\usepackage[a4paper,margin=2.2cm]{geometry}",
    "\\usepackage[utf8]{inputenc}",
    "\\usepackage{amsmath,amssymb}",
    "\\allowdisplaybreaks",
    "\\setlength{\\parindent}{0pt}",
    "\\setlength{\\parskip}{0.3em}",
    "\\begin{document}",
    ...body,
    "\\end{document}",
    "",
  ].join("\n");
}

const towards = ({ latex }: Formula): string => `\\frac{\\partial C}{\\partial ${latex}}`;

function headLines({ target, cost }: ExplanationDocument): Section {
  return {
    title: `Why ∂C/∂${target.name} is ${show(target.adjoint, 9)}`,
    lines: [
      { math: `${towards(target.symbol)} = ${showLatex(target.adjoint, 9)}` },
      {
        math: `C = ${showLatex(cost.value, 9)},\\quad ${target.symbol.latex} = ${showLatex(target.value, 9)}`,
      },
    ],
  };
}

/** A number, a matrix of few, or from … to. */
function valuesLatex({ size, elements, min, max }: Values, shape: readonly number[]): string {
  if (size === 0) return "[\\,]";
  if (elements === null || size > shownElements) return `[${showLatex(min, 4)} \\ldots ${showLatex(max, 4)}]`;
  if (size === 1) return showLatex(elements[0]);
  const columns = shape.at(-1) ?? 1;
  return matrixLatex({ rows: size / columns, columns, values: { elements } });
}

function matrixLatex({
  rows,
  columns,
  values,
}: Pick<Matrix, "rows" | "columns"> & { readonly values: Pick<Values, "elements"> }): string {
  const { elements } = values;
  if (elements === null) return `[${rows} \\times ${columns}]`;
  const lines = Array.from({ length: rows }, (_, i) =>
    elements
      .slice(i * columns, (i + 1) * columns)
      .map((value) => showLatex(value, 4))
      .join(" & "),
  );
  return `\\begin{bmatrix} ${lines.join(" \\\\ ")} \\end{bmatrix}`;
}

function graphLines({ graph }: ExplanationDocument): Section {
  const inputs = graph.nodes.filter(({ kind }) => kind === "input").slice(0, shownOperations);
  const value = (id: number): string => {
    const node = graph.nodes[id];
    const bar =
      node.adjoint === null
        ? ""
        : `,\\quad ${towards(node.symbol)} = ${valuesLatex(node.adjoint, node.shape)}`;
    return `${valuesLatex(node.value, node.shape)}${bar}`;
  };
  const operations = graph.operations.slice(0, shownOperations);
  const left = graph.operations.length - operations.length;
  return {
    title: "The graph",
    lines: [
      {
        text: `${graph.operations.length} operations; ${bytes(graph.savedBytes)} of ${bytes(graph.totalBytes)} kept for the backward pass.`,
      },
      ...inputs.map(({ id, symbol }) => ({ math: `${symbol.latex} = ${value(id)}` })),
      ...operations.map(({ forward, outputs }) => ({ math: `${forward.latex} = ${value(outputs[0])}` })),
      ...(left > 0 ? [{ text: `… ${left} more operations` }] : []),
    ],
  };
}

function pathLines({ paths, target }: ExplanationDocument): Section {
  const title = `Paths from the cost to ${target.name}`;
  if (paths.status === "refused") return { title, lines: [{ text: `Not listed: ${paths.reason}.` }] };
  const shown = paths.listed.slice(0, shownPaths);
  const others = fromReal(paths.sum.computed) - shown.reduce((sum, { value }) => sum + fromReal(value), 0);
  return {
    title,
    lines: [
      { text: paths.count === "1" ? "There is one path." : `There are ${countText(paths.count)} paths.` },
      ...shown.flatMap((path, i) => pathFormulas(paths, path, i + 1)),
      ...(paths.count === String(shown.length)
        ? []
        : [{ math: `\\text{all others} = ${showLatex(others)}` }]),
      {
        math: `\\sum = ${showLatex(paths.sum.computed)} ${paths.sum.agrees ? "=" : "\\ne"} ${towards(target.symbol)}`,
      },
    ],
  };
}

/** The product of the symbols, of what they are, of the numbers, and the result. */
function pathFormulas({ edges }: Paths, { factors, value }: Path, number: number): LatexLine[] {
  // a cost that is its own argument: the empty product
  if (factors.length === 0) return [{ math: `p_{${number}} = ${showLatex(value)}` }];
  const links = factors.slice(0, shownFactors);
  const more = factors.length > links.length ? " \\cdots" : "";
  const meanings = links.map(({ edge, value: factor }) => edges[edge].meaning?.latex ?? showLatex(factor));
  const dot = " \\cdot ";
  return [
    { math: `p_{${number}} = ${links.map(({ edge }) => edges[edge].symbol.latex).join("\\,")}${more}` },
    { math: `\\phantom{p_{${number}}} = ${meanings.map((meaning) => `(${meaning})`).join("\\,")}${more}` },
    {
      math: `\\phantom{p_{${number}}} = ${links.map(({ value: factor }) => (fromReal(factor) < 0 ? `(${showLatex(factor)})` : showLatex(factor))).join(dot)}${more} = ${showLatex(value)}`,
    },
  ];
}

function equationLines({ equations }: ExplanationDocument): Section {
  const title = "The four equations of backpropagation";
  if (equations.status === "refused")
    return { title, lines: [{ text: `Not written: ${equations.reason}.` }] };
  return {
    title,
    lines: [
      { math: equations.cost.formula.latex },
      ...equations.list.flatMap((equation): LatexLine[] => [
        { math: `\\text{${equation.name}, layer ${equation.layer}:}\\quad ${equation.symbolic.latex}` },
        { math: withSymbol(equation).latex },
        ...(equation.value.values.elements === null
          ? []
          : [{ math: `${equation.result.latex} = ${matrixLatex(equation.value)}` }]),
      ]),
      ...equations.cost.cancellation.flatMap(({ formula, substituted }) => [
        { math: formula.latex },
        { math: substituted.latex },
      ]),
    ],
  };
}

/** The substituted formula with its left side as a symbol instead of text. */
export function withSymbol({ result, substituted }: Equation): Formula {
  const { text, latex } = substituted;
  return latex.startsWith(result.text)
    ? { text, latex: result.latex + latex.slice(result.text.length) }
    : substituted;
}

function derivationLines({ derivation }: ExplanationDocument): LatexLine[] {
  if (!("length" in derivation)) return [{ text: `Not written: ${derivation.reason}.` }];
  const left = derivation.length - shownLines;
  return [
    { text: "Every line of the graph, values forward and adjoints backward:" },
    ...derivation.slice(0, shownLines).map(({ formula }) => ({ math: formula.latex })),
    ...(left > 0 ? [{ text: `… ${left} more lines` }] : []),
  ];
}

function checkLines({ check }: ExplanationDocument): Section {
  const { verdict, reason, analytic, numeric, step, error } = check;
  const said = { ok: "They agree", wrong: "They DISAGREE", inconclusive: "Inconclusive" }[verdict];
  return {
    title: "Check by centred differences, in float64",
    lines: [
      {
        math: `\\frac{C(w + h) - C(w - h)}{2h} = ${showLatex(numeric, 9)} \\text{ at } h = ${showLatex(step, 3)},\\quad \\text{by reverse mode } ${showLatex(analytic, 9)}`,
      },
      { text: `${said}${reason === null ? "" : `: ${reason}`}; the relative error is ${show(error, 2)}.` },
    ],
  };
}
