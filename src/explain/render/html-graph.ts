/** The graph as a drawing: boxes that can be pointed at or reached with the keyboard, lines from what is read to what reads it. */

import { escapeHtml } from "../../util/html-escape.js";
import type { ExplanationDocument, GraphNode } from "../document.js";
import { cut } from "../text-layout.js";
import type { Boxes, DrawnBox } from "./html-boxes.js";
import { briefValues } from "./html-brief.js";
import { layOut, type Placed } from "./html-layout.js";

/** Width of a letter of the drawing's text, in its units. */
const letter = 7.1;
const boldLetter = 8.2;
const rowHeight = 16;

interface Label {
  readonly title: string;
  readonly value: string;
  readonly adjoint: string;
}

function labelOf({ title, caption, kind, nodes }: DrawnBox, graph: ExplanationDocument["graph"]): Label {
  const node: GraphNode | undefined = graph.nodes[nodes[0]];
  const head = kind === "result" ? `${title} = ${caption}` : title;
  if (kind === "group" || node === undefined) return { title: cut(title, 24), value: caption, adjoint: "" };
  return {
    title: cut(head, 24),
    value: cut(briefValues(node.value), 22),
    adjoint: node.adjoint === null ? "" : cut(`∂C ${briefValues(node.adjoint)}`, 22),
  };
}

/** Smooth from point to point, leaving and arriving upright. */
function curve(points: readonly Placed[]): string {
  const [first, ...rest] = points;
  let path = `M${round(first.x)} ${round(first.y)}`;
  let from = first;
  for (const to of rest) {
    const middle = (from.y + to.y) / 2;
    path += `C${round(from.x)} ${round(middle)} ${round(to.x)} ${round(middle)} ${round(to.x)} ${round(to.y)}`;
    from = to;
  }
  return path;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** The drawing as SVG. Boxes are numbered by `data-box`; the one of the cost has the focus first. */
export function graphSvg(document: ExplanationDocument, { boxes, edges, grouped }: Boxes): string {
  const { graph, cost, target } = document;
  const labels = boxes.map((box) => labelOf(box, graph));
  const sizes = labels.map(({ title, value, adjoint }) => ({
    width: Math.max(
      72,
      Math.max(title.length * boldLetter, value.length * letter, adjoint.length * letter) + 20,
    ),
    height: 14 + rowHeight * (adjoint === "" ? 2 : 3),
  }));
  const drawing = layOut(sizes, edges);
  const lines = edges.map(
    ([from, to], i) =>
      `<path class="edge" data-from="${from}" data-to="${to}" d="${curve(drawing.lines[i])}" marker-end="url(#tip)"/>`,
  );
  const start = boxes.findIndex(({ nodes }) => nodes.includes(cost.node));
  const drawn = boxes.map((box, i) => {
    const { width, height } = sizes[i];
    const { x, y } = drawing.places[i];
    const { title, value, adjoint } = labels[i];
    const node = graph.nodes[box.nodes[0]];
    const classes = ["box", box.kind];
    if (box.nodes.includes(cost.node)) classes.push("cost");
    if (box.nodes.includes(target.node)) classes.push("target");
    const mark = box.kind === "group" || !node.saved ? "" : node.recomputed ? "again" : "kept";
    const spoken = `${title}, ${value}${adjoint === "" ? "" : `, adjoint ${adjoint.slice(3)}`}${mark === "" ? "" : `, ${mark === "kept" ? "kept for the backward pass" : "computed again on the backward pass"}`}`;
    const text = (row: number, name: string, content: string): string =>
      content === ""
        ? ""
        : `<text class="${name}" y="${round(-height / 2 + 18 + row * rowHeight)}">${escapeHtml(content)}</text>`;
    return [
      `<g class="${classes.join(" ")}" data-box="${i}" transform="translate(${round(x)} ${round(y)})" role="button" tabindex="${i === Math.max(0, start) ? 0 : -1}" aria-label="${escapeHtml(spoken)}">`,
      `<rect x="${round(-width / 2)}" y="${round(-height / 2)}" width="${round(width)}" height="${height}" rx="${box.kind === "result" ? 6 : 14}"/>`,
      text(0, "name", title),
      text(1, "value", value),
      text(2, "adjoint", adjoint),
      mark === ""
        ? ""
        : `<g class="mark ${mark}" aria-hidden="true" transform="translate(${round(width / 2)} ${round(-height / 2)})"><circle r="7"/><text y="3.5">${mark === "kept" ? "●" : "↻"}</text></g>`,
      "</g>",
    ].join("");
  });
  const name = grouped
    ? `The graph, ${graph.operations.length} operations in groups`
    : `The graph of ${graph.operations.length} operations`;
  return [
    `<svg id="graph" viewBox="0 0 ${drawing.width} ${drawing.height}" width="${drawing.width}" height="${drawing.height}" style="--natural:${drawing.width}px" role="group" aria-label="${name}, from the inputs above to the cost below">`,
    `<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>`,
    ...lines,
    ...drawn,
    "</svg>",
  ].join("\n");
}
