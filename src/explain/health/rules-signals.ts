/** What may be wrong with the error on its way back: stopped at the output, fading, or growing. */
import { fromReal, real, show } from "../numbers.js";
import type { Draft, Rule } from "./draft.js";
import { type Facts, numbersOf } from "./facts.js";
import { signalsOf, spreadOf } from "./measure.js";
import type { ActivationKind } from "./slopes.js";
import { limitOf } from "./thresholds.js";
import { bareOutput, clipped, rescaled, swapped } from "./treatments.js";

/** Sigmoid or tanh outputs that are wrong where they have no slope, under a cost that does not cancel it. */
export const saturatedOutput: Rule = (facts) => {
  const { anatomy, layers, thresholds, output, target, lossName, batch } = facts;
  const last = anatomy.layers.at(-1)?.activations.at(-1);
  const measured = layers.at(-1);
  if (last?.kind.flat !== "both" || anatomy.outputActivation !== last.kind.name) return null;
  if (target === null || measured === undefined) return null;
  const { kind } = last;
  const a = numbersOf(output);
  const y = numbersOf(target);
  const half = halfRange(y, kind);
  const flat = thresholds.saturatedSlope * kind.steepest;
  let [wrong, stuck, slopes] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    // sigmoid and tanh: the slope follows from the output alone
    const slope = kind.slope(Number.NaN, a[i]);
    slopes += slope;
    if (Math.abs(a[i] - y[i]) <= half) continue;
    wrong++;
    if (slope < flat) stuck++;
  }
  const share = stuck / Math.max(1, a.length);
  if (share <= thresholds.saturatedWrong) return null;
  const fits = kind.name === "sigmoid" && rangeIsUnit(y);
  const treatments = fits
    ? [bareOutput("sigmoidCrossEntropy"), rescaled(anatomy.layers.slice(-1))]
    : [rescaled(anatomy.layers.slice(-1))];
  return {
    code: "saturated-output",
    severity: "error",
    layers: [measured.layer],
    summary: `${show(real(100 * share), 3)}\u00a0% of the outputs are wrong and saturated: the ${kind.name} has no slope there, and ${lossName} does not cancel it.`,
    evidence: [
      {
        what: "share of outputs that are wrong by more than half the targets' range",
        value: real(wrong / Math.max(1, a.length)),
      },
      { what: "share that is wrong and saturated", value: real(share) },
      {
        what: `mean slope of the outputs (at most ${kind.steepest})`,
        value: real(slopes / Math.max(1, a.length)),
      },
      { what: "examples", value: batch.x.shape[0] },
    ],
    limit: limitOf("saturatedWrong", thresholds),
    meaning:
      "δ = (a − y) σ′(z): the more wrong such an output is, the flatter σ is there, and the more slowly it learns.",
    remedy: fits
      ? "Use the sigmoid cross-entropy on the bare outputs: there δ = a − y. Start the last layer's biases at 0."
      : "Start the last layer with biases at 0 and smaller weights, or leave its activation out.",
    treatments,
    measure: {
      what: "error at the last layer, rms of ∂C/∂z",
      of: (other) => fromReal(other.layers.at(-1)?.signal ?? 0),
    },
  } satisfies Draft;
};

/** Half of what lies between the targets, or where they are all the same of what the activation can give. */
function halfRange(y: ArrayLike<number>, { range: [low, high] }: ActivationKind): number {
  const { min, max } = spreadOf(y);
  const width = fromReal(max) - fromReal(min);
  return (width > 0 ? width : high - low) / 2;
}

function rangeIsUnit(y: ArrayLike<number>): boolean {
  for (let i = 0; i < y.length; i++) if (y[i] < 0 || y[i] > 1) return false;
  return true;
}

/** The error at one use of a layer. */
interface Station {
  readonly at: number;
  readonly use: number;
  readonly signal: number;
  readonly order: number;
}

/** Every use of every layer, in the order of the forward pass. */
function stationsOf({ anatomy }: Facts): Station[] {
  return anatomy.layers
    .flatMap((layer, at) =>
      signalsOf(anatomy, layer).map((signal, use) => ({
        at,
        use,
        signal,
        order: layer.uses[use].operation,
      })),
    )
    .sort((a, b) => a.order - b.order);
}

