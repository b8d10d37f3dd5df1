/**
 * The document as a JSON Schema (draft 2020-12). Each part carries the type it describes, so the compiler holds the schema
 * against `document.ts`: what the one has and the other has not does not compile.
 */
import type {
  AccumulationStep,
  Assumption,
  Check,
  Comparison,
  CostForm,
  DerivationLine,
  Edge,
  Equation,
  EquationForm,
  Equations,
  Expansion,
  ExplanationDocument,
  Factor,
  Formula,
  GraphNode,
  GraphOperation,
  GraphSection,
  Json,
  Layer,
  Matrix,
  Path,
  Paths,
  Real,
  Refusal,
  Sentence,
  SourcePlace,
  Target,
  Textbook,
  TextbookBlock,
  Values,
  Vertex,
} from "./document.js";
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
} from "./schema-parts.js";

const real = named<Real>("real");
const formula = named<Formula>("formula");
const values = named<Values>("values");
const comparison = named<Comparison>("comparison");
const matrix = named<Matrix>("matrix");
const json = named<Json>("json");
const refusal = named<Refusal>("refusal");

const shape = list(integer);

const place = object<SourcePlace>({ file: text, line: integer, column: integer });

const node = object<GraphNode>({
  id: integer,
  kind: words("input", "constant", "result"),
  name: text,
  symbol: formula,
  shape,
  dtype: words("float32", "float64", "int32", "bool"),
  operation: nullable(integer),
  value: values,
  adjoint: nullable(values),
  saved: flag,
  recomputed: flag,
  bytes: integer,
});

const operation = object<GraphOperation>({
  id: integer,
  primitive: text,
  inputs: list(integer),
  outputs: list(integer),
  params: json,
  place: nullable(place),
  calls: list(text),
  flops: number,
  forward: formula,
  backward: list(formula),
  linear: flag,
});

const graph = object<GraphSection>({
  nodes: list(node),
  operations: list(operation),
  savedBytes: integer,
  recomputedBytes: integer,
  totalBytes: integer,
  backwardEdges: integer,
  backwardAdditions: integer,
});

const target = object<Target>({
  node: integer,
  path: text,
  index: list(integer),
  name: text,
  symbol: formula,
  value: real,
  adjoint: real,
  chosen: words("given", "largest"),
});

const vertex = object<Vertex>({
  id: integer,
  node: integer,
  index: list(integer),
  symbol: formula,
  value: real,
  adjoint: real,
});

const edge = object<Edge>({
  id: integer,
  from: integer,
  to: integer,
  symbol: formula,
  meaning: nullable(formula),
  value: real,
  operations: list(integer),
  linear: flag,
});

const path = object<Path>({
  factors: list(object<Factor>({ edge: integer, value: real, product: real })),
  value: real,
});

const step = object<AccumulationStep>({
  vertex: integer,
  terms: list(object<AccumulationStep["terms"][number]>({ edge: integer, value: real })),
  adjoint: real,
});

const digits: Schema<string> = { type: "string", pattern: "^[0-9]+$" };

const paths = object<Paths>({
  status: constant("listed"),
  vertices: list(vertex),
  edges: list(edge),
  count: digits,
  dead: digits,
  listed: list(path),
  remainder: nullable(object<NonNullable<Paths["remainder"]>>({ count: digits, value: real })),
  sum: comparison,
  positive: real,
  negative: real,
  survival: real,
  accumulation: object<Paths["accumulation"]>({
    steps: nullable(list(step)),
    edges: integer,
    multiplications: integer,
    additions: integer,
    pathMultiplications: digits,
  }),
});

const layer = object<Layer>({
  layer: integer,
  weight: integer,
  bias: nullable(integer),
  input: integer,
  z: integer,
  a: nullable(integer),
  inputs: integer,
  outputs: integer,
  activation: object<Layer["activation"]>({ name: text, coupled: flag }),
  stored: words("outIn", "inOut"),
});

