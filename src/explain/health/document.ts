/**
 * The document a look at a network's health gives: plain JSON, versioned, complete. `schema.ts` has the same as a JSON Schema.
 */
import type { Real, Refusal, SourcePlace } from "../document.js";
import type { Thresholds } from "./thresholds.js";

/** The version of the form; it changes when a reader of the old one would misread the new one. */
export const healthVersion = 1;

/** What may be wrong, causes before what they lead to: the order findings come in. */
export const findingCodes = [
  "non-finite",
  "wrong-loss",
  "unreachable-targets",
  "unnormalised-inputs",
  "symmetric-units",
  "weights-too-large",
  "dead-units",
  "saturated-output",
  "exploding-gradient",
  "vanishing-gradient",
  "saturated-units",
  "loss-at-start",
  "learning-rate-too-high",
  "learning-rate-too-low",
] as const;

/** The kind of a finding. */
export type FindingCode = (typeof findingCodes)[number];

/** `error`: it will hardly learn like this. `warning`: it learns more slowly than it could, or may stop. */
export type Severity = "error" | "warning";

/** A number a finding rests on, and what it is. */
export interface Evidence {
  readonly what: string;
  readonly value: Real;
}

/** The limit that was passed, and who published it. */
export interface Limit {
  readonly name: keyof Thresholds;
  readonly value: number;
  readonly source: string;
}

/** A short training run: the loss on the same examples before and after it, and a score that does not depend on the loss. */
export interface Trial {
  readonly steps: number;
  /** Fewer than `steps` where the loss stopped being finite. */
  readonly finished: number;
  readonly loss: { readonly start: Real; readonly end: Real };
  readonly score: { readonly name: "accuracy" | "rms error"; readonly start: Real; readonly end: Real };
}

/** The same run with one thing changed. */
export interface Counterfactual {
  readonly status: "run";
  readonly change: string;
  readonly without: Trial;
  readonly with: Trial;
  /** What was found wanting, without and with the change, before training; null where the training itself is what was. */
  readonly effect: { readonly what: string; readonly without: Real; readonly with: Real } | null;
  /** Whether the loss ended lower by 1 % of that of constant outputs; under another loss, whether the score ended better. */
  readonly helps: boolean;
}

/** Something wrong: what, where, why it may be said, and what to do. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Paths of the layers it is about, first to last; empty where it is about the whole. */
  readonly layers: readonly string[];
  readonly summary: string;
  readonly evidence: readonly Evidence[];
  /** Null where no number decides. */
  readonly limit: Limit | null;
  readonly meaning: string;
  readonly remedy: string;
  readonly counterfactual: Counterfactual | Refusal;
  /** What was seen as well and comes of this. */
  readonly consequences: readonly { readonly code: FindingCode; readonly summary: string }[];
  /** The line of the user's code, where one is meant. */
  readonly place: SourcePlace | null;
}

/** How numbers are spread. */
export interface Spread {
  readonly mean: Real;
  /** √(mean of squares about the mean). */
  readonly deviation: Real;
  /** √(mean of squares). */
  readonly rms: Real;
  readonly min: Real;
  readonly max: Real;
}

/** What an activation does to a layer's units, over the examples. */
export interface ActivationHealth {
  readonly name: string;
  readonly units: number;
  /** The share of (unit, example) pairs whose slope σ′ is below `saturatedSlope` of its largest. */
  readonly saturated: Real;
  /** The mean of |σ′|. */
  readonly slope: Real;
  /** Units whose slope is that small for every example. */
  readonly dead: number;
  /** Units whose output never rises above a hundredth of the layer's largest. */
  readonly silent: number;
  readonly output: Spread;
}

/** A weight and what follows it until the next one. */
export interface LayerHealth {
  /** `layers.0`: the path of the object that holds the weight. */
  readonly layer: string;
  /** How often a forward pass uses it: more than once in a recurrent network. */
  readonly uses: number;
  readonly weight: Spread;
  readonly gradient: Spread;
  readonly weightNorm: Real;
  readonly gradientNorm: Real;
  /** rms(w) · √fanIn: what the weights alone do to the size of a signal. */
  readonly gain: Real;
  /**
   * The rms of ∂C/∂z over examples and units, the places that share a weight (of a convolution, say) added up: how fast
   * the layer learns; of several uses the largest.
   */
  readonly signal: Real;
  /** The same over that of the last layer. */
  readonly signalRatio: Real;
  /**
   * The size of an update over that of the weights, ‖Δw‖ / ‖w‖ (η ‖g‖ / ‖w‖ in plain descent; the larger w of before and after),
   * as the mean over the trial's steps, and the largest; null without a trial or an optimizer.
   */
  readonly updateRatio: { readonly mean: Real; readonly peak: Real } | null;
  readonly activation: ActivationHealth | null;
}

/** What the whole network says of its examples. */
export interface HealthDocument {
  readonly format: "adjoint-health";
  readonly version: 1;
  /** How many were looked at. */
  readonly examples: number;
  readonly parameters: number;
  readonly seed: number;
  /** Updates made before, where this is a look into a training run. */
  readonly step: number | null;
  readonly loss: {
    readonly name: string;
    readonly value: Real;
    /** What outputs cost that are the same for every example, ln C for C classes; null where that is not known. */
    readonly constant: Real | null;
  };
  /** What the first layer is given; null where it is not numbers. */
  readonly inputs: Spread | null;
  readonly outputs: Spread | null;
  /** In the order of their first use. */
  readonly layers: readonly LayerHealth[];
  /** The run without any change. */
  readonly trial: Trial | Refusal;
  /** Causes first. */
  readonly findings: readonly Finding[];
  readonly thresholds: Thresholds;
}
