/** The first path as a journey: its stations, what each link is, and the quantities along it. */
import type { Edge, ExplanationDocument, Layer, Path, Paths, Real } from "../document.js";
import { flattenIndex } from "../names.js";
import { fromReal } from "../numbers.js";
import { type Quantity, quantity } from "./told.js";

/** What a factor is in a network, where that is known. */
export type LinkKind = "cost" | "activation" | "weight" | "input" | "bias" | "other";

/** One factor of the path that is told. */
export interface Link {
  readonly at: number;
  readonly edge: Edge;
  readonly kind: LinkKind;
  readonly layer: Layer | null;
  /** The stations it leads from, nearer the cost, and to. */
  readonly from: string;
  readonly to: string;
  readonly factor: Quantity;
  /** The product of all factors up to it. */
  readonly sofar: Quantity;
}

/** The listed path of largest magnitude, link by link; null where there is none to tell. */
export function journeyOf(document: ExplanationDocument): readonly Link[] | null {
  const { paths } = document;
  if (paths.status === "refused" || paths.listed.length === 0) return null;
  // a cost that is its own argument has a path without links
  if (paths.listed[0].factors.length === 0) return null;
  return paths.listed[0].factors.map((_, at) => linkAt(document, paths, at));
}

function linkAt(document: ExplanationDocument, paths: Paths, at: number): Link {
  const id = paths.listed[0].factors[at].edge;
  const edge = paths.edges[id];
  const upper = paths.vertices[edge.from];
  const lower = paths.vertices[edge.to];
  const layer = layerWith(document, upper.node, lower.node);
  const meaning = edge.meaning?.text ?? "";
  return {
    at,
    edge,
    kind: kindOf(layer, upper.node, lower.node, at, meaning),
    layer,
    from: upper.symbol.text,
    to: lower.symbol.text,
    factor: quantity(
      edge.symbol.text,
      (d) => factorsOf(d)[at].value,
      [(d) => listed(d).edges[id].value, (d) => meaningOf(d, meaning)],
      { slack: meaning.includes("(1 − ") ? 8 : 0 },
    ),
    sofar: quantity(`product of the first ${at + 1} factors`, (d) => factorsOf(d)[at].product, [
      (d) =>
        factorsOf(d)
          .slice(0, at + 1)
          .reduce((product, { edge: link }) => product * fromReal(listed(d).edges[link].value), 1),
    ]),
  };
}

function listed({ paths }: ExplanationDocument): Paths {
  if (paths.status === "refused") throw new RangeError("there are no paths");
  return paths;
}

function factorsOf(document: ExplanationDocument): Path["factors"] {
  return listed(document).listed[0].factors;
}

function layerWith({ equations }: ExplanationDocument, upper: number, lower: number): Layer | null {
  if (equations.status === "refused") return null;
  const is = ({ z, a, input, weight, bias }: Layer): boolean =>
    (upper === a && lower === z) ||
    (upper === z && (lower === input || lower === weight || (bias !== null && lower === bias)));
  return equations.layers.find(is) ?? null;
}

function kindOf(layer: Layer | null, upper: number, lower: number, at: number, meaning: string): LinkKind {
  if (layer !== null && upper !== lower) {
    if (lower === layer.z) return "activation";
    if (lower === layer.weight) return "input";
    if (lower === layer.bias) return "bias";
    if (lower === layer.input) return "weight";
  }
  if (at === 0) return "cost";
  return sigmoidSlope.test(meaning) ? "activation" : "other";
}

const sigmoidSlope = /^(\S+)\(1 − \1\)$/;

/** The number that a factor's meaning stands for, by the values of the graph: `W2[0,1]`, `a1[0](1 − a1[0])`; null for others. */
function meaningOf(document: ExplanationDocument, meaning: string): Real | null {
  const slope = sigmoidSlope.exec(meaning);
  if (slope !== null) {
    const a = elementNamed(document, slope[1]);
    return a === null ? null : fromReal(a) * (1 - fromReal(a));
  }
  return elementNamed(document, meaning);
}

/** The value of `W2[0,1]`, where the graph has it written out. */
export function elementNamed({ graph, paths }: ExplanationDocument, name: string): Real | null {
  const [, symbol, inside] = /^(.*?)(?:\[([\d,]+)\])?$/.exec(name) ?? [];
  const index = inside === undefined ? [] : inside.split(",").map(Number);
  if (paths.status === "listed") {
    const vertex = paths.vertices.find((one) => one.symbol.text === name);
    if (vertex !== undefined) return vertex.value;
  }
  const node = graph.nodes.find((one) => one.symbol.text === symbol && one.shape.length === index.length);
  if (node === undefined || node.value.elements === null) return null;
  return node.value.elements[flattenIndex(index, node.shape)];
}
