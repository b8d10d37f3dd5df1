/** A report: a document and its renderings. */
import type { Finding, HealthDocument } from "./document.js";
import { healthText } from "./text.js";

/**
 * What was found of a network's health. The document is all there is; the text is a rendering of it.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(1, 1), new nn.Activation("sigmoid"));
 * const data = { x: tensor([[0], [1]]), y: tensor([[0], [5]]) };
 * const report = await explain.explain.health(model, data, { loss: "quadratic", steps: 0 });
 * report.findings.map(({ code }) => code); // → unreachable-targets
 */
export class HealthReport {
  readonly document: HealthDocument;

  constructor(document: HealthDocument) {
    this.document = document;
  }

  /** Causes first; empty for a healthy network. */
  get findings(): readonly Finding[] {
    return this.document.findings;
  }

  /** Plain text in 80 columns. */
  toText(): string {
    return healthText(this.document);
  }

  /** The document: plain data, with a `format` and a `version`. */
  toJSON(): HealthDocument {
    return this.document;
  }

  /** The text. */
  toString(): string {
    return this.toText();
  }
}
