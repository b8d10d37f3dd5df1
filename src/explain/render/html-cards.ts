/** What is said of one box of the drawing: value, adjoint, local derivatives, where it comes from. */

import { escapeHtml } from "../../util/html-escape.js";
import type { ExplanationDocument, GraphNode, GraphOperation } from "../document.js";
import { show } from "../numbers.js";
import { bytes } from "../text.js";
import type { DrawnBox } from "./html-boxes.js";
import { briefPlace, briefValues, shapeText, signed, tableHtml, valuesHtml } from "./html-brief.js";
import type { Typesetter } from "./html-math.js";

/** Local derivatives shown of one node, and operations of a group. */
const shownLocals = 6;
const shownMembers = 30;

/** The card of a box; the page's script shows it beside the drawing. */
export function cardHtml(
  document: ExplanationDocument,
  box: DrawnBox,
  position: number,
  math: Typesetter,
): string {
  const inside = box.kind === "group" ? groupCard(document, box) : nodeCard(document, box.nodes[0], math);
  return `<article class="card" id="card-${position}">${inside}</article>`;
}

function nodeCard(document: ExplanationDocument, id: number, math: Typesetter): string {
  const { graph, cost, target } = document;
  const node = graph.nodes[id];
  const operation = node.operation === null ? null : graph.operations[node.operation];
  const role =
    id === cost.node
      ? "the cost"
      : id === target.node
        ? `what is explained, ${target.name}`
        : { input: "an input", constant: "held constant", result: operation?.primitive ?? "" }[node.kind];
  const name = node.name === node.symbol.text ? "" : ` <span class="muted">${escapeHtml(node.name)}</span>`;
  return [
    `<h3>${math.set(node.symbol)}${name}</h3>`,
    `<p class="muted">${escapeHtml(role)}; ${shapeText(node.shape)}, ${node.dtype}, ${bytes(node.bytes)}</p>`,
    operation === null ? "" : `<p>${math.set(operation.forward)}</p>`,
    `<h4>Value</h4>${valuesHtml(node.value, node.shape)}`,
    node.adjoint === null
      ? '<h4>Adjoint</h4><p class="muted">none: the cost does not depend on it smoothly</p>'
      : `<h4>Adjoint, how the cost changes with it</h4>${valuesHtml(node.adjoint, node.shape)}`,
    localsHtml(document, node, math),
    operation === null ? "" : backwardHtml(operation, math),
    `<p>${keptText(node)}</p>`,
    operation === null ? "" : sourceHtml(operation),
  ].join("\n");
}

function keptText({ saved, recomputed, kind }: GraphNode): string {
  if (!saved) return "The backward pass does not read its value: it need not be kept.";
  if (recomputed)
    return '<span class="badge again">↻ recomputed</span> A checkpoint computes it again on the backward pass instead of keeping it.';
  const how = kind === "result" ? "kept from the forward pass" : "there anyway, as an input is";
  return `<span class="badge kept">● kept</span> The backward pass reads its value: it is ${how}.`;
}

/** Numbers of the partial derivatives on the paths that go through the node. */
function localsHtml({ paths }: ExplanationDocument, node: GraphNode, math: Typesetter): string {
  if (paths.status === "refused") return "";
  const own = paths.edges.filter(({ from }) => paths.vertices[from].node === node.id);
  if (own.length === 0) return "";
  const rows = own
    .slice(0, shownLocals)
    .map(({ symbol, meaning, value, linear }) => [
      math.set(symbol),
      meaning === null ? "" : math.set(meaning),
      signed(value),
      linear ? "exact" : "local",
    ]);
  const left = own.length - rows.length;
  return [
    "<h4>Local derivatives, on the paths to the target</h4>",
    tableHtml([["", "which is", "value", "slope"], ...rows], {
      caption: "Local derivatives",
      numeric: [2],
    }),
    left > 0 ? `<p class="muted">… ${left} more</p>` : "",
  ].join("\n");
}

function backwardHtml({ backward }: GraphOperation, math: Typesetter): string {
  if (backward.length === 0) return "";
  return `<h4>What it passes back</h4><ul class="plain">${backward.map((rule) => `<li>${math.set(rule)}</li>`).join("")}</ul>`;
}

function sourceHtml({ place, calls, flops }: GraphOperation): string {
  const where =
    place === null
      ? "no line of yours is known for it"
      : `<code title="${escapeHtml(`${place.file}:${place.line}:${place.column}`)}">${escapeHtml(briefPlace(place))}</code>`;
  const way = calls.length === 0 ? "" : ` by <code>${escapeHtml(calls.join(" › "))}</code>`;
  return `<p class="source">Asked for at ${where}${way}; ${flops.toLocaleString("en")} floating-point ${flops === 1 ? "operation" : "operations"}.</p>`;
}

function groupCard({ graph }: ExplanationDocument, { title, operations }: DrawnBox): string {
  const members = operations.map((id) => graph.operations[id]);
  const first = members.find(({ place }) => place !== null)?.place ?? null;
  const total = members.reduce((sum, { flops }) => sum + flops, 0);
  const rows = members.slice(0, shownMembers).map(({ forward, outputs }) => {
    const node = graph.nodes[outputs[0]];
    return [
      escapeHtml(forward.text),
      escapeHtml(briefValues(node.value)),
      node.adjoint === null ? "" : escapeHtml(briefValues(node.adjoint)),
      node.saved ? (node.recomputed ? "again" : "kept") : "",
    ];
  });
  const left = members.length - rows.length;
  return [
    `<h3>${escapeHtml(title)}</h3>`,
    `<p class="muted">${members.length} operations${first === null ? "" : `, the first at <code>${escapeHtml(briefPlace(first))}</code>`}; ${show(total, 4)} floating-point operations</p>`,
    tableHtml([["operation", "value", "adjoint", ""], ...rows], { caption: `The operations of ${title}` }),
    left > 0 ? `<p class="muted">… ${left.toLocaleString("en")} more operations</p>` : "",
  ].join("\n");
}
