/**
 * What of a graph is drawn: every value where there are few, else groups of operations that follow each other: those of a layer, of
 * a line of the source, or simply the next so many.
 */
import type { ExplanationDocument, Formula, GraphNode, GraphOperation } from "../document.js";
import { briefPlace } from "./html-brief.js";

/** Boxes of a drawing at most. */
const largestDrawing = 140;

/** A box of the drawing. */
export interface DrawnBox {
  readonly kind: "input" | "constant" | "result" | "group";
  readonly title: string;
  /** The operation behind it, in a few words. */
  readonly caption: string;
  /** The nodes it stands for, the one that others read first. */
  readonly nodes: readonly number[];
  readonly operations: readonly number[];
}

/** Boxes in the order of computation, and who reads whom, by positions. */
export interface Boxes {
  readonly boxes: readonly DrawnBox[];
  readonly edges: readonly (readonly [number, number])[];
  /** The box of each node that has one. */
  readonly boxOf: ReadonlyMap<number, number>;
  readonly grouped: boolean;
}

const views = new Set(["broadcast", "reshape", "permute", "cast", "alias", "barrier"]);
const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const subscripts = "₀₁₂₃₄₅₆₇₈₉";

/** A symbol in a line of text, with its small numbers: `W¹`, `v₇`. */
export function smallSymbol({ text, latex }: Formula): string {
  const found = /^(\p{L})([\^_])\{(\d+)\}$/u.exec(latex);
  if (found === null) return text;
  const digits = found[2] === "^" ? superscripts : subscripts;
  return found[1] + [...found[3]].map((digit) => [...digits][Number(digit)]).join("");
}

/** A view of one thing that has no name of its own, as z1 has, is not worth a box. */
function isSeenThrough(node: GraphNode, { operations }: ExplanationDocument["graph"]): boolean {
  if (node.operation === null || !/^v\d+$/.test(node.symbol.text)) return false;
  const { primitive, inputs } = operations[node.operation];
  return views.has(primitive) && inputs.length === 1;
}

export function boxesOf(document: ExplanationDocument): Boxes {
  const { graph, cost, target } = document;
  const shown = graph.nodes.filter(
    (node) =>
      node.id === cost.node ||
      node.id === target.node ||
      (!isSeenThrough(node, graph) && isInteresting(node)),
  );
  return shown.length <= largestDrawing ? single(document, shown) : grouped(document);
}

/** A number beside a tensor stands in the formula, as often as it is repeated; it needs no box. */
function isInteresting({ kind, value }: GraphNode): boolean {
  return kind !== "constant" || value.min !== value.max;
}

function single({ graph }: ExplanationDocument, shown: readonly GraphNode[]): Boxes {
  const position = new Map(shown.map(({ id }, i) => [id, i]));
  /** The box a value is shown by, views seen through. */
  const boxOf = (id: number): number | undefined => {
    for (let at = id; ; ) {
      const known = position.get(at);
      if (known !== undefined) return known;
      const { operation } = graph.nodes[at];
      if (operation === null) return undefined;
      at = graph.operations[operation].inputs[0];
    }
  };
  const edges = shown.flatMap(({ operation }, to) => {
    if (operation === null) return [];
    const sources = new Set(graph.operations[operation].inputs.map(boxOf));
    return [...sources].flatMap((from): [number, number][] =>
      from === undefined || from === to ? [] : [[from, to]],
    );
  });
  const boxes = shown.map((node): DrawnBox => {
    const operation = node.operation === null ? null : graph.operations[node.operation];
    return {
      kind: node.kind,
      title: smallSymbol(node.symbol),
      caption: operation === null ? (node.name === node.symbol.text ? "" : node.name) : operation.primitive,
      nodes: [node.id],
      operations: operation === null ? [] : [operation.id],
    };
  });
  const known = graph.nodes.flatMap(({ id }): [number, number][] => {
    const at = boxOf(id);
    return at === undefined ? [] : [[id, at]];
  });
  return { boxes, edges, boxOf: new Map(known), grouped: false };
}

interface Run {
  title: string;
  readonly operations: GraphOperation[];
}

/** Runs of operations that belong together, in order: so no group depends on a later one. */
function runsOf({
  graph,
  equations,
}: ExplanationDocument): { title: string; operations: GraphOperation[] }[] {
  const layerEnds = new Map<number, string>();
  if (equations.status === "recognised")
    for (const { layer, z, a } of equations.layers) {
      const maker = graph.nodes[a ?? z].operation;
      if (maker !== null) layerEnds.set(maker, `layer ${layer}`);
    }
  const runs: Run[] = [];
  let key = "";
  let started = false;
  for (const operation of graph.operations) {
    const line = operation.place === null ? "" : briefPlace(operation.place);
    const call = operation.calls.find((name) => name.includes(".")) ?? operation.calls[0] ?? "";
    const own = layerEnds.size > 0 ? "" : `${line} ${call}`;
    if (!started || own !== key) runs.push({ title: `${call || line || "operations"}`, operations: [] });
    started = true;
    key = own;
    const run = runs[runs.length - 1];
    run.operations.push(operation);
    const end = layerEnds.get(operation.id);
    if (end !== undefined) {
      run.title = end;
      started = false;
    }
  }
  if (layerEnds.size > 0 && !started) return runs;
  if (layerEnds.size > 0) runs[runs.length - 1].title = "cost";
  return runs;
}

/** Few enough runs: neighbours joined where there are too many, and one long run (a loop on one line) cut into parts. */
function joined(runs: readonly Run[], most: number): Run[] {
  const all = runs.flatMap(({ operations }) => operations);
  const isLong = runs.length < 3 && all.length > most;
  if (runs.length <= most && !isLong) return [...runs];
  const size = Math.ceil(all.length / (isLong ? 40 : most));
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => {
    const operations = all.slice(i * size, (i + 1) * size);
    const first = i * size + 1;
    return { title: `${first} to ${first + operations.length - 1}`, operations };
  });
}

function grouped(document: ExplanationDocument): Boxes {
  const { graph, target } = document;
  const groups = joined(runsOf(document), largestDrawing - 40);
  const boxOfNode = new Map<number, number>();
  const inputs = graph.nodes.filter(({ kind, id }) => kind === "input" || id === target.node).slice(0, 40);
  const boxes: DrawnBox[] = inputs.map((node, i) => {
    boxOfNode.set(node.id, i);
    return {
      kind: node.kind === "constant" ? "constant" : "input",
      title: smallSymbol(node.symbol),
      caption: node.name === node.symbol.text ? "" : node.name,
      nodes: [node.id],
      operations: [],
    };
  });
  for (const { title, operations } of groups) {
    const made = operations.flatMap(({ outputs }) => outputs);
    for (const id of made) boxOfNode.set(id, boxes.length);
    boxes.push({
      kind: "group",
      title,
      caption: `${operations.length} ${operations.length === 1 ? "operation" : "operations"}`,
      nodes: [...made].reverse(),
      operations: operations.map(({ id }) => id),
    });
  }
  const edges = new Map<string, [number, number]>();
  for (const operation of graph.operations) {
    const to = boxOfNode.get(operation.outputs[0]);
    for (const input of operation.inputs) {
      const from = boxOfNode.get(input);
      if (from !== undefined && to !== undefined && from !== to) edges.set(`${from} ${to}`, [from, to]);
    }
  }
  return { boxes, edges: [...edges.values()], boxOf: boxOfNode, grouped: true };
}
