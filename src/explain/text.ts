/** An explanation as plain text in 80 columns: nothing is lost without colour. */
import type { ExplanationDocument, GraphNode, SourcePlace, Values } from "./document.js";
import { fromReal, show } from "./numbers.js";
import { equationsText } from "./text-equations.js";
import { cut, heading, lineWidth, more, placeText, table, wrap } from "./text-layout.js";
import { pathsText } from "./text-paths.js";

/** Operations of the graph that are shown. */
const shownOperations = 40;

/** The parts of the text after its head, in their order. */
export type TextPart = "graph" | "paths" | "equations" | "story" | "check" | "assumptions";

const partTexts: Readonly<Record<TextPart, (document: ExplanationDocument) => string[]>> = {
  graph: graphText,
  paths: pathsText,
  equations: equationsText,
  story: narrationText,
  check: checkText,
  assumptions: assumptionsText,
};

export const textParts = Object.keys(partTexts) as TextPart[];

/** The head, and all parts or those asked for. */
export function toText(document: ExplanationDocument, parts: readonly TextPart[] = textParts): string {
  const shown = textParts.filter((part) => parts.includes(part));
  return [...headText(document), ...shown.flatMap((part) => partTexts[part](document)), ""].join("\n");
}

function headText({ target, cost, graph }: ExplanationDocument): string[] {
  const slope = fromReal(target.adjoint);
  const digits = graph.nodes[target.node].dtype === "float64" ? 9 : 6;
  const direction =
    slope === 0
      ? "A small change of it changes nothing."
      : `Raising it a little ${slope > 0 ? "raises" : "lowers"} the cost, so descent ${slope > 0 ? "lowers" : "raises"} it.`;
  const chosen = target.chosen === "largest" ? " (the largest derivative of its tensor)" : "";
  const symbol = target.symbol.text === target.name ? "" : `, ${target.symbol.text} below`;
  return [
    `∂C/∂${target.name} = ${show(target.adjoint, digits)}`,
    "═".repeat(lineWidth),
    ...wrap(
      `The cost C is ${show(cost.value, digits)} and ${target.name} is ${show(target.value, digits)}${symbol}${chosen}. ${direction}`,
    ),
    ...wrap(
      `${graph.operations.length.toLocaleString("en")} operations; ${bytes(graph.savedBytes)} of ${bytes(graph.totalBytes)} kept for the backward pass${graph.recomputedBytes > 0 ? `, ${bytes(graph.recomputedBytes)} computed again there` : ""}.`,
    ),
  ];
}

/** `1.2 kB` */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  const units = ["kB", "MB", "GB"];
  let value = count / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${show(value, 3)} ${units[unit]}`;
}

/** One number, two, or from … to. */
function brief({ size, elements, min, max }: Values): string {
  if (size === 0) return "empty";
  if (elements !== null && size <= 2)
    return elements.map((value) => show(value, size === 1 ? 6 : 3)).join(", ");
  return `${show(min, 3)} … ${show(max, 3)}`;
}

function graphText({ graph, cost }: ExplanationDocument): string[] {
  const line = (node: GraphNode, formula: string): string[] => [
    formula,
    `[${node.shape.join(",")}]`,
    brief(node.value),
    node.adjoint === null ? "" : brief(node.adjoint),
    node.saved ? (node.recomputed ? "again" : "kept") : "",
  ];
  const inputs = graph.nodes.filter(({ kind }) => kind === "input").slice(0, shownOperations);
  const operations = graph.operations.slice(0, shownOperations);
  const rows = [
    ["value", "shape", "is", "∂C/∂it", ""],
    ...inputs.map((node) =>
      line(node, node.symbol.text === node.name ? node.name : `${node.symbol.text} = ${node.name}`),
    ),
    ...operations.map(({ outputs, forward }) => line(graph.nodes[outputs[0]], forward.text)),
  ];
  const lines = table(rows, [{ most: 28 }, { most: 10 }, { most: 18 }, { most: 18 }, { most: 5 }], "  ");
  const places = operations.map(({ place, calls }) => siteText(place, calls));
  return [
    ...heading(`What was computed, and the adjoint of every value (${graph.nodes[cost.node].dtype})`),
    ...lines.slice(0, 1 + inputs.length),
    // the line of the user's code above what it led to
    ...lines
      .slice(1 + inputs.length)
      .flatMap((text, i) => (places[i] === places[i - 1] || places[i] === "" ? [text] : [places[i], text])),
    ...more(graph.operations.length - operations.length, "operations"),
  ];
}

/** `net.ts:12  Sequential.forward › Linear.forward` */
function siteText(place: SourcePlace | null, calls: readonly string[]): string {
  const way = calls.slice(0, -1).filter((call, i) => call !== calls[i - 1]);
  return cut(`${placeText(place)}${way.length > 0 ? `  ${way.join(" › ")}` : ""}`, lineWidth);
}

function narrationText({ narration }: ExplanationDocument): string[] {
  if (narration.length === 0) return [];
  return [...heading("The story"), ...narration.flatMap(({ text }) => wrap(text))];
}

function checkText({ check }: ExplanationDocument): string[] {
  const { verdict, reason, analytic, numeric, step, error, sweep, oneSided } = check;
  const verdicts = { ok: "✓ agrees", wrong: "✗ WRONG", inconclusive: "? inconclusive" };
  const rows = sweep.map((row) => [
    show(row.step, 3),
    show(row.numeric, 9),
    show(row.error, 2),
    row.step === step ? "← the most stable" : "",
  ]);
  return [
    ...heading("Check by centred differences, in float64"),
    ...table(
      [["step", "(C(w + h) − C(w − h)) / 2h", "relative error", ""], ...rows],
      [{ align: "right" }, { align: "right" }, { align: "right" }, {}],
    ),
    ...wrap(
      `${verdicts[verdict]}${reason === null ? "" : `: ${reason}`}. By reverse mode ${show(analytic, 9)}, by differences ${show(numeric, 9)}: ${show(error, 2)} apart.`,
    ),
    ...(oneSided === null
      ? []
      : wrap(`Slope to the left ${show(oneSided.left)}, to the right ${show(oneSided.right)}.`)),
  ];
}

function assumptionsText({ assumptions }: ExplanationDocument): string[] {
  if (assumptions.length === 0) return [];
  const shown = assumptions.slice(0, 20);
  return [
    ...heading("This holds under"),
    ...shown.flatMap(({ text }) => wrap(`· ${text}`, "  ")),
    ...more(assumptions.length - shown.length, "of the kind"),
  ];
}
