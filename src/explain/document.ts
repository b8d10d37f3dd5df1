/**
 * The document an explanation is: plain JSON, versioned, complete. Everything that is shown (text, LaTeX, HTML) is a function of
 * it alone. `schema.ts` has the same as a JSON Schema.
 */
import type { DType } from "../index.js";

/** The version of the form; it changes when a reader of the old one would misread the new one. */
export const explanationVersion = 1;

/** A number; JSON has no NaN and no infinities. */
export type Real = number | "NaN" | "Infinity" | "-Infinity";

/** The same formula for a terminal and for TeX. */
export interface Formula {
  readonly text: string;
  readonly latex: string;
}

/** The elements of a tensor: all of them where there are few, and always what they are like. */
export interface Values {
  readonly size: number;
  /** Row-major; null where there are more than `maxElements` (64 unless asked otherwise). */
  readonly elements: readonly Real[] | null;
  readonly min: Real;
  readonly max: Real;
  readonly mean: Real;
  /** √(mean of squares). */
  readonly rms: Real;
  readonly zeros: number;
  /** How many are NaN or infinite. */
  readonly nonFinite: number;
}

/** A value in the graph. */
export interface GraphNode {
  readonly id: number;
  /** `input`: a floating-point tensor of the arguments. `constant`: what the function used besides. `result`: of an operation. */
  readonly kind: "input" | "constant" | "result";
  /** An input's path (`layers.0.weight`), a constant's value where it is one number, else `v7`. */
  readonly name: string;
  /** What formulas call it, unique among inputs and results: `W1`, `b1`, `z1`, `a1`, `C`, or the name. */
  readonly symbol: Formula;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** The operation that made it; null for inputs and constants. */
  readonly operation: number | null;
  readonly value: Values;
  /** ∂C/∂this, of the same shape; null where the cost does not depend on it smoothly. */
  readonly adjoint: Values | null;
  /** Read by the backward pass, so kept from the forward pass (or, inside a checkpoint, computed again). */
  readonly saved: boolean;
  readonly recomputed: boolean;
  readonly bytes: number;
}

/** A place in the user's source: 1-based. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Parameters of an operation: any JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One application of a primitive, in the order they were computed. */
export interface GraphOperation {
  readonly id: number;
  readonly primitive: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly params: Json;
  /** The line of the user's code that asked for it, where known. */
  readonly place: SourcePlace | null;
  /** The library's functions on the way there, outermost first: `Linear.forward`, `matmul`. */
  readonly calls: readonly string[];
  readonly flops: number;
  /** What it computes, and its adjoint rule, in the symbols of this graph. */
  readonly forward: Formula;
  readonly backward: readonly Formula[];
  /** Linear in what varies: its slopes are exact at any distance, not only here. */
  readonly linear: boolean;
}

/** The computational graph, with values and adjoints. */
export interface GraphSection {
  readonly nodes: readonly GraphNode[];
  readonly operations: readonly GraphOperation[];
  /** Bytes kept for the backward pass; what of it checkpoints compute again; all values together. */
  readonly savedBytes: number;
  readonly recomputedBytes: number;
  readonly totalBytes: number;
  /** Edges of this graph the backward pass went along, each once, and additions where they meet. */
  readonly backwardEdges: number;
  readonly backwardAdditions: number;
}

/** What is explained: the derivative of the cost towards one number. */
export interface Target {
  readonly node: number;
  /** The path of its tensor and the index in it: `layers.1.weight`, [3, 5]. */
  readonly path: string;
  readonly index: readonly number[];
  /** `layers.1.weight[3,5]` */
  readonly name: string;
  readonly symbol: Formula;
  readonly value: Real;
  /** ∂C/∂this. */
  readonly adjoint: Real;
  /** `largest`: nobody asked for this element; it has the largest derivative of its tensor. */
  readonly chosen: "given" | "largest";
}

/** A number on a path from the cost to the target: an element of a node. */
export interface Vertex {
  readonly id: number;
  readonly node: number;
  readonly index: readonly number[];
  readonly symbol: Formula;
  readonly value: Real;
  /** ∂C/∂this along the paths to the target's side: its adjoint. */
  readonly adjoint: Real;
}

/** The partial derivative of `from` (nearer the cost) towards `to` (nearer the target). */
export interface Edge {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  /** `∂z1/∂W1[0,2]` */
  readonly symbol: Formula;
  /** What it is made of, `σ′(z1) = a1(1 − a1)` or `W2[0,3]`, where it can be said. */
  readonly meaning: Formula | null;
  readonly value: Real;
  /** The operations of the graph it stands for. */
  readonly operations: readonly number[];
  readonly linear: boolean;
}

