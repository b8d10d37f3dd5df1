/** An explanation: a document and its renderings. */
import type { ExplanationDocument } from "./document.js";
import { toHtml } from "./render/html.js";
import { type LatexOptions, toLatex } from "./render/latex.js";
import { type TextPart, toText } from "./text.js";

/**
 * Why a derivative is what it is. The document is all there is; everything else is a rendering of it.
 *
 * @example
 * import { explain } from "adjoint/explain";
 * const explanation = explain((w, x) => w.mul(x).sigmoid(), [0.5, 2], { of: "w" });
 * explanation.toText().split("\n")[0]; // → ∂C/∂w = 0.393224
 */
export class Explanation {
  readonly document: ExplanationDocument;

  constructor(document: ExplanationDocument) {
    this.document = document;
  }

  /** Plain text in 80 columns: everything, or the head and these parts. */
  toText(parts?: readonly TextPart[]): string {
    return toText(this.document, parts);
  }

  /** The document: plain data, with a `format` and a `version`. */
  toJSON(): ExplanationDocument {
    return this.document;
  }

  /**
   * LaTeX: one formula of many lines that KaTeX, MathJax and any document in math mode take, or with `standalone` a file for a
   * TeX engine.
   *
   * @example
   * import { explain } from "adjoint/explain";
   * explain((w) => w.mul(w), [3], { of: "w" }).toLatex().includes("= 6"); // → true
   */
  toLatex(options?: LatexOptions): string {
    return toLatex(this.document, options);
  }

  /**
   * One HTML page that works from disk: the graph drawn, values and adjoints to point at, paths to walk along, formulas set by
   * KaTeX with its fonts inside. It loads nothing. In Node.
   *
   * @throws AdjointError `missing-package` where `katex` is not installed
   * @example
   * import { explain } from "adjoint/explain";
   * (await explain((w) => w.mul(w), [3], { of: "w" }).toHtml()).includes("is 6"); // → true
   */
  toHtml(): Promise<string> {
    return toHtml(this.document);
  }

  /** The text. */
  toString(): string {
    return this.toText();
  }
}