const form = object<EquationForm>({
  layout: words("shape", "denominator", "numerator", "index"),
  batch: words("column", "rowBatch"),
  formula,
  dimensions: text,
  check: comparison,
});

const equation = object<Equation>({
  name: words("BP1", "BP2", "BP3", "BP4"),
  layer: integer,
  result: formula,
  symbolic: formula,
  substituted: formula,
  value: matrix,
  jacobian: nullable(object<NonNullable<Equation["jacobian"]>>({ example: integer, matrix })),
  forms: list(form),
  check: comparison,
});

const cost = object<CostForm>({
  kind: words("quadratic", "sigmoidCrossEntropy", "softmaxCrossEntropy", "other"),
  formula,
  scale: nullable(real),
  target: nullable(matrix),
  cancellation: list(object<CostForm["cancellation"][number]>({ formula, substituted: formula })),
  check: nullable(comparison),
});

const equations = object<Equations>({
  status: constant("recognised"),
  examples: integer,
  layers: list(layer),
  cost,
  list: list(equation),
});

const line = object<DerivationLine>({
  phase: words("forward", "backward"),
  operation: nullable(integer),
  formula,
});

const block = object<TextbookBlock>({
  kind: words(
    "dense",
    "repeatedLayers",
    "softmax",
    "softmaxCrossEntropy",
    "sigmoidCrossEntropy",
    "layerNorm",
  ),
  title: text,
  operations: list(integer),
  forward: list(formula),
  backward: list(formula),
  check: comparison,
});

const expansion = object<Expansion>({
  status: constant("expanded"),
  operations: integer,
  cost: formula,
  derivative: formula,
});

const textbook = object<Textbook>({ blocks: list(block), expansion: either(expansion, refusal) });

const sentence = object<Sentence>({
  text,
  numbers: list(object<Sentence["numbers"][number]>({ symbol: text, value: real })),
  points: list(integer),
});

const check = object<Check>({
  verdict: words("ok", "wrong", "inconclusive"),
  reason: nullable(text),
  analytic: real,
  adjoint: real,
  numeric: real,
  step: real,
  error: real,
  tolerance: real,
  sweep: list(object<Check["sweep"][number]>({ step: real, numeric: real, error: real })),
  oneSided: nullable(object<NonNullable<Check["oneSided"]>>({ left: real, right: real })),
});

const assumption = object<Assumption>({
  kind: words("subgradient", "branch", "reduction", "constant", "seed", "controlFlow", "precision"),
  text,
  operation: nullable(integer),
  count: nullable(integer),
});

const whole = object<ExplanationDocument>({
  format: constant("adjoint-explanation"),
  version: constant(1),
  function: object<ExplanationDocument["function"]>({ name: text, arguments: list(text) }),
  cost: object<ExplanationDocument["cost"]>({ node: integer, value: real }),
  target,
  graph,
  paths: either(paths, refusal),
  equations: either(equations, refusal),
  derivation: either(list(line), refusal),
  textbook,
  narration: list(sentence),
  check,
  assumptions: list(assumption),
});

const definitions = {
  real: either(number, words("NaN", "Infinity", "-Infinity")),
  formula: object<Formula>({ text, latex: text }),
  values: object<Values>({
    size: integer,
    elements: nullable(list(real)),
    min: real,
    max: real,
    mean: real,
    rms: real,
    zeros: integer,
    nonFinite: integer,
  }),
  comparison: object<Comparison>({
    computed: real,
    expected: real,
    difference: real,
    tolerance: real,
    agrees: flag,
  }),
  matrix: object<Matrix>({ rows: integer, columns: integer, values }),
  json: {},
  refusal: object<Refusal>({ status: constant("refused"), reason: text }),
};

/**
 * The JSON Schema of the document.
 *
 * @example
 * import { explanationSchema } from "adjoint/explain";
 * explanationSchema.title; // → adjoint-explanation, version 1
 */
export const explanationSchema: Schema<ExplanationDocument> = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "adjoint-explanation, version 1",
  ...whole,
  $defs: definitions,
};
