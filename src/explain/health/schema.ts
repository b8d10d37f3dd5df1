/** The health document as a JSON Schema (draft 2020-12), held against `document.ts` by the compiler. */
import type { Real, Refusal, SourcePlace } from "../document.js";
import {
  constant,
  either,
  flag,
  integer,
  list,
  named,
  nullable,
  number,
  object,
  type Schema,
  text,
  words,
} from "../schema-parts.js";
import {
  type ActivationHealth,
  type Counterfactual,
  type Evidence,
  type Finding,
  findingCodes,
  type HealthDocument,
  type LayerHealth,
  type Limit,
  type Spread,
  type Trial,
} from "./document.js";
import type { Thresholds } from "./thresholds.js";

const real = named<Real>("real");
const refusal = named<Refusal>("refusal");
const spread = named<Spread>("spread");
const trial = named<Trial>("trial");
const code = words(...findingCodes);

const thresholds = object<Thresholds>({
  saturatedSlope: number,
  saturatedShare: number,
  saturatedWrong: number,
  deadShare: number,
  vanishing: number,
  exploding: number,
  lossAtStart: number,
  gain: number,
  inputSize: number,
  updateHigh: number,
  updateLow: number,
});

const limit = object<Limit>({
  name: words(
    "saturatedSlope",
    "saturatedShare",
    "saturatedWrong",
    "deadShare",
    "vanishing",
    "exploding",
    "lossAtStart",
    "gain",
    "inputSize",
    "updateHigh",
    "updateLow",
  ),
  value: number,
  source: text,
});

const counterfactual = object<Counterfactual>({
  status: constant("run"),
  change: text,
  without: trial,
  with: trial,
  effect: nullable(object<NonNullable<Counterfactual["effect"]>>({ what: text, without: real, with: real })),
  helps: flag,
});

const finding = object<Finding>({
  code,
  severity: words("error", "warning"),
  layers: list(text),
  summary: text,
  evidence: list(object<Evidence>({ what: text, value: real })),
  limit: nullable(limit),
  meaning: text,
  remedy: text,
  counterfactual: either(counterfactual, refusal),
  consequences: list(object<Finding["consequences"][number]>({ code, summary: text })),
  place: nullable(object<SourcePlace>({ file: text, line: integer, column: integer })),
});

const activation = object<ActivationHealth>({
  name: text,
  units: integer,
  saturated: real,
  slope: real,
  dead: integer,
  silent: integer,
  output: spread,
});

const layer = object<LayerHealth>({
  layer: text,
  uses: integer,
  weight: spread,
  gradient: spread,
  weightNorm: real,
  gradientNorm: real,
  gain: real,
  signal: real,
  signalRatio: real,
  updateRatio: nullable(object<NonNullable<LayerHealth["updateRatio"]>>({ mean: real, peak: real })),
  activation: nullable(activation),
});

const whole = object<HealthDocument>({
  format: constant("adjoint-health"),
  version: constant(1),
  examples: integer,
  parameters: integer,
  seed: integer,
  step: nullable(integer),
  loss: object<HealthDocument["loss"]>({ name: text, value: real, constant: nullable(real) }),
  inputs: nullable(spread),
  outputs: nullable(spread),
  layers: list(layer),
  trial: either(trial, refusal),
  findings: list(finding),
  thresholds,
});

const definitions = {
  real: either(number, words("NaN", "Infinity", "-Infinity")),
  refusal: object<Refusal>({ status: constant("refused"), reason: text }),
  spread: object<Spread>({ mean: real, deviation: real, rms: real, min: real, max: real }),
  trial: object<Trial>({
    steps: integer,
    finished: integer,
    loss: object<Trial["loss"]>({ start: real, end: real }),
    score: object<Trial["score"]>({ name: words("accuracy", "rms error"), start: real, end: real }),
  }),
};

/**
 * The JSON Schema of the health document.
 *
 * @example
 * import { healthSchema } from "adjoint/explain";
 * healthSchema.title; // → adjoint-health, version 1
 */
export const healthSchema: Schema<HealthDocument> = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "adjoint-health, version 1",
  ...whole,
  $defs: definitions,
};
