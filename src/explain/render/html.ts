/**
 * An explanation as one page that works from disk: formulas set, the graph drawn, fonts and script inside, nothing loaded. A
 * content security policy in the page forbids it to try.
 */

import { escapeHtml, scriptJson } from "../../util/html-escape.js";
import type { ExplanationDocument } from "../document.js";
import { show } from "../numbers.js";
import { bytes } from "../text.js";
import { type Boxes, boxesOf } from "./html-boxes.js";
import { cardHtml } from "./html-cards.js";
import { equationsHtml } from "./html-equations.js";
import { graphSvg } from "./html-graph.js";
import { loadKatex, Typesetter } from "./html-math.js";
import { pathsHtml } from "./html-paths.js";
import { assumptionsHtml, checkHtml, derivationHtml, storyHtml } from "./html-rest.js";
import { pageScript } from "./html-script.js";
import { pageStyle } from "./html-style.js";
import { textbookHtml } from "./html-textbook.js";

interface Section {
  readonly id: string;
  readonly title: string;
  readonly short: string;
  readonly content: string;
}

/** The page of a document. */
export async function toHtml(document: ExplanationDocument): Promise<string> {
  const math = new Typesetter(await loadKatex());
  // in the order of what is needed most: the later ones are text where the page has enough formulas
  const head = headHtml(document, math);
  const paths = pathsHtml(document, math);
  const equations = equationsHtml(document, math);
  const textbook = textbookHtml(document, math);
  const boxes = boxesOf(document);
  const graph = graphHtml(document, boxes, math);
  const derivation = derivationHtml(document, math);
  const story = storyHtml(document);
  const sections: Section[] = [
    { id: "graph-section", title: "The graph", short: "Graph", content: graph },
    {
      id: "paths",
      title: `The paths from the cost to ${document.target.name}`,
      short: "Paths",
      content: story === "" ? paths : `<div class="beside"><div>${paths}</div>${aside(story)}</div>`,
    },
    {
      id: "equations",
      title: "The four equations of backpropagation",
      short: "Equations",
      content: equations,
    },
    {
      id: "derivation",
      title: "The derivation",
      short: "Derivation",
      content: `${textbook}<details><summary>Every line of the graph</summary>${derivation}</details>`,
    },
    {
      id: "check",
      title: "The check by differences",
      short: "Check",
      content: checkHtml(document),
    },
    {
      id: "assumptions",
      title: "What this holds under",
      short: "Assumptions",
      content: assumptionsHtml(document),
    },
  ].filter(({ content }) => content !== "");
  return pageHtml(document, head, sections, boxes, await math.style());
}

function aside(story: string): string {
  return `<aside aria-labelledby="story"><h3 id="story">The story</h3>${story}</aside>`;
}

function pageHtml(
  document: ExplanationDocument,
  head: string,
  sections: readonly Section[],
  boxes: Boxes,
  mathStyle: string,
): string {
  const data = { boxOf: Object.fromEntries(boxes.boxOf), order: backwardOrder(document, boxes) };
  return [
    "<!doctype html>",
    '<html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; font-src data:; img-src data:">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<link rel="icon" href="data:,">',
    `<title>${escapeHtml(`∂C/∂${document.target.name} explained`)}</title>`,
    `<style>${mathStyle}${pageStyle}</style>`,
    '<script>document.documentElement.classList.add("js")</script></head><body>',
    '<a class="skip" href="#main">Skip to the content</a>',
    `<div class="bar-top"><nav aria-label="Sections"><ul>${sections.map(({ id, short }) => `<li><a href="#${id}">${short}</a></li>`).join("")}</ul></nav><button id="theme" type="button" hidden>Theme: auto</button></div>`,
    head,
    '<main id="main">',
    ...sections.map(
      ({ id, title, content }) =>
        `<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${escapeHtml(title)}</h2>\n${content}\n</section>`,
    ),
    "</main>",
    `<footer>adjoint, explanation format ${document.version}. All numbers are of one run at the given arguments.</footer>`,
    `<script type="application/json" id="data">${scriptJson(data)}</script>`,
    `<script>${pageScript}</script>`,
    "</body></html>",
    "",
  ].join("\n");
}