/** One link of a path. */
export interface Factor {
  readonly edge: number;
  readonly value: Real;
  /** The product of this factor and all before it. */
  readonly product: Real;
}

/** A chain of partial derivatives from the cost to the target; its value is their product. */
export interface Path {
  readonly factors: readonly Factor[];
  readonly value: Real;
}

/** Reverse accumulation at one vertex: Σ adjoint of `from` · partial over the edges that arrive. */
export interface AccumulationStep {
  readonly vertex: number;
  readonly terms: readonly { readonly edge: number; readonly value: Real }[];
  readonly adjoint: Real;
}

/** The chain-rule paths from the cost to the target, and the same derivative by reverse accumulation. */
export interface Paths {
  readonly status: "listed";
  /** Vertex 0 is the cost, the last the target; all of them, or those of the listed paths where there are over 20,000 edges. */
  readonly vertices: readonly Vertex[];
  readonly edges: readonly Edge[];
  /** Of all paths, as decimal digits: there may be more than a number can say. */
  readonly count: string;
  /** Of those with a factor of exactly 0: they contribute nothing. */
  readonly dead: string;
  /** The largest by magnitude first; all of them up to 64. */
  readonly listed: readonly Path[];
  /** What the unlisted ones add up to; null where all are listed. */
  readonly remainder: { readonly count: string; readonly value: Real } | null;
  readonly sum: Comparison;
  /** Of all paths: what the positive and the negative ones add up to, and |sum| / (positive − negative), 1 without cancellation. */
  readonly positive: Real;
  readonly negative: Real;
  readonly survival: Real;
  readonly accumulation: {
    /** Null where there are more than 200. */
    readonly steps: readonly AccumulationStep[] | null;
    readonly edges: number;
    readonly multiplications: number;
    readonly additions: number;
    /** What multiplying out every path would take, as decimal digits. */
    readonly pathMultiplications: string;
  };
}

/** A part that could not be given, with what to do instead. */
export interface Refusal {
  readonly status: "refused";
  readonly reason: string;
}

/** Two ways to the same numbers. */
export interface Comparison {
  readonly computed: Real;
  readonly expected: Real;
  /** The largest difference of an element, and how large it may be by rounding. */
  readonly difference: Real;
  readonly tolerance: Real;
  readonly agrees: boolean;
}

/** A layer z = W a + b, a = f(z) that was found in the graph. */
export interface Layer {
  /** 1 is the first. */
  readonly layer: number;
  /** Nodes. */
  readonly weight: number;
  readonly bias: number | null;
  readonly input: number;
  readonly z: number;
  /** Null for logits that go into the cost as they are. */
  readonly a: number | null;
  readonly inputs: number;
  readonly outputs: number;
  readonly activation: { readonly name: string; readonly coupled: boolean };
  /** The weight as the code has it: [outputs, inputs] or [inputs, outputs]. */
  readonly stored: "outIn" | "inOut";
}

/** How derivatives are laid out, and how a batch is. */
export type Layout = "shape" | "denominator" | "numerator" | "index";
/** A batch as columns side by side, or as rows below each other. */
export type BatchLayout = "column" | "rowBatch";

/** An equation in one layout. */
export interface EquationForm {
  readonly layout: Layout;
  readonly batch: BatchLayout;
  readonly formula: Formula;
  /** `[30×10][10×1] → [30×1]` */
  readonly dimensions: string;
  /** Computed in this layout, against the graph's adjoint. */
  readonly check: Comparison;
}

/** A matrix of numbers, whole where it is small. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Values;
}

/** One of the four fundamental equations, in one layer. */
export interface Equation {
  readonly name: "BP1" | "BP2" | "BP3" | "BP4";
  readonly layer: number;
  /** What it gives: `δ2`, `∂C/∂b1`, … */
  readonly result: Formula;
  readonly symbolic: Formula;
  /** The same with the numbers of one entry. */
  readonly substituted: Formula;
  /** One row an example for δ, the parameter's shape for gradients. */
  readonly value: Matrix;
  /** ∂a/∂z of one example (row: a, column: z) where outputs depend on each other's z, as with softmax. */
  readonly jacobian: { readonly example: number; readonly matrix: Matrix } | null;
  readonly forms: readonly EquationForm[];
  readonly check: Comparison;
}