/** The error grows from the last layer to an earlier one, or to an earlier step of a chain. */
export const explodingGradient: Rule = (facts) => {
  const { layers, thresholds } = facts;
  const all = stationsOf(facts);
  const last = all.at(-1);
  if (last === undefined || !(last.signal > 0)) return null;
  // a layer used again and again is the chain itself; what feeds into it has the same error
  const repeated = all.filter(({ at }) => layers[at].uses > 1);
  const candidates = repeated.filter(({ signal }) => signal > thresholds.exploding * last.signal);
  const steep = (candidates.length > 0 ? candidates : all).reduce((a, b) =>
    sizeAt(b, facts) > sizeAt(a, facts) ? b : a,
  );
  const ratio = steep.signal / last.signal;
  if (!(ratio > thresholds.exploding)) return null;
  const { layer, uses, gain, gradientNorm } = layers[steep.at];
  const steps = uses > 1 ? uses - steep.use : Math.max(1, all.indexOf(last) - all.indexOf(steep));
  return {
    code: "exploding-gradient",
    severity: "error",
    layers: [layer],
    summary: `Going back, the error grows ${show(real(ratio), 3)} times ${uses > 1 ? `through ${steps} uses of ${layer}` : `in ${steps} layers down to ${layer}`}: by ${show(real(ratio ** (1 / steps)), 3)} in each.`,
    evidence: [
      {
        what: `rms of ∂C/∂z at ${layer}${uses > 1 ? `, use ${steep.use + 1} of ${uses}` : ""}`,
        value: real(steep.signal),
      },
      { what: `rms of ∂C/∂z at ${layers[last.at].layer}, the last`, value: real(last.signal) },
      { what: "their ratio", value: real(ratio) },
      { what: `rms(w) √fanIn of ${layer}`, value: gain },
      { what: `norm of ${layer}'s gradient`, value: gradientNorm },
    ],
    limit: limitOf("exploding", thresholds),
    meaning:
      "A product of many factors above 1: the first steps of the chain decide the whole gradient, and one update throws the weights far away.",
    remedy:
      "Clip the gradient (optim.clipByGlobalNorm), start repeated weights orthogonal (init.orthogonal), or use a layer with gates or a way around (LSTM, Residual).",
    treatments: [rescaled(facts.anatomy.layers), clipped],
    measure: {
      what: "error there over that at the last layer",
      of: (other) => {
        const there = stationsOf(other);
        const found = there.find(({ at, use }) => at === steep.at && use === steep.use);
        return (found?.signal ?? Number.NaN) / (there.at(-1)?.signal ?? Number.NaN);
      },
    },
  };
};

/** The error times the layer's own share in making it: between layers with alike errors the larger weights are to blame. */
function sizeAt({ at, signal }: Station, { layers }: Facts): number {
  return signal * fromReal(layers[at].gain);
}

/** The error fades before it reaches the first layers. */
export const vanishingGradient: Rule = (facts) => {
  const { anatomy, layers, thresholds } = facts;
  // weights of 0 stop the error for the first step only, as where a last layer or a residual branch is meant to begin with nothing
  const isStopped = layers.some(({ weightNorm }) => weightNorm === 0);
  const faded = layers.filter(
    ({ signalRatio }) => fromReal(signalRatio) < thresholds.vanishing && !(isStopped && signalRatio === 0),
  );
  const [first] = faded;
  const last = layers.at(-1);
  if (first === undefined || last === undefined || !(fromReal(last.signal) > 0)) return null;
  const slopes = layers.flatMap(({ layer, activation }) =>
    activation === null ? [] : [{ layer, slope: fromReal(activation.slope), activation: activation.name }],
  );
  const flattest = slopes.reduce<(typeof slopes)[number] | null>(
    (a, b) => (a === null || b.slope < a.slope ? b : a),
    null,
  );
  const depth = layers.indexOf(last) - layers.indexOf(first);
  const ratio = fromReal(first.signalRatio);
  const name = anatomy.layers
    .flatMap(({ activations }) => activations)
    .find(({ kind }) => kind.flat === "both")?.kind.name;
  return {
    code: "vanishing-gradient",
    severity: ratio < thresholds.vanishing ** 2 ? "error" : "warning",
    layers: faded.map(({ layer }) => layer),
    summary: `Going back through ${depth} layers the error fades to ${show(real(ratio), 3)} of what it is at the last: by ${show(real(ratio ** (1 / Math.max(1, depth))), 3)} in each.`,
    evidence: [
      { what: `rms of ∂C/∂z at ${first.layer}`, value: first.signal },
      { what: `rms of ∂C/∂z at ${last.layer}, the last`, value: last.signal },
      { what: "their ratio", value: real(ratio) },
      ...(flattest === null
        ? []
        : [
            {
              what: `mean slope of ${flattest.layer}'s ${flattest.activation}, the flattest`,
              value: real(flattest.slope),
            },
          ]),
      { what: `rms(w) √fanIn of ${first.layer}`, value: first.gain },
    ],
    limit: limitOf("vanishing", thresholds),
    meaning: "A product of many factors below 1: the first layers hardly change while the last ones learn.",
    remedy:
      "ReLU or another activation with slope 1, weights as He et al. start them; ways around layers (Residual), normalisation (BatchNorm, LayerNorm).",
    treatments: [...(name === undefined ? [] : [swapped(name, anatomy.layers)]), rescaled(anatomy.layers)],
    measure: {
      what: "smallest error of a layer over that of the last",
      of: (other) => Math.min(...other.layers.map(({ signalRatio }) => fromReal(signalRatio))),
    },
  };
};
