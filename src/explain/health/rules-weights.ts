/** What may be wrong with weights and biases, at the start above all. */
import { fromReal, real, show } from "../numbers.js";
import type { LayerNodes } from "./anatomy.js";
import type { Rule } from "./draft.js";
import type { Facts } from "./facts.js";
import { adjointValues, type MeasuredLayer } from "./measure.js";
import { limitOf } from "./thresholds.js";
import { redrawn, rescaled, shiftedBias, swapped, type Treatment, zeroBiases } from "./treatments.js";

/** Layers that pass, as the tape and as the document have them. */
function layersWhere(
  { anatomy, layers }: Facts,
  passes: (layer: MeasuredLayer, nodes: LayerNodes) => boolean,
): { names: string[]; nodes: LayerNodes[]; measured: MeasuredLayer[] } {
  const at = layers.flatMap((layer, i) => (passes(layer, anatomy.layers[i]) ? [i] : []));
  return {
    names: at.map((i) => layers[i].layer),
    nodes: at.map((i) => anatomy.layers[i]),
    measured: at.map((i) => layers[i]),
  };
}

/** Whether all units have the same numbers: rows of [units, …], or columns of [inputs, units]. */
function areUnitsEqual(values: ArrayLike<number>, { weight, units }: LayerNodes): boolean {
  const width = values.length / units;
  const areRows = weight.shape[0] === units;
  for (let i = 0; i < values.length; i++)
    if (values[i] !== values[areRows ? i % width : i - (i % units)]) return false;
  return true;
}

/** Units of a hidden layer with the same weights and the same gradient: nothing will ever tell them apart. */
export const symmetricUnits: Rule = (facts) => {
  const { index } = facts.anatomy;
  const last = facts.anatomy.layers.at(-1);
  const same = layersWhere(facts, (_, nodes) => {
    return (
      nodes !== last &&
      nodes.units > 1 &&
      areUnitsEqual(index.valuesOf(nodes.weight), nodes) &&
      areUnitsEqual(adjointValues(index, nodes.weight), nodes)
    );
  });
  if (same.names.length === 0) return null;
  const isZero = same.measured.every(({ weightNorm }) => weightNorm === 0);
  return {
    code: "symmetric-units",
    severity: "error",
    layers: same.names,
    summary: `All units of ${same.names.join(", ")} are alike: the same weights${isZero ? ", all 0," : ""} and the same gradient.`,
    evidence: same.measured.flatMap(({ layer, weight, gradientNorm }, i) => [
      { what: `units of ${layer}`, value: same.nodes[i].units },
      { what: `deviation of ${layer}'s weights between units`, value: 0 },
      { what: `rms of ${layer}'s weights`, value: weight.rms },
      { what: `norm of ${layer}'s gradient`, value: gradientNorm },
    ]),
    limit: null,
    meaning:
      "Units that start alike and get the same gradient stay alike: the layer is as good as one unit (Goodfellow, Bengio and Courville, Deep Learning, 8.4). Weights of 0 behind it also stop the error.",
    remedy:
      "Start with random weights: init.heNormal before ReLU, init.xavierUniform before tanh and sigmoid.",
    // where these weights are 0, so are often the others: all are drawn anew, or the gradient stays 0
    treatments: [redrawn(facts.anatomy.layers, facts.seed)],
    measure: {
      what: `norm of the gradient of ${same.names[0]}`,
      of: (other) => fromReal(other.layers.find(({ layer }) => layer === same.names[0])?.gradientNorm ?? 0),
    },
  };
};

/** Whether the loss is much above that of constant outputs. */
export function isLossHigh({ lossValue, constantLoss, thresholds }: Facts): boolean {
  return constantLoss !== null && lossValue > thresholds.lossAtStart * constantLoss;
}

/** Weights several times as large as any initialiser makes them, where it shows. */
export const weightsTooLarge: Rule = (facts) => {
  const { thresholds } = facts;
  const isHigh = isLossHigh(facts);
  const last = facts.anatomy.layers.at(-1);
  // outputs may be sure of themselves: saturated ones are good where they are right
  const large = layersWhere(facts, ({ gain, activation }, nodes) => {
    const isSaturated =
      nodes !== last &&
      activation !== null &&
      nodes.activations[0]?.kind.flat === "both" &&
      fromReal(activation.saturated) > thresholds.saturatedShare;
    return fromReal(gain) > thresholds.gain && (isSaturated || isHigh);
  });
  if (large.names.length === 0) return null;
  const most = large.measured.reduce((a, b) => (fromReal(b.gain) > fromReal(a.gain) ? b : a));
  return {
    code: "weights-too-large",
    severity: facts.learns === true ? "warning" : "error",
    layers: large.names,
    summary: `The weights of ${large.names.join(", ")} are large: rms(w) √fanIn is up to ${show(most.gain, 3)}, where initialisers give 1 to 1.4.`,
    evidence: large.measured.flatMap(({ layer, gain, activation }) => [
      { what: `rms(w) √fanIn of ${layer}`, value: gain },
      ...(activation === null || activation.name === "relu"
        ? []
        : [
            { what: `share of ${layer}'s ${activation.name} that is saturated`, value: activation.saturated },
          ]),
    ]),
    limit: limitOf("gain", thresholds),
    meaning:
      "Sums of many large terms are large: sigmoid and tanh go flat, and elsewhere signals and errors grow with every layer. It may learn nevertheless, but it starts from where slopes are small.",
    remedy: "Divide by √fanIn: init.xavierUniform for sigmoid and tanh, init.heNormal for ReLU and its like.",
    ...(hasLearned(facts)
      ? { treatments: [], untried: "it has learned with these weights; others would have to begin anew" }
      : { treatments: [rescaled(large.nodes)] }),
    measure: {
      what: "largest rms(w) √fanIn",
      of: (other) => Math.max(...other.layers.map(({ gain }) => fromReal(gain))),
    },
  };
};

