/** The output that the largest path goes through: overshoot and undershoot, and what cancels in its δ. */
import type { ExplanationDocument, Layer } from "../document.js";
import { fromReal } from "../numbers.js";
import { type Quantity, quantity, type Relation, signIs, type Told, tell } from "./told.js";

/** The station of the last layer that the first path goes through, with its output and target. */
interface OutputAt {
  readonly layer: Layer;
  /** Element of z, and row and column of the target. */
  readonly z: string;
  readonly delta: Quantity;
  readonly error: Quantity;
  readonly a: Quantity;
  readonly y: Quantity;
}

function outputOf(document: ExplanationDocument): OutputAt | null {
  const { equations, paths, graph } = document;
  if (equations.status === "refused" || paths.status === "refused" || paths.listed.length === 0) return null;
  const { cost, layers, examples } = equations;
  const layer = layers[layers.length - 1];
  const ids = [0, ...paths.listed[0].factors.map(({ edge }) => paths.edges[edge].to)];
  const vertex = ids.map((id) => paths.vertices[id]).find(({ node }) => node === layer.z);
  if (vertex === undefined || cost.target === null || layer.activation.coupled) return null;
  // which example and output it is can be told from the shape where it is not square
  const shape = graph.nodes[layer.z].shape;
  const { index } = vertex;
  const isRows = shape.length < 2 || shape.at(-1) === layer.outputs;
  const j = isRows ? (index.at(-1) ?? 0) : index[0];
  const i = shape.length < 2 ? 0 : isRows ? index[0] : index[1];
  if (shape.length > 2 || (shape.length === 2 && shape[0] === shape[1]) || i >= examples) return null;
  const at = i * cost.target.columns + j;
  if (cost.target.values.elements === null) return null;
  const z = vertex.symbol.text;
  const outputNode = layer.a ?? layer.z;
  const squash = layer.a === null ? (v: number) => 1 / (1 + Math.exp(-v)) : (v: number) => v;
  if (layer.a === null && cost.kind !== "sigmoidCrossEntropy") return null;
  const flat = index.reduce((sum, one, axis) => sum * shape[axis] + one, 0);
  const a = quantity(
    layer.a === null ? `σ(${z})` : `${graph.nodes[outputNode].symbol.text}${bracket(index)}`,
    (d) => {
      const elements = d.graph.nodes[outputNode].value.elements;
      return elements === null ? Number.NaN : squash(fromReal(elements[flat]));
    },
  );
  const y = quantity(
    "target",
    (d) => (d.equations.status === "recognised" ? (d.equations.cost.target?.values.elements?.[at] ?? 0) : 0),
    [],
    { digits: 4 },
  );
  const delta = quantity(`∂C/∂${z}`, (d) => d.graph.nodes[layer.z].adjoint?.elements?.[flat] ?? Number.NaN, [
    (d) =>
      d.paths.status === "listed"
        ? (d.paths.vertices.find((one) => one.symbol.text === z)?.adjoint ?? null)
        : null,
  ]);
  const error = quantity("a − y", (d) => a.read(d) - y.read(d));
  return Number.isNaN(a.read(document)) || Number.isNaN(delta.read(document))
    ? null
    : { layer, z, delta, error, a, y };
}

function bracket(index: readonly number[]): string {
  return index.length === 0 ? "" : `[${index.join(",")}]`;
}

/** Overshoot → lower the bias. */
export function signRuleText(document: ExplanationDocument): Told[] {
  const output = outputOf(document);
  if (output === null) return [];
  const { a, y, delta, error, z } = output;
  const off = error.read(document);
  // rounding decides the sign of what is no error
  if (Math.abs(off) < 1e-6 || Math.sign(off) !== Math.sign(delta.read(document))) return [];
  const [how, bias] = off > 0 ? ["overshoots", "lower"] : ["undershoots", "higher"];
  return [
    tell(
      document,
      [22, 44],
      [signIs("a − y", Math.sign(off), error.read), signIs(delta.symbol, Math.sign(off), delta.read)],
    )`The output ${a.symbol} = ${a} ${how} its target ${y}, and δ = ∂C/∂${z} = ${delta} has the sign of the error: a ${bias} bias there would lower the cost.`,
  ];
}

/** Where the slope of the output's activation cancels against the cost's. */
export function cancellationText(document: ExplanationDocument): Told[] {
  const output = outputOf(document);
  const { equations } = document;
  if (output === null || equations.status === "refused") return [];
  const { cost } = equations;
  if (cost.kind !== "sigmoidCrossEntropy" || cost.scale === null) return [];
  const { a, error, delta } = output;
  const scale = quantity("scale of the cost", (d) =>
    d.equations.status === "recognised" ? (d.equations.cost.scale ?? 1) : 1,
  );
  const product: Relation = {
    says: "δ is (a − y) times the scale",
    holds: (d) =>
      Math.abs(delta.read(d) - error.read(d) * scale.read(d)) <= 1e-6 * Math.max(1, Math.abs(delta.read(d))),
  };
  const slope = quantity("σ′(z)", (d) => a.read(d) * (1 - a.read(d)));
  return [
    fromReal(cost.scale) === 1
      ? tell(
          document,
          [49],
          [product],
        )`The slope of σ, ${slope} here, cancels against the 1/(a(1 − a)) of the log loss: δ is a − y = ${delta}, however saturated the output.`
      : tell(
          document,
          [45, 49],
          [product],
        )`The slope of σ, ${slope} here, cancels against the 1/(a(1 − a)) of the log loss: δ is (a − y) · ${scale} = ${delta}, however saturated the output.`,
  ];
}
