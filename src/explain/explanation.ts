/** An explanation: a document and its renderings. */
import type { ExplanationDocument } from "./document.js";
import { toText } from "./text.js";

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

  /** Plain text in 80 columns. */
  toText(): string {
    return toText(this.document);
  }

  /** The document: plain data, with a `format` and a `version`. */
  toJSON(): ExplanationDocument {
    return this.document;
  }

  /** The text. */
  toString(): string {
    return this.toText();
  }
}
