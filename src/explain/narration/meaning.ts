/** What the derivative means: its sign, the paths that add up or cancel, what makes learning slow, what cancels in the cost. */
import type { ExplanationDocument, Layer, Real } from "../document.js";
import { fromReal } from "../numbers.js";
import { journeyOf } from "./stations.js";
import { type Quantity, quantity, type Relation, signIs, type Told, tell } from "./told.js";

/** ∂C/∂w, as the backward pass, the paths and the differences have it. */
export function slopeOf(document: ExplanationDocument): Quantity {
  return quantity(`∂C/∂${document.target.name}`, (d) => d.target.adjoint, [
    (d) => d.check.adjoint,
    (d) => (d.paths.status === "listed" && fromReal(d.paths.survival) > 1e-3 ? d.paths.sum.computed : null),
  ]);
}

/** What to do about it: against the gradient. */
export function directionText(document: ExplanationDocument): Told[] {
  const slope = slopeOf(document);
  const value = slope.read(document);
  const { name } = document.target;
  const points = [1, 11, 44];
  const relation = signIs(slope.symbol, Math.sign(value), slope.read);
  if (!Number.isFinite(value)) return [];
  if (value === 0)
    return [
      tell(document, points, [
        relation,
      ])`${slope.symbol} is ${slope}: a small change of ${name} changes nothing.`,
    ];
  const [moves, descent] = value > 0 ? ["raises", "lowers"] : ["lowers", "raises"];
  return [
    tell(document, points, [
      relation,
    ])`${slope.symbol} is ${slope}: raising ${name} a little ${moves} the cost, so descent ${descent} ${name}.`,
  ];
}

/** How the paths add up. */
export function pathsText(document: ExplanationDocument): Told[] {
  const { paths } = document;
  if (paths.status === "refused" || paths.count === "1" || paths.count.length > 15) return [];
  const listed = (d: ExplanationDocument) => (d.paths.status === "listed" ? d.paths : paths);
  const count = quantity("paths", (d) => Number(listed(d).count));
  const positive = quantity("sum of the positive paths", (d) => listed(d).positive, [
    (d) => sumWhere(listed(d), (value) => value > 0),
  ]);
  const negative = quantity("sum of the negative paths", (d) => listed(d).negative, [
    (d) => sumWhere(listed(d), (value) => value < 0),
  ]);
  const sum = quantity(
    "sum of all paths",
    (d) => listed(d).sum.computed,
    [(d) => fromReal(listed(d).positive) + fromReal(listed(d).negative)],
    { slack: 64 * Math.max(fromReal(paths.positive), -fromReal(paths.negative)) },
  );
  if (positive.read(document) === 0 || negative.read(document) === 0)
    return [tell(document, [3, 13])`${count} paths lead to it, all of one sign, and add up to ${sum}.`];
  const left = quantity(
    "share that survives in %",
    (d) => fromReal(listed(d).survival) * 100,
    [
      (d) =>
        (100 * Math.abs(fromReal(listed(d).sum.computed))) /
        (fromReal(listed(d).positive) - fromReal(listed(d).negative)),
    ],
    { digits: 3, slack: 1e4 },
  );
  return [
    tell(
      document,
      [3, 13],
    )`${count} paths lead to it: those that raise the cost add up to ${positive}, those that lower it to ${negative}; ${sum} is left, ${left} % of their size.`,
  ];
}

/** Where all paths are listed, their sum of one sign. */
function sumWhere(
  { listed, remainder }: Extract<ExplanationDocument["paths"], { status: "listed" }>,
  chosen: (value: number) => boolean,
): Real | null {
  if (remainder !== null) return null;
  return listed.reduce((total, path) => {
    const value = fromReal(path.value);
    return chosen(value) ? total + value : total;
  }, 0);
}

/** A mean over the batch. */
export function batchText(document: ExplanationDocument): Told[] {
  const { equations } = document;
  if (equations.status === "refused" || equations.examples < 2 || equations.cost.scale === null) return [];
  const scale = fromReal(equations.cost.scale);
  const examples = quantity("examples", (d) =>
    d.equations.status === "recognised" ? d.equations.examples : Number.NaN,
  );
  if (Math.abs(scale * equations.examples - 1) > 1e-6) return [];
  const share = quantity(
    "1/m",
    (d) => (d.equations.status === "recognised" ? (d.equations.cost.scale ?? Number.NaN) : Number.NaN),
    [(d) => (d.equations.status === "recognised" ? 1 / d.equations.examples : null)],
  );
  return [
    tell(
      document,
      [7, 29, 45],
    )`The cost is a mean over ${examples} examples, so every one of them has a share of ${share} in the gradient; 1ᵀ sums them for a bias.`,
  ];
}

