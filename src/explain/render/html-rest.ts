/** The sections that are prose and tables: the story, the derivation, the check, the assumptions. */

import { escapeHtml } from "../../util/html-escape.js";
import type { Check, DerivationLine, ExplanationDocument } from "../document.js";
import { show } from "../numbers.js";
import { signed, tableHtml } from "./html-brief.js";
import type { Typesetter } from "./html-math.js";

/** Lines of the derivation that a page shows. */
const shownLines = 120;
const shownAssumptions = 40;

export function storyHtml({ narration }: ExplanationDocument): string {
  if (narration.length === 0) return "";
  const items = narration.map(({ text, numbers }) => {
    const facts = numbers.map(
      ({ symbol, value }) => `<span>${escapeHtml(symbol)} = <b>${escapeHtml(show(value))}</b></span>`,
    );
    return `<li>${escapeHtml(text)}${facts.length === 0 ? "" : `<div class="facts">${facts.join(" ")}</div>`}</li>`;
  });
  return `<ol class="story">${items.join("\n")}</ol>`;
}

export function derivationHtml({ derivation }: ExplanationDocument, math: Typesetter): string {
  if (!("length" in derivation)) return `<p>Not written: ${escapeHtml(derivation.reason)}.</p>`;
  const part = (phase: DerivationLine["phase"], title: string): string => {
    const lines = derivation.filter((line) => line.phase === phase);
    const shown = lines.slice(0, shownLines);
    return [
      `<div><h3>${title}</h3><ol class="lines">`,
      ...shown.map(({ formula }) => `<li>${math.set(formula)}</li>`),
      "</ol>",
      lines.length > shown.length
        ? `<p class="muted">… ${(lines.length - shown.length).toLocaleString("en")} more lines; all are in the JSON document.</p>`
        : "",
      "</div>",
    ].join("\n");
  };
  return `<div class="columns">${part("forward", "Values, from the inputs to the cost")}${part("backward", "Adjoints, from the cost back")}</div>`;
}

const verdicts: Readonly<Record<Check["verdict"], readonly [string, string]>> = {
  ok: ["good", "✓ agrees"],
  wrong: ["bad", "✗ WRONG"],
  inconclusive: ["unsure", "? inconclusive"],
};

export function checkHtml({ check }: ExplanationDocument): string {
  const { verdict, reason, analytic, numeric, step, error, sweep, oneSided } = check;
  const [name, text] = verdicts[verdict];
  const rows = sweep.map((row) => [
    show(row.step, 3),
    show(row.numeric, 9),
    show(row.error, 2),
    row.step === step ? "the most stable" : "",
  ]);
  return [
    `<p><strong class="${name}">${text}</strong>${reason === null ? "" : `: ${escapeHtml(reason)}`}. By reverse mode ${show(analytic, 9)}, by centred differences in float64 ${show(numeric, 9)}: a relative error of ${show(error, 2)}.</p>`,
    oneSided === null
      ? ""
      : `<p>The slope to the left is ${signed(oneSided.left)}, to the right ${signed(oneSided.right)}.</p>`,
    rows.length === 0
      ? ""
      : tableHtml([["step", "difference quotient", "relative error", ""], ...rows], {
          caption: "Centred differences for steps from large to small",
          numeric: [1, 2],
        }),
  ].join("\n");
}

export function assumptionsHtml({ assumptions }: ExplanationDocument): string {
  if (assumptions.length === 0) return "";
  const left = assumptions.length - shownAssumptions;
  return [
    "<ul>",
    ...assumptions.slice(0, shownAssumptions).map(({ text }) => `<li>${escapeHtml(text)}</li>`),
    "</ul>",
    left > 0 ? `<p class="muted">… ${left} more of the kind</p>` : "",
  ].join("\n");
}
