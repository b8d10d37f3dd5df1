/**
 * Which cost a network has, told by its numbers: a form is accepted only where the cost and its derivative both come out
 * as the graph has them. Targets need not be found in the graph: they follow from the derivative, and the cost confirms
 * them.
 */

import { type Dense, dense } from "./dense.js";
import type { CostForm, Formula } from "./document.js";
import type { LayerNumbers } from "./layer-numbers.js";
import { compare, matrixOf, real, show, showLatex } from "./numbers.js";

/** A recognised cost, with its numbers. */
export interface FoundCost {
  readonly form: CostForm;
  /** [m×n] the outputs: a, or what the logits stand for. */
  readonly output: Dense | null;
  readonly target: Dense | null;
  readonly scale: number | null;
  /** Does ∂C/∂z come to (a − y) · scale? */
  readonly cancels: boolean;
}

const softplus = (z: number): number => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
const sigmoid = (z: number): number => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)));

/** What of a layer tells the cost. */
export interface CostLayer extends Pick<LayerNumbers, "z" | "delta" | "a" | "towardsA"> {
  readonly found: Pick<LayerNumbers["found"], "activation">;
}

/**
 * @param entry example and output whose numbers the derivation shows
 * @param tolerance relative, for the cost
 * @param isLinear the cost is linear in the outputs, so that it is no sum of squares, whatever the numbers say
 */
export function costForm(
  last: CostLayer,
  cost: number,
  entry: readonly [number, number],
  tolerance: number,
  limit: number,
  isLinear = false,
): FoundCost {
  const { name } = last.found.activation;
  const found =
    (name === "softmax" || name === "logits" ? softmaxCross(last, cost, tolerance) : null) ??
    (name === "sigmoid" || name === "logits" ? sigmoidCross(last, cost, tolerance) : null) ??
    (last.a === null || isLinear ? null : quadratic(last, cost, tolerance));
  if (found === null)
    return {
      form: {
        kind: "other",
        formula: { text: "C = C(a, y)", latex: "C = C(a, y)" },
        scale: null,
        target: null,
        cancellation: [],
        check: null,
      },
      output: last.a,
      target: null,
      scale: null,
      cancels: false,
    };
  const { kind, output, target, scale, predicted } = found;
  return {
    form: {
      kind,
      formula: formulas[kind](scale),
      scale: real(scale),
      target: matrixOf(target.rows, target.columns, target.data, limit),
      cancellation: kind === "quadratic" ? [] : cancellation[kind](output, target, scale, entry),
      check: compare([predicted], [cost], tolerance * Math.max(Math.abs(cost), 1e-2)),
    },
    output,
    target,
    scale,
    cancels: kind !== "quadratic",
  };
}

interface Hypothesis {
  readonly kind: "quadratic" | "sigmoidCrossEntropy" | "softmaxCrossEntropy";
  readonly output: Dense;
  readonly target: Dense;
  readonly scale: number;
  readonly predicted: number;
}

const matches = (predicted: number, cost: number, tolerance: number): boolean =>
  Math.abs(predicted - cost) <= tolerance * Math.max(Math.abs(cost), 1e-2);

/** y from δ = (a − y) · s, for each s a mean may have; accepted where it is a target and gives the cost. */
function crossEntropy(
  kind: "sigmoidCrossEntropy" | "softmaxCrossEntropy",
  { delta, z }: CostLayer,
  output: Dense,
  scales: readonly number[],
  cost: number,
  tolerance: number,
  term: (y: number, example: number, j: number) => number,
): Hypothesis | null {
  for (const scale of new Set(scales)) {
    const slack = 10 * tolerance;
    const target = dense(z.rows, z.columns, (e, j) => {
      const y = output.data[e * z.columns + j] - delta.data[e * z.columns + j] / scale;
      // the rounding of a and δ, where the target is 0 or 1
      return Math.abs(y) <= slack ? 0 : Math.abs(y - 1) <= slack ? 1 : y;
    });
    if (!target.data.every((y) => y >= 0 && y <= 1)) continue;
    let predicted = 0;
    for (let e = 0; e < z.rows; e++)
      for (let j = 0; j < z.columns; j++) predicted += scale * term(target.data[e * z.columns + j], e, j);
    if (matches(predicted, cost, tolerance)) return { kind, output, target, scale, predicted };
  }
  return null;
}