/** A weight matters in proportion to what feeds it. */
export function inputText(document: ExplanationDocument): Told[] {
  const last = journeyOf(document)?.at(-1);
  const { paths } = document;
  if (last === undefined || last.kind !== "input" || paths.status === "refused") return [];
  const size = Math.abs(last.factor.read(document));
  if (size > 0.1 || size === 0) return [];
  const times = quantity("1 / |input|", (d) => 1 / Math.abs(last.factor.read(d)), [], { digits: 4 });
  return [
    tell(
      document,
      [17, 28],
      [{ says: "the input is below 0.1", holds: (d) => Math.abs(last.factor.read(d)) <= 0.1 }],
    )`It learns slowly because little feeds it: with an input of 1 in place of ${last.factor} this path would count ${times} times as much.`,
  ];
}

/** How the error shrinks or grows from layer to layer. */
export function layersText(document: ExplanationDocument): Told[] {
  const { equations, graph } = document;
  if (equations.status === "refused" || equations.layers.length < 2) return [];
  const { layers } = equations;
  const delta = ({ z, layer }: Layer): Quantity =>
    quantity(
      `root mean square of δ${layer}`,
      (d) => d.graph.nodes[z].adjoint?.rms ?? 0,
      [
        (d) => {
          const elements = d.graph.nodes[z].adjoint?.elements;
          if (elements === null || elements === undefined) return null;
          return Math.sqrt(
            elements.reduce<number>((sum, one) => sum + fromReal(one) ** 2, 0) / elements.length,
          );
        },
      ],
      { digits: 4 },
    );
  const [first, last] = [layers[0], layers[layers.length - 1]];
  if (graph.nodes[first.z].adjoint === null || graph.nodes[last.z].adjoint === null) return [];
  const [here, there] = [delta(first), delta(last)];
  const ratio = quantity("ratio of the errors", (d) => here.read(d) / there.read(d), [], { digits: 3 });
  if (!Number.isFinite(ratio.read(document))) return [];
  const shrinks = ratio.read(document) < 1;
  return [
    tell(
      document,
      [28, 42],
      [
        {
          says: shrinks ? "the error shrinks" : "the error does not shrink",
          holds: (d) => ratio.read(d) < 1 === shrinks,
        },
      ],
    )`The error trickles back from layer to layer: δ has the root mean square ${there} in layer ${String(last.layer)} and ${here} in layer ${String(first.layer)}, ${ratio} of it.`,
  ];
}

/** The backup. */
export function checkText(document: ExplanationDocument): Told[] {
  const { check } = document;
  if (check.verdict !== "ok") return [];
  const numeric = quantity("centred difference", (d) => d.check.numeric);
  const error = quantity("relative difference", (d) => d.check.error, [], { digits: 2 });
  return [
    tell(
      document,
      [43],
      [
        {
          says: "the check passed",
          holds: (d) => d.check.verdict === "ok" && fromReal(d.check.error) <= fromReal(d.check.tolerance),
        },
      ],
    )`Nudging it both ways and running the function again gives ${numeric}: ${error} apart.`,
  ];
}

/** Where the first number came up that is none: the first value on the way forward, or the first adjoint on the way back. */
export function nonFiniteText(document: ExplanationDocument): Told[] {
  const { operations, nodes } = document.graph;
  const isBad = (id: number, d: ExplanationDocument): boolean => d.graph.nodes[id].value.nonFinite > 0;
  const hasBadAdjoint = (id: number, d: ExplanationDocument): boolean =>
    (d.graph.nodes[id].adjoint?.nonFinite ?? 0) > 0;
  const first = operations.find(({ outputs }) => outputs.some((id) => isBad(id, document)));
  if (first !== undefined) {
    const id = first.outputs[0];
    const name = nodes[id].symbol.text;
    const count = quantity(
      `elements of ${name} that are not finite`,
      (d) => d.graph.nodes[id].value.nonFinite,
    );
    const isFirst: Relation = {
      says: "nothing before it is NaN or infinite",
      holds: (d) =>
        d.graph.operations.slice(0, first.id).every(({ outputs }) => outputs.every((one) => !isBad(one, d))),
    };
    return [
      tell(
        document,
        [],
        [isFirst],
      )`The first value that is NaN or infinite is ${first.forward.text}, in ${count} of its elements.`,
    ];
  }
  const last = [...operations]
    .reverse()
    .find(({ inputs }) => inputs.some((id) => hasBadAdjoint(id, document)));
  const id = last?.inputs.find((one) => hasBadAdjoint(one, document));
  if (last === undefined || id === undefined) return [];
  const name = nodes[id].symbol.text;
  const count = quantity(
    `elements of ∂C/∂${name} that are not finite`,
    (d) => d.graph.nodes[id].adjoint?.nonFinite ?? 0,
  );
  const areFinite: Relation = {
    says: "every value is finite",
    holds: (d) => d.graph.operations.every(({ outputs }) => outputs.every((one) => !isBad(one, d))),
  };
  return [
    tell(
      document,
      [],
      [areFinite],
    )`All values are finite; on the way back the first adjoint that is not is ∂C/∂${name}, through ${last.forward.text}, in ${count} of its elements.`,
  ];
}
