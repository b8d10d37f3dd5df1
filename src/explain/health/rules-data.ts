/** What may be wrong before the network: with its loss, its targets and its inputs. */
import type { Real } from "../document.js";
import { fromReal, largest, real, show } from "../numbers.js";
import type { Draft, Rule } from "./draft.js";
import { type Facts, numbersOf } from "./facts.js";
import { spreadOf } from "./measure.js";
import { activationKinds } from "./slopes.js";
import { limitOf } from "./thresholds.js";
import { bareOutput, standardised } from "./treatments.js";

/** Rounding in float32 sums of probabilities. */
const sumTolerance = 1e-3;

/** A cross-entropy of what are no logits, of no distribution, or of one class only. */
export const wrongLoss: Rule = (facts) => {
  const { lossName, anatomy, output } = facts;
  const classes = output.shape[output.rank - 1] ?? 1;
  const takesLogits = lossName === "softmaxCrossEntropy" || lossName === "sigmoidCrossEntropy";
  if (lossName === "softmaxCrossEntropy" && classes === 1)
    return lossDraft(facts, {
      summary: "The softmax over a single output is 1 whatever it is: the loss is constant.",
      evidence: [{ what: "outputs", value: 1 }],
      remedy: "Use sigmoidCrossEntropy with one output, or give the last layer one output for each class.",
    });
  if (takesLogits && (anatomy.outputActivation === "softmax" || anatomy.outputActivation === "sigmoid")) {
    const { min, max } = spreadOf(numbersOf(output));
    return lossDraft(facts, {
      summary: `${lossName} takes logits, but the outputs are those of a ${anatomy.outputActivation} already: it is applied twice.`,
      evidence: [
        { what: "smallest output", value: min },
        { what: "largest output", value: max },
        ...(lossName === "softmaxCrossEntropy"
          ? [
              {
                what: "smallest loss such outputs can reach",
                value: real(Math.log(1 + (classes - 1) / Math.E)),
              },
            ]
          : []),
      ],
      remedy: `Leave the ${anatomy.outputActivation} out of the model; apply it to the outputs when probabilities are wanted.`,
    });
  }
  if (lossName === "negativeLogLikelihood") {
    const worst = largest(output.exp().sum(-1).sub(1).dataSync());
    if (worst > sumTolerance)
      return lossDraft(facts, {
        summary: "negativeLogLikelihood takes logarithms of probabilities, but the outputs are none.",
        evidence: [{ what: "largest |Σ exp(output) − 1| of a row", value: real(worst) }],
        remedy:
          "Use softmaxCrossEntropy, which takes the outputs as they are, or end the model with logSoftmax.",
      });
  }
  return wrongDistribution(facts);
};

function wrongDistribution(facts: Facts): Draft | null {
  const { lossName, target } = facts;
  if (target === null) return null;
  const values = numbersOf(target);
  const { min, max } = spreadOf(values);
  const isOutside = fromReal(min) < -sumTolerance || fromReal(max) > 1 + sumTolerance;
  const offSum = largest(target.sum(-1).sub(1).dataSync());
  const isWrong =
    (lossName === "sigmoidCrossEntropy" && isOutside) ||
    ((lossName === "softmaxCrossEntropy" || lossName === "negativeLogLikelihood") &&
      (isOutside || offSum > sumTolerance));
  if (!isWrong) return null;
  return lossDraft(facts, {
    summary: `${lossName} compares with probabilities, but the targets are none.`,
    evidence: [
      { what: "smallest target", value: min },
      { what: "largest target", value: max },
      ...(lossName === "sigmoidCrossEntropy"
        ? []
        : [{ what: "largest |Σ − 1| of a row", value: real(offSum) }]),
    ],
    remedy: "For numbers use meanSquaredError or huber; for classes give int32 labels or one-hot rows.",
    isFixable: false,
  });
}

function lossDraft(
  { anatomy }: Facts,
  given: Pick<Draft, "summary" | "evidence" | "remedy"> & { readonly isFixable?: boolean },
): Draft {
  const { isFixable = anatomy.outputActivation !== null, ...said } = given;
  return {
    code: "wrong-loss",
    severity: "error",
    layers: [],
    limit: null,
    meaning:
      "The loss is not the likelihood it is meant to be: its minimum is elsewhere, and its gradient is not (a − y).",
    ...said,
    treatments: isFixable ? [bareOutput("same")] : [],
  };
}

