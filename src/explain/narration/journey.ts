/** The story so far: the factors of one path, each with what it does and the product up to it. */
import type { ExplanationDocument } from "../document.js";
import { fromReal } from "../numbers.js";
import { journeyOf, type Link } from "./stations.js";
import { quantity, type Relation, type Told, tell } from "./told.js";

/** Longer paths are told from both ends. */
const toldLinks = 14;

/** The largest value of σ′, at z = 0; what the notes give as 0.5. */
const peak = quantity("max σ′", () => 0.25);

export function journeyText(document: ExplanationDocument): Told[] {
  const links = journeyOf(document);
  if (links === null) return [];
  const head = links.slice(0, links.length > toldLinks ? toldLinks - 4 : links.length);
  const tail = links.slice(Math.max(head.length, links.length - 3));
  return [
    opening(document, links),
    ...head.map((link) => sentence(document, link)),
    ...tail.map((link) => sentence(document, link)),
    ...attenuator(document, links),
    ...exactness(document),
  ];
}

function opening(document: ExplanationDocument, links: readonly Link[]): Told {
  const { paths, target } = document;
  const stations = quantity("factors of the path", (d) =>
    d.paths.status === "listed" ? d.paths.listed[0].factors.length : 0,
  );
  const isOnly = paths.status === "listed" && paths.count === "1";
  const which = isOnly ? "The only path" : "The largest path";
  const last = links[links.length - 1];
  return tell(
    document,
    [42, 46],
    [{ says: "the path ends at what is explained", holds: (d) => d.target.name === target.name }],
  )`${which} takes ${stations} ${links.length === 1 ? "step" : "steps"} from the cost back to ${last.to}.`;
}

function sentence(document: ExplanationDocument, link: Link): Told {
  const { kind, factor, sofar, from, to, edge, at } = link;
  const meaning = meaningText(link);
  const sign = signOf(link);
  const value = fromReal(edge.value);
  switch (kind) {
    case "cost":
      return tell(
        document,
        [9, 15, 46],
        [sign],
      )`It starts at the cost: ∂C/∂${to}${meaning} is ${factor}, so C ${value < 0 ? "falls" : "rises"} as ${to} rises.`;
    case "activation":
      return activation(document, link);
    case "weight":
      return tell(
        document,
        [15, 46, 48],
        [sign, strength(link)],
      )`Then through the weight ${edge.meaning?.text ?? edge.symbol.text}, ${factor}, which ${effect(value)}; so far ${sofar}.`;
    case "input":
      return tell(
        document,
        [15, 17, 46],
        [sign],
      )`${to} multiplies ${meaning === "" ? "its input" : meaning.slice(3)}, so that is the last factor, ${factor}; so far ${sofar}.`;
    case "bias":
      return tell(
        document,
        [15, 26, 46],
        [{ says: "the factor of a bias is 1", holds: (d) => factor.read(d) === 1 }],
      )`The bias ${to} is added, so the last factor is ${factor}; so far ${sofar}.`;
    case "other":
      return at === 0
        ? tell(document, [9], [sign])`∂${from}/∂${to}${meaning} is ${factor}.`
        : tell(
            document,
            [9, 46],
            [sign],
          )`∂${from}/∂${to}${meaning} is ${factor}${edge.linear ? "" : " here"}; so far ${sofar}.`;
  }
}

function activation(document: ExplanationDocument, link: Link): Told {
  const { factor, sofar, from, to, edge, layer } = link;
  const meaning = meaningText(link);
  const value = fromReal(edge.value);
  const name = layer?.activation.name ?? "sigmoid";
  if (name === "sigmoid") {
    const share = quantity("share of the peak of σ′ in %", (d) => factor.read(d) * 400, [], { digits: 3 });
    const isSaturated = value < 0.05;
    return tell(
      document,
      [10, 15, 28, 46, 47],
      [
        {
          says: isSaturated ? "σ′ is below 0.05" : "σ′ is from 0.05 to 0.25",
          holds: (d) =>
            isSaturated ? factor.read(d) < 0.05 : factor.read(d) >= 0.05 && factor.read(d) <= 0.25,
        },
      ],
    )`σ′(${to})${meaning} lets ${factor} of it through, ${share} % of the ${peak} it is at most${isSaturated ? `: ${from} is saturated` : ""}; so far ${sofar}.`;
  }
  if (value === 0)
    return tell(
      document,
      [16, 28],
      [{ says: "the slope is 0", holds: (d) => factor.read(d) === 0 }],
    )`The slope of ${name} at ${to} is ${factor}: nothing comes through here.`;
  if (value === 1)
    return tell(
      document,
      [16, 31, 46],
      [{ says: "the slope is 1", holds: (d) => factor.read(d) === 1 }],
    )`The slope of ${name} at ${to} is ${factor}: it passes as it is; so far ${sofar}.`;
  return tell(
    document,
    [15, 46],
    [signOf(link)],
  )`The slope of ${name} at ${to}${meaning} is ${factor}; so far ${sofar}.`;
}