function headHtml({ target, cost, graph }: ExplanationDocument, math: Typesetter): string {
  const slope = Number(target.adjoint);
  const direction =
    slope === 0
      ? "A small change of it changes nothing."
      : `Raising it a little ${slope > 0 ? "raises" : "lowers"} the cost, so descent ${slope > 0 ? "lowers" : "raises"} it.`;
  const chosen = target.chosen === "largest" ? ", the largest derivative of its tensor" : "";
  const derivative = {
    text: `∂C/∂${target.symbol.text}`,
    latex: `\\frac{\\partial C}{\\partial ${target.symbol.latex}}`,
  };
  const again =
    graph.recomputedBytes > 0 ? `, and ${bytes(graph.recomputedBytes)} are computed again there` : "";
  return [
    '<header class="top">',
    `<h1>Why ∂C/∂${escapeHtml(target.name)} is ${show(target.adjoint, 9)}</h1>`,
    `<p class="answer">${math.set(derivative)} = <strong>${show(target.adjoint, 9)}</strong>. ${direction}</p>`,
    `<p>The cost C is ${show(cost.value, 9)} and ${escapeHtml(target.name)} is ${show(target.value, 9)}${chosen}. ${graph.operations.length.toLocaleString("en")} operations; ${bytes(graph.savedBytes)} of ${bytes(graph.totalBytes)} are kept for the backward pass${again}.</p>`,
    "</header>",
  ].join("\n");
}

/** Boxes in the order in which their adjoints are complete: once everything that reads them has passed its own back. */
function backwardOrder({ graph }: ExplanationDocument, { boxes, grouped }: Boxes): number[] {
  if (grouped) return [];
  const firstReader = new Map<number, number>();
  for (const { id, inputs } of [...graph.operations].reverse())
    for (const input of inputs) firstReader.set(input, id);
  const last = graph.operations.length;
  return boxes
    .map(({ nodes }, i) => ({ i, node: graph.nodes[nodes[0]] }))
    .filter(({ node }) => node.adjoint !== null)
    .sort((a, b) => (firstReader.get(b.node.id) ?? last) - (firstReader.get(a.node.id) ?? last))
    .map(({ i }) => i);
}

function graphHtml(document: ExplanationDocument, boxes: Boxes, math: Typesetter): string {
  const { boxes: drawn, grouped } = boxes;
  if (drawn.length === 0) return "";
  const steps = backwardOrder(document, boxes).length;
  const slider =
    steps === 0
      ? ""
      : `<div class="controls" id="backward-controls" hidden><label for="backward">Backward pass</label><button type="button" id="backward-less" aria-label="One step less">←</button><input type="range" id="backward" min="0" max="${steps}" value="${steps}"><button type="button" id="backward-more" aria-label="One step more">→</button><output id="backward-said" aria-live="polite"></output></div>`;
  const again = document.graph.recomputedBytes > 0;
  return [
    `<p>${
      grouped
        ? `${document.graph.operations.length.toLocaleString("en")} operations are drawn in groups of those that belong together.`
        : "Each box is a value: what it is, its numbers, and ∂C, the adjoint. Views such as broadcasts are seen through."
    } Point at a box, or tab to the drawing and go with the arrow keys.</p>`,
    slider,
    '<div class="graph"><div>',
    `<div class="canvas">${graphSvg(document, boxes)}</div>`,
    `<ul class="legend"><li><i class="i-input"></i>input</li>${drawn.some(({ kind }) => kind === "constant") ? '<li><i class="i-constant"></i>constant</li>' : ""}<li><i></i>${grouped ? "operations" : "result"}</li><li><i class="i-target"></i>what is explained</li>${grouped ? "" : "<li>● kept for the backward pass</li>"}${again && !grouped ? "<li>↻ computed again there</li>" : ""}</ul>`,
    "</div>",
    '<div id="panel" tabindex="-1" role="region" aria-label="The chosen box"><p class="hint">Point at a box: its value, adjoint, local derivatives and the line of the source appear here.</p></div>',
    "</div>",
    `<div id="cards">${drawn.map((box, i) => cardHtml(document, box, i, math)).join("\n")}</div>`,
  ].join("\n");
}