/** Whether the loss is far below that of constant outputs. */
function hasLearned({ lossValue, constantLoss }: Facts): boolean {
  return constantLoss !== null && lossValue < constantLoss / 2;
}

/** Layers most of whose units have no slope for any example. */
export const deadUnits: Rule = (facts) => {
  const { thresholds, batch } = facts;
  const dead = layersWhere(
    facts,
    ({ activation }, nodes) =>
      activation !== null &&
      nodes.activations[0]?.kind.flat === "left" &&
      activation.dead > thresholds.deadShare * activation.units,
  );
  if (dead.names.length === 0) return null;
  const shares = dead.measured.map(({ activation }) =>
    activation === null ? 0 : activation.dead / activation.units,
  );
  return {
    code: "dead-units",
    severity: Math.max(...shares) > 0.9 ? "error" : "warning",
    layers: dead.names,
    summary: `${dead.measured.map(({ layer, activation }) => `${activation?.dead} of ${activation?.units} units of ${layer}`).join(", ")} are dead: no slope on any of ${batch.x.shape[0]} examples.`,
    evidence: dead.measured.flatMap(({ layer, activation }, i) => [
      { what: `share of ${layer}'s units that are dead`, value: real(shares[i]) },
      { what: `units of ${layer} that never fire`, value: activation?.silent ?? 0 },
    ]),
    limit: limitOf("deadShare", thresholds),
    meaning:
      "Where the slope is 0 no error comes through: these units do not change, and neither does what only they see.",
    remedy:
      "Start biases at 0, use a smaller learning rate, or an activation with a slope everywhere: leakyRelu, elu, gelu.",
    treatments: [zeroBiases(dead.nodes), redrawn(facts.anatomy.layers, facts.seed)],
    measure: {
      what: "dead units, all layers",
      of: (other) => other.layers.reduce((count, { activation }) => count + (activation?.dead ?? 0), 0),
    },
  };
};

/** Hidden layers of sigmoid or tanh that are mostly flat, for another reason than large weights. */
export const saturatedUnits: Rule = (facts) => {
  const { thresholds, anatomy } = facts;
  const flat = layersWhere(
    facts,
    ({ activation }, nodes) =>
      nodes !== anatomy.layers.at(-1) &&
      nodes.activations[0]?.kind.flat === "both" &&
      fromReal(activation?.saturated ?? 0) > thresholds.saturatedShare,
  );
  const [first] = flat.measured;
  if (first === undefined) return null;
  const name = first.activation?.name ?? "sigmoid";
  return {
    code: "saturated-units",
    severity: "warning",
    layers: flat.names,
    summary: `${flat.names.join(", ")}: most of the ${name} outputs are where the slope is below a tenth of its largest.`,
    evidence: flat.measured.flatMap(({ layer, activation }) => [
      { what: `share of ${layer} that is saturated`, value: activation?.saturated ?? 0 },
      { what: `mean slope of ${layer}`, value: activation?.slope ?? 0 },
    ]),
    limit: limitOf("saturatedShare", thresholds),
    meaning:
      "Every gradient below such a layer is multiplied by its σ′, so what lies before it learns slowly.",
    remedy:
      "Look at the biases and at the size of what the layer is given; start biases at 0, or normalise (LayerNorm).",
    treatments: [zeroBiases(flat.nodes), swapped(name, anatomy.layers)],
    measure: {
      what: "largest share of a hidden layer that is saturated",
      of: (other) =>
        Math.max(...other.layers.slice(0, -1).map(({ activation }) => fromReal(activation?.saturated ?? 0))),
    },
  };
};

/** The last bias where the outputs have the mean of the targets, if these are plain numbers. */
function centred({ anatomy, output, target }: Facts): Treatment[] {
  const last = anatomy.layers.at(-1);
  if (anatomy.outputActivation !== null || target === null || last === undefined || output.rank !== 2)
    return [];
  return [shiftedBias(last, target.sub(output).mean(0))];
}

/** Outputs that begin far off, although no layer stands out. */
export const lossAtStart: Rule = (facts) => {
  // what some steps make good is not worth a word: targets about a half, say, before a bias of 0
  if (!isLossHigh(facts) || facts.learns === true) return null;
  const { lossValue, constantLoss, thresholds, lossName, anatomy } = facts;
  return {
    code: "loss-at-start",
    severity: "warning",
    layers: anatomy.layers.slice(-1).map(({ name }) => name),
    summary: `The loss is ${show(real(lossValue), 4)}; outputs that say the same of every example would cost ${show(real(constantLoss ?? 0), 4)}.`,
    evidence: [
      { what: `${lossName} on these examples`, value: real(lossValue) },
      { what: "the same of constant outputs", value: real(constantLoss ?? 0) },
    ],
    limit: limitOf("lossAtStart", thresholds),
    meaning: "The network is sure of what is wrong; the first steps go into unlearning it.",
    remedy:
      "Start the last layer with smaller weights, and in regression its bias at the mean of the targets (or scale the targets).",
    treatments: [...centred(facts), rescaled(anatomy.layers.slice(-1))],
    measure: { what: `${lossName} before training`, of: (other) => other.lossValue },
  };
};