/** ` = a1[0]`: what a factor is made of, unless that is the number itself. */
function meaningText({ edge }: Link): string {
  return edge.meaning === null || /^−?[\d.]+$/.test(edge.meaning.text) ? "" : ` = ${edge.meaning.text}`;
}

function effect(value: number): string {
  if (value === 0) return "lets nothing through";
  const size = Math.abs(value);
  const turned = value < 0 ? " and turns its sign" : "";
  return size === 1
    ? `leaves its size${turned}`
    : size > 1
      ? `magnifies it${turned}`
      : `attenuates it${turned}`;
}

function strength({ factor, edge }: Link): Relation {
  const value = fromReal(edge.value);
  return {
    says: `the weight ${effect(value)}`,
    holds: (d) => effect(factor.read(d)) === effect(value),
  };
}

function signOf({ factor, edge }: Link): Relation {
  const sign = Math.sign(fromReal(edge.value));
  return {
    says: `${edge.symbol.text} has the sign ${sign}`,
    holds: (d) => Math.sign(factor.read(d)) === sign,
  };
}

/** The factor that takes the most away. */
function attenuator(document: ExplanationDocument, links: readonly Link[]): Told[] {
  const size = ({ factor }: Link, d = document): number => Math.abs(factor.read(d));
  const inner = links.filter(({ kind }) => kind !== "cost");
  if (inner.length < 2) return [];
  const least = inner.reduce((best, link) => (size(link) < size(best) ? link : best));
  if (!(size(least) < 1)) return [];
  return [
    tell(
      document,
      [28, 47, 48],
      [
        {
          says: `${least.edge.symbol.text} is the smallest factor after the first`,
          holds: (d) => inner.every((link) => size(least, d) <= size(link, d)),
        },
      ],
    )`Of what attenuates it, ${least.edge.symbol.text} does most: ${least.factor}.`,
  ];
}

/** Which slopes hold at any distance, and which only here. */
function exactness(document: ExplanationDocument): Told[] {
  const count = (linear: boolean) =>
    quantity(linear ? "exact factors" : "local factors", (d) =>
      d.paths.status === "refused"
        ? 0
        : d.paths.listed[0].factors.filter(
            ({ edge }) => d.paths.status === "listed" && d.paths.edges[edge].linear === linear,
          ).length,
    );
  const exact = count(true);
  const local = count(false);
  const [one, others] = [exact.read(document), local.read(document)];
  if (one + others === 1) {
    const isExact: Relation = {
      says: `the only factor is ${one === 1 ? "exact" : "local"}`,
      holds: (d) => exact.read(d) === one && local.read(d) === others,
    };
    return [
      one === 1
        ? tell(
            document,
            [50],
            [isExact],
          )`Its only factor is that of a linear map: it holds at any distance, not only here.`
        : tell(document, [50], [isExact])`Its only factor is the slope of a curve: it holds only near here.`,
    ];
  }
  if (others === 0)
    return [
      tell(
        document,
        [31, 50],
      )`All ${exact} of its factors are those of linear maps: they hold at any distance, not only here.`,
    ];
  if (one === 0)
    return [
      tell(document, [50])`None of its factors is that of a linear map: all ${local} hold only near here.`,
    ];
  const all = quantity("factors", (d) => exact.read(d) + local.read(d));
  return [
    tell(
      document,
      [50],
    )`Of its ${all} factors ${exact} ${one === 1 ? "is of a linear map" : "are of linear maps"} and exact at any distance; ${local} ${others === 1 ? "is of a curve and holds" : "are of curves and hold"} only near here.`,
  ];
}
