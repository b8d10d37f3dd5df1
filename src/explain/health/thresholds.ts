/**
 * The limits, and where each comes from. None was fitted to an example: a figure someone published is used as it is, and where
 * only "about" or "much" is said, the limit is the power of ten beyond it.
 */
import { checkFinite, checkOptionNames, invalidArgument } from "../../util/checks.js";
import type { Limit } from "./document.js";

/** What counts as too much or too little; each may be given to `explain.health` as `thresholds`. */
export interface Thresholds {
  /** A unit is saturated where σ′ is below this share of its largest. Default 0.1. */
  readonly saturatedSlope: number;
  /** The share of a layer's activations that may be saturated. Default 0.5. */
  readonly saturatedShare: number;
  /** The share of outputs that may be wrong by more than half the targets' range and saturated. Default 0.1. */
  readonly saturatedWrong: number;
  /** The share of a layer's units that may be dead. Default 0.4. */
  readonly deadShare: number;
  /** How small a layer's ∂C/∂z may be beside the last layer's. Default 1e-3. */
  readonly vanishing: number;
  /** How large it may be. Default 1e3. */
  readonly exploding: number;
  /** How many times the loss of constant outputs the loss may be. Default 2. */
  readonly lossAtStart: number;
  /** The largest rms(w) · √fanIn, where a layer saturates or the loss is above `lossAtStart`. Default 3√2. */
  readonly gain: number;
  /** The largest size of what the first layer is given, and the largest ratio of its features' sizes is its square. Default 10. */
  readonly inputSize: number;
  /** The largest ‖Δw‖ / ‖w‖ of an update, where a tenth of the rate learns better. Default 0.1. */
  readonly updateHigh: number;
  /** The smallest as a mean over the steps, where the loss hardly moves and a higher rate moves it. Default 3e-4. */
  readonly updateLow: number;
}

const published: Readonly<Record<keyof Thresholds, { readonly value: number; readonly source: string }>> = {
  saturatedSlope: {
    value: 0.1,
    source:
      "Nielsen, Neural Networks and Deep Learning, ch. 3: the sigmoid neuron that learns slowly starts at 0.98, at 0.07 of the steepest slope; Karpathy's lectures count tanh units beyond ±0.97, at 0.06 of it",
  },
  saturatedShare: {
    value: 0.5,
    source:
      "Glorot and Bengio 2010: a layer driven into saturation stalls the layers below it; the limit is that most of its units are",
  },
  saturatedWrong: {
    value: 0.1,
    source:
      "Nielsen, ch. 3: under the quadratic cost ∂C/∂z has the factor σ′, so an output that is wrong and saturated hardly learns; one in ten counts as many",
  },
  deadShare: {
    value: 0.4,
    source:
      "Stanford CS231n notes on ReLU: as much as 40 % of a network can be dead, which never activates on the whole training set",
  },
  vanishing: {
    value: 1e-3,
    source:
      "Nielsen, ch. 5: each sigmoid layer multiplies the error by at most ¼ of a weight, and ¼⁵ ≈ 1e-3; Glorot and Bengio 2010: the variance of backpropagated gradients should be alike in all layers",
  },
  exploding: {
    value: 1e3,
    source:
      "Pascanu, Mikolov and Bengio 2013: through repeated layers gradients grow like a power of the weights' size; the limit mirrors that of vanishing ones",
  },
  lossAtStart: {
    value: 2,
    source:
      "Karpathy, A Recipe for Training Neural Networks: check the loss at the start, −ln(1/C) for C classes, and start the last bias at the mean in regression",
  },
  gain: {
    value: 3 * Math.SQRT2,
    source:
      "LeCun et al. 1998, Glorot and Bengio 2010 and He et al. 2015 start with rms(w) √fanIn of 1, at most √2, and √2; the limit is three times the largest. Nielsen, ch. 3: N(0, 1) weights saturate a layer with many inputs",
  },
  inputSize: {
    value: 10,
    source:
      "LeCun et al. 1998, Efficient BackProp: inputs should have a mean near 0 and variances alike, about 1; the limit is the next power of ten",
  },
  updateHigh: {
    value: 0.1,
    source:
      "Stanford CS231n notes, ratio of weights to updates: about 1e-3 is a good size; the limit is a hundred times that",
  },
  updateLow: {
    value: 3e-4,
    source:
      "Stanford CS231n notes, ratio of weights to updates: about 1e-3 is a good size, and lower may mean too low a rate; the limit is half a power of ten below, as a run must confirm it",
  },
};

const names = Object.keys(published) as (keyof Thresholds)[];

/**
 * The limits that hold: those given, and the published ones.
 * @throws AdjointError `invalid-argument` for one there is not, or that is no positive number
 */
export function thresholdsOf(given: Partial<Thresholds> | undefined, operation: string): Thresholds {
  if (given !== undefined) checkOptionNames(given, names, operation);
  const value = (name: keyof Thresholds): number => {
    const own = given?.[name];
    if (own === undefined) return published[name].value;
    if (checkFinite(own, operation, `thresholds.${name}`) > 0) return own;
    throw invalidArgument(operation, `thresholds.${name}`, "above 0", String(own));
  };
  return {
    saturatedSlope: value("saturatedSlope"),
    saturatedShare: value("saturatedShare"),
    saturatedWrong: value("saturatedWrong"),
    deadShare: value("deadShare"),
    vanishing: value("vanishing"),
    exploding: value("exploding"),
    lossAtStart: value("lossAtStart"),
    gain: value("gain"),
    inputSize: value("inputSize"),
    updateHigh: value("updateHigh"),
    updateLow: value("updateLow"),
  };
}

/** A limit as findings carry it. */
export function limitOf(name: keyof Thresholds, thresholds: Thresholds): Limit {
  const { value, source } = published[name];
  const own = thresholds[name];
  return { name, value: own, source: own === value ? source : `set by the caller (published: ${source})` };
}
