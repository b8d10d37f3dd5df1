/** A finding before its remedy was tried. */
import type { Finding, FindingCode } from "./document.js";
import type { Facts } from "./facts.js";
import type { Treatment } from "./treatments.js";

/** What a rule says. */
export interface Draft extends Omit<Finding, "counterfactual" | "consequences" | "place"> {
  /** Remedies to try, the best known first. */
  readonly treatments: readonly Treatment[];
  /** The number that was found wanting: measured again with the remedy. */
  readonly measure?: { readonly what: string; readonly of: (facts: Facts) => number };
  /** Why none is tried, where none can be. */
  readonly untried?: string;
}

/** One kind of ill, looked for in the facts. */
export type Rule = (facts: Facts) => Draft | null;

const spoilsTraining: readonly FindingCode[] = [
  "loss-at-start",
  "learning-rate-too-high",
  "learning-rate-too-low",
];
const saturates: readonly FindingCode[] = ["saturated-units", "saturated-output"];

/** What a cause brings with it: these are then no findings of their own but its consequences. */
export const consequencesOf: Readonly<Record<FindingCode, readonly FindingCode[]>> = {
  "non-finite": [
    ...saturates,
    ...spoilsTraining,
    "unnormalised-inputs",
    "symmetric-units",
    "weights-too-large",
    "dead-units",
    "exploding-gradient",
    "vanishing-gradient",
  ],
  "wrong-loss": [...saturates, ...spoilsTraining],
  "unreachable-targets": [...saturates, ...spoilsTraining],
  "unnormalised-inputs": [
    ...saturates,
    ...spoilsTraining,
    "dead-units",
    "exploding-gradient",
    "vanishing-gradient",
  ],
  "symmetric-units": [...spoilsTraining, "vanishing-gradient", "exploding-gradient", "dead-units"],
  "weights-too-large": [
    ...saturates,
    ...spoilsTraining,
    "dead-units",
    "exploding-gradient",
    "vanishing-gradient",
  ],
  "dead-units": [...spoilsTraining, "vanishing-gradient"],
  "saturated-output": [...spoilsTraining, "vanishing-gradient", "saturated-units"],
  "exploding-gradient": spoilsTraining,
  "vanishing-gradient": [...spoilsTraining, "saturated-units"],
  "saturated-units": spoilsTraining,
  "loss-at-start": [],
  "learning-rate-too-high": [],
  "learning-rate-too-low": [],
};