/** Targets outside what the output's activation can give. */
export const unreachableTargets: Rule = (facts) => {
  const { anatomy, target, lossName } = facts;
  const kind = activationKinds.get(anatomy.outputActivation ?? "");
  if (
    kind === undefined ||
    target === null ||
    lossName === "sigmoidCrossEntropy" ||
    lossName === "softmaxCrossEntropy"
  )
    return null;
  const [low, high] = kind.range;
  const values = numbersOf(target);
  let outside = 0;
  for (let i = 0; i < values.length; i++) if (values[i] < low - 1e-6 || values[i] > high + 1e-6) outside++;
  if (outside === 0) return null;
  const { min, max } = spreadOf(values);
  const name = (value: number): string => show(real(value));
  return {
    code: "unreachable-targets",
    severity: "error",
    layers: lastLayer(facts),
    summary: `The output's ${kind.name} gives numbers between ${name(low)} and ${name(high)}; ${show(real((100 * outside) / values.length), 3)}\u00a0% of the targets lie outside.`,
    evidence: [
      { what: "smallest target", value: min },
      { what: "largest target", value: max },
      { what: "share of targets out of reach", value: real(outside / values.length) },
    ],
    limit: null,
    meaning: "The error cannot become 0, and the output is driven to where its slope vanishes.",
    remedy: "Leave the last activation out for plain numbers, or scale the targets into its range.",
    treatments: [bareOutput("same")],
  };
};

function lastLayer({ layers }: Facts): string[] {
  const last = layers.at(-1);
  return last === undefined ? [] : [last.layer];
}

/** What the first layer is given is far from size 1, or its features are of very different sizes. */
export const unnormalisedInputs: Rule = (facts) => {
  const { anatomy, layers, thresholds, batch } = facts;
  const signal = anatomy.layers[0]?.uses[0]?.signal;
  if (signal === undefined || layers.length === 0) return null;
  const { inputSize } = thresholds;
  const values = anatomy.index.valuesOf(signal);
  const { rms, mean, deviation } = spreadOf(values);
  const sizes = signal.shape.length === 2 ? featureSizes(values, signal.shape[1]) : null;
  const size = fromReal(rms);
  const isLarge = size > inputSize;
  // the largest, not the rms: rows with a single 1 among many 0 are no small inputs
  const isSmall = size > 0 && largest(values) < 1 / inputSize ** 2;
  const isUneven = sizes !== null && sizes.most > inputSize ** 2 * sizes.middle && sizes.most > 1;
  if (!isLarge && !isSmall && !isUneven) return null;
  const unevenness: { what: string; value: Real }[] =
    sizes === null
      ? []
      : [
          { what: "deviation of the widest feature", value: real(sizes.most) },
          { what: "deviation of the middle one", value: real(sizes.middle) },
        ];
  const what = isUneven && !isLarge ? "Its features differ in size" : isLarge ? "It is large" : "It is tiny";
  return {
    code: "unnormalised-inputs",
    severity: isLarge || isUneven ? "error" : "warning",
    layers: [layers[0].layer],
    summary: `What the first layer is given is not normalised. ${what}: its rms is ${show(rms, 3)}.`,
    evidence: [
      { what: "mean of the inputs", value: mean },
      { what: "deviation of the inputs", value: deviation },
      { what: "rms of the inputs", value: rms },
      ...unevenness,
    ],
    limit: limitOf("inputSize", thresholds),
    meaning:
      "z = W x grows with x, so units saturate or die at once; and the gradient of a weight is proportional to its input, so no one learning rate suits all of them.",
    remedy:
      "Use (x − mean) / deviation of each feature, by the training data's statistics; pixels divided by 255 will do.",
    treatments: [standardised(batch.x)],
    measure: {
      what: "rms of the inputs",
      of: ({ batch: { x } }) => fromReal(spreadOf(numbersOf(x)).rms),
    },
  };
};

/** The deviation of each feature [batch, features]: the largest, and the median of those that vary. */
function featureSizes(values: ArrayLike<number>, features: number): { most: number; middle: number } | null {
  const rows = values.length / Math.max(1, features);
  const sizes: number[] = [];
  for (let feature = 0; feature < features; feature++) {
    const column = new Float64Array(rows);
    for (let row = 0; row < rows; row++) column[row] = values[row * features + feature];
    const deviation = fromReal(spreadOf(column).deviation);
    if (deviation > 0) sizes.push(deviation);
  }
  if (sizes.length === 0) return null;
  sizes.sort((a, b) => a - b);
  return { most: sizes[sizes.length - 1], middle: sizes[Math.floor((sizes.length - 1) / 2)] };
}
