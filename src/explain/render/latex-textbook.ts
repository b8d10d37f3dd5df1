/** The derivation in textbook form, and as one formula, in LaTeX. */
import type { ExplanationDocument } from "../document.js";
import type { LatexLine } from "./latex.js";

export function textbookLines({ textbook }: ExplanationDocument): LatexLine[] {
  const { blocks, expansion } = textbook;
  return [
    { math: "\\overline{x} = \\frac{\\partial C}{\\partial x}" },
    ...(expansion.status === "expanded"
      ? [{ math: expansion.cost.latex }, { math: expansion.derivative.latex }]
      : [{ text: `Not as one formula: ${expansion.reason}.` }]),
    ...blocks.flatMap(({ title, forward, backward }): LatexLine[] => [
      { text: `In textbook form, ${title}:` },
      ...[...forward, ...backward].map(({ latex }) => ({ math: latex })),
    ]),
  ];
}