function softmaxCross(last: CostLayer, cost: number, tolerance: number): Hypothesis | null {
  const { z } = last;
  if (z.columns < 2) return null;
  const logs = dense(z.rows, z.columns, (e, j) => {
    const row = z.data.subarray(e * z.columns, (e + 1) * z.columns);
    const peak = Math.max(...row);
    return row[j] - peak - Math.log(row.reduce((sum, value) => sum + Math.exp(value - peak), 0));
  });
  const output = { ...logs, data: logs.data.map(Math.exp) };
  const term = (y: number, e: number, j: number): number => (y === 0 ? 0 : -y * logs.data[e * z.columns + j]);
  return crossEntropy("softmaxCrossEntropy", last, output, [1 / z.rows, 1], cost, tolerance, term);
}

function sigmoidCross(last: CostLayer, cost: number, tolerance: number): Hypothesis | null {
  const { z } = last;
  const output = { ...z, data: z.data.map(sigmoid) };
  const scales = [1 / (z.rows * z.columns), 1 / z.rows, 1];
  // −y log σ(z) − (1 − y) log(1 − σ(z)) = softplus(z) − y z
  const term = (y: number, e: number, j: number): number => {
    const at = z.data[e * z.columns + j];
    return softplus(at) - y * at;
  };
  return crossEntropy("sigmoidCrossEntropy", last, output, scales, cost, tolerance, term);
}

/** C = (s/2) Σ (a − y)² has ∂C/∂a = s (a − y), so Σ(∂C/∂a)² / 2C is s. */
function quadratic(last: CostLayer, cost: number, tolerance: number): Hypothesis | null {
  const output = last.a;
  const bar = last.towardsA ?? last.delta;
  if (output === null || cost === 0) return null;
  const squares = bar.data.reduce((sum, value) => sum + value * value, 0);
  const [m, n] = [output.rows, output.columns];
  const means = [1, 1 / m, 1 / n, 1 / (m * n)];
  const scale = [...means, ...means.map((mean) => 2 * mean)].find((s) =>
    matches(squares / (2 * s), cost, tolerance),
  );
  if (scale === undefined) return null;
  const target = { ...output, data: output.data.map((a, i) => a - bar.data[i] / scale) };
  return { kind: "quadratic", output, target, scale, predicted: squares / (2 * scale) };
}

const times = (scale: number): readonly [string, string] =>
  scale === 1 ? ["", ""] : [`${show(scale)} `, `${showLatex(scale)}\\,`];

const formulas: Readonly<Record<Hypothesis["kind"], (scale: number) => Formula>> = {
  quadratic: (scale) => ({
    text: `C = ${scale === 1 ? "½" : show(scale / 2)} Σ (a − y)²`,
    latex: `C = ${scale === 1 ? "\\tfrac12" : showLatex(scale / 2)} \\sum (a - y)^2`,
  }),
  sigmoidCrossEntropy: (scale) => ({
    text: `C = −${times(scale)[0]}Σ [y log a + (1 − y) log(1 − a)], a = σ(z)`,
    latex: `C = -${times(scale)[1]}\\sum \\left[ y \\log a + (1 - y) \\log(1 - a) \\right],\\; a = \\sigma(z)`,
  }),
  softmaxCrossEntropy: (scale) => ({
    text: `C = −${times(scale)[0]}Σ y log a, a = softmax(z)`,
    latex: `C = -${times(scale)[1]}\\sum y \\log a,\\; a = \\operatorname{softmax}(z)`,
  }),
};

type Lines = CostForm["cancellation"];

/** How the derivative of the activation and that of the cost cancel, line by line. */
const cancellation: Readonly<
  Record<
    "sigmoidCrossEntropy" | "softmaxCrossEntropy",
    (output: Dense, target: Dense, scale: number, entry: readonly [number, number]) => Lines
  >