/** The cost that was found, and how ∂C/∂z comes to (a − y) where it does. */
export interface CostForm {
  readonly kind: "quadratic" | "sigmoidCrossEntropy" | "softmaxCrossEntropy" | "other";
  readonly formula: Formula;
  /** What the sum over examples is multiplied by: 1/m for a mean; null where not known. */
  readonly scale: Real | null;
  /** The targets, one row an example; null where not known. */
  readonly target: Matrix | null;
  /** Lines of the derivation of δ = (a − y) · scale, each with the numbers of one output; empty where nothing cancels. */
  readonly cancellation: readonly { readonly formula: Formula; readonly substituted: Formula }[];
  /** The form's value against the cost of the graph. */
  readonly check: Comparison | null;
}

/** The four fundamental equations, where the graph is a dense network. */
export interface Equations {
  readonly status: "recognised";
  readonly examples: number;
  readonly layers: readonly Layer[];
  readonly cost: CostForm;
  /** From the output back: BP1, BP3, BP4 of the last layer, then BP2, BP3, BP4 of each before. */
  readonly list: readonly Equation[];
}

/** The whole graph as let-bound lines: values forward, adjoints backward. */
export interface DerivationLine {
  readonly phase: "forward" | "backward";
  readonly operation: number | null;
  readonly formula: Formula;
}

/** A part of the graph that has a textbook form. It is here only if both forms give the same numbers. */
export interface TextbookBlock {
  readonly kind:
    | "dense"
    | "repeatedLayers"
    | "softmax"
    | "softmaxCrossEntropy"
    | "sigmoidCrossEntropy"
    | "layerNorm";
  readonly title: string;
  /** What it stands for. */
  readonly operations: readonly number[];
  readonly forward: readonly Formula[];
  /** What it passes back; `+=` adds to what comes from elsewhere. */
  readonly backward: readonly Formula[];
  /** The textbook form computed as it is written, against the lines of the graph: where they differ most. */
  readonly check: Comparison;
}

/** The cost and the derivative towards the target's tensor as one formula each. */
export interface Expansion {
  readonly status: "expanded";
  /** How long they are at most. */
  readonly operations: number;
  readonly cost: Formula;
  readonly derivative: Formula;
}

/** The derivation beyond its lines: recognised parts, and all in one. */
export interface Textbook {
  readonly blocks: readonly TextbookBlock[];
  readonly expansion: Expansion | Refusal;
}

/** A sentence of the story, with the numbers it asserts. */
export interface Sentence {
  readonly text: string;
  readonly numbers: readonly { readonly symbol: string; readonly value: Real }[];
  /** The points of the study notes it covers. */
  readonly points: readonly number[];
}

/** The derivative by centred differences in float64. */
export interface Check {
  readonly verdict: "ok" | "wrong" | "inconclusive";
  /** Why it is inconclusive or wrong; null where it is right. */
  readonly reason: string | null;
  /** By reverse mode in float64, and as the graph has it. */
  readonly analytic: Real;
  readonly adjoint: Real;
  /** The best estimate, its step, and |analytic − numeric| / (|analytic| + |numeric|). */
  readonly numeric: Real;
  readonly step: Real;
  readonly error: Real;
  readonly tolerance: Real;
  /** From the largest step to the smallest. */
  readonly sweep: readonly { readonly step: Real; readonly numeric: Real; readonly error: Real }[];
  /** The slopes to the left and to the right, where they differ at every step: a kink. */
  readonly oneSided: { readonly left: Real; readonly right: Real } | null;
}

/** Something the explanation holds under. */
export interface Assumption {
  readonly kind: "subgradient" | "branch" | "reduction" | "constant" | "seed" | "controlFlow" | "precision";
  readonly text: string;
  readonly operation: number | null;
  /** How many elements it is about, where that means something. */
  readonly count: number | null;
}

/** Why a gradient is what it is. */
export interface ExplanationDocument {
  readonly format: "adjoint-explanation";
  readonly version: 1;
  readonly function: { readonly name: string; readonly arguments: readonly string[] };
  readonly cost: { readonly node: number; readonly value: Real };
  readonly target: Target;
  readonly graph: GraphSection;
  readonly paths: Paths | Refusal;
  readonly equations: Equations | Refusal;
  readonly derivation: readonly DerivationLine[] | Refusal;
  readonly textbook: Textbook;
  readonly narration: readonly Sentence[];
  readonly check: Check;
  readonly assumptions: readonly Assumption[];
}
