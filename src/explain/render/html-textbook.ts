/** The derivation in textbook form, and as one formula. */

import { escapeHtml } from "../../util/html-escape.js";
import type { ExplanationDocument, Formula, TextbookBlock } from "../document.js";
import { show } from "../numbers.js";
import type { Typesetter } from "./html-math.js";

/** Parts shown. */
const shownBlocks = 24;

export function textbookHtml({ textbook }: ExplanationDocument, math: Typesetter): string {
  const { blocks, expansion } = textbook;
  const left = blocks.length - shownBlocks;
  return [
    `<p>${math.set({ text: "a bar", latex: "\\overline{x}" })} is ${math.set({ text: "∂C/∂x", latex: "\\frac{\\partial C}{\\partial x}" })}, the adjoint, and ${math.set({ text: "⊙", latex: "\\odot" })} multiplies element by element.</p>`,
    expansion.status === "expanded"
      ? `<h3>As one formula</h3>${math.set(expansion.cost, true)}${math.set(expansion.derivative, true)}`
      : `<p class="muted">Not as one formula: ${escapeHtml(expansion.reason)}.</p>`,
    blocks.length === 0
      ? '<p class="muted">No part of it has a textbook form of its own; read it line by line.</p>'
      : "",
    ...blocks.slice(0, shownBlocks).map((block) => blockHtml(block, math)),
    left > 0 ? `<p class="muted">… ${left} more parts</p>` : "",
  ].join("\n");
}

function blockHtml({ title, forward, backward, operations, check }: TextbookBlock, math: Typesetter): string {
  const lines = (formulas: readonly Formula[]): string =>
    formulas.map((formula) => math.set(formula, true)).join("");
  return [
    `<section class="equation"><h3>${escapeHtml(title.slice(0, 1).toUpperCase() + title.slice(1))}</h3>`,
    '<ol class="steps">',
    `<li><span class="tag">forward</span><div>${lines(forward)}</div></li>`,
    `<li><span class="tag">backward</span><div>${lines(backward)}</div></li>`,
    "</ol>",
    `<p class="muted">In place of ${operations.length} ${operations.length === 1 ? "operation" : "operations"}; computed as written it differs from the graph by ${show(check.difference, 2)} at most, rounding allows ${show(check.tolerance, 2)}.</p>`,
    "</section>",
  ].join("\n");
}