> = {
  sigmoidCrossEntropy(output, target, scale, [e, j]) {
    const a = output.data[e * output.columns + j];
    const y = target.data[e * output.columns + j];
    const [s, sLatex] = times(scale);
    const slope = a * (1 - a);
    return [
      {
        formula: {
          text: `∂C/∂a = ${s}(a − y) / (a(1 − a))`,
          latex: `\\frac{\\partial C}{\\partial a} = ${sLatex}\\frac{a - y}{a(1 - a)}`,
        },
        substituted: numbers(
          `${s}(${show(a)} − ${show(y)}) / (${show(a)} · ${show(1 - a)}) = ${show((scale * (a - y)) / slope)}`,
        ),
      },
      {
        formula: { text: "∂a/∂z = a(1 − a)", latex: "\\frac{\\partial a}{\\partial z} = a(1 - a)" },
        substituted: numbers(`${show(a)} · ${show(1 - a)} = ${show(slope)}`),
      },
      {
        formula: {
          text: `δ = ∂C/∂a · ∂a/∂z = ${s}(a − y): a(1 − a) cancels`,
          latex: `\\delta = \\frac{\\partial C}{\\partial a} \\frac{\\partial a}{\\partial z} = ${sLatex}(a - y)`,
        },
        substituted: numbers(`${s}(${show(a)} − ${show(y)}) = ${show(scale * (a - y))}`),
      },
    ];
  },
  softmaxCrossEntropy(output, target, scale, [e, j]) {
    const at = (matrix: Dense, k: number): number => matrix.data[e * matrix.columns + k];
    const [s, sLatex] = times(scale);
    const a = at(output, j);
    const y = at(target, j);
    let own = 0;
    let total = 0;
    for (let k = 0; k < target.columns; k++) {
      total += at(target, k);
      if (k === j) own = at(target, k);
    }
    return [
      {
        formula: {
          text: `∂C/∂a_k = −${s}y_k / a_k`,
          latex: `\\frac{\\partial C}{\\partial a_k} = -${sLatex}\\frac{y_k}{a_k}`,
        },
        substituted: numbers(
          `k = ${j}: −${scale === 1 ? "" : `${show(scale)} · `}${show(y)} / ${show(a)} = ${show((-scale * y) / a)}`,
        ),
      },
      {
        formula: {
          text: "∂a_k/∂z_j = a_k([j = k] − a_j)",
          latex: "\\frac{\\partial a_k}{\\partial z_j} = a_k([j = k] - a_j)",
        },
        substituted: numbers(`j = k = ${j}: ${show(a)} · (1 − ${show(a)}) = ${show(a * (1 - a))}`),
      },
      {
        formula: {
          text: `δ_j = Σ_k ∂C/∂a_k · ∂a_k/∂z_j = ${s}(a_j Σ_k y_k − y_j): a_k cancels`,
          latex: `\\delta_j = \\sum_k \\frac{\\partial C}{\\partial a_k} \\frac{\\partial a_k}{\\partial z_j} = ${sLatex}\\Big(a_j \\sum_k y_k - y_j\\Big)`,
        },
        substituted: numbers(
          `${s}(${show(a)} · ${show(total)} − ${show(own)}) = ${show(scale * (a * total - own))}`,
        ),
      },
      {
        formula: {
          text: `δ_j = ${s}(a_j − y_j), as Σ_k y_k = 1`,
          latex: `\\delta_j = ${sLatex}(a_j - y_j)`,
        },
        substituted: numbers(`${s}(${show(a)} − ${show(y)}) = ${show(scale * (a - y))}`),
      },
    ];
  },
};

/** Numbers in a row are the same in TeX, but for their signs. */
export function numbers(text: string): Formula {
  return {
    text,
    latex: text
      .replaceAll("−", "-")
      .replaceAll("·", "\\cdot ")
      .replaceAll("∞", "\\infty ")
      .replaceAll("…", "\\ldots ")
      .replace(/(\d)e(-?\d+)/g, "$1 \\cdot 10^{$2}"),
  };
}
