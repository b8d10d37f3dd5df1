/** Element-wise functions of the textbook with their derivatives, in symbols and in numbers. */
import type { Formula } from "../document.js";
import { formula } from "./block.js";

/** f and f′ of one number. */
export interface Activation {
  /** f(z) and f′(z), given what z and a = f(z) are called. */
  apply(z: Formula): Formula;
  slope(z: Formula, a: Formula): Formula;
  readonly value: (z: number) => number;
  readonly derivative: (z: number) => number;
}

const sigmoid = (z: number): number => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)));
const softplus = (z: number): number => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

const called =
  (text: string, latex: string) =>
  (z: Formula): Formula =>
    formula(`${text}(${z.text})`, `${latex}(${z.latex})`);

/** By the names of the primitives and of the library's functions. */
export const activations: ReadonlyMap<string, Activation> = new Map([
  [
    "sigmoid",
    {
      apply: called("σ", "\\sigma"),
      slope: (z, a) =>
        formula(
          `σ′(${z.text}) = ${a.text}(1 − ${a.text})`,
          `\\sigma'(${z.latex}) = ${a.latex} \\odot (1 - ${a.latex})`,
        ),
      value: sigmoid,
      derivative: (z) => sigmoid(z) * sigmoid(-z),
    },
  ],
  [
    "tanh",
    {
      apply: called("tanh", "\\tanh"),
      slope: (z, a) =>
        formula(
          `tanh′(${z.text}) = 1 − ${a.text} ⊙ ${a.text}`,
          `\\tanh'(${z.latex}) = 1 - ${a.latex} \\odot ${a.latex}`,
        ),
      value: Math.tanh,
      derivative: (z) => 1 - Math.tanh(z) ** 2,
    },
  ],
  [
    "relu",
    {
      apply: called("relu", "\\operatorname{relu}"),
      slope: (z) =>
        formula(`relu′(${z.text}) = [${z.text} > 0]`, `\\operatorname{relu}'(${z.latex}) = [${z.latex} > 0]`),
      value: (z) => Math.max(z, 0),
      derivative: (z) => (z > 0 ? 1 : 0),
    },
  ],
  [
    "softplus",
    {
      apply: called("softplus", "\\operatorname{softplus}"),
      slope: (z) =>
        formula(
          `softplus′(${z.text}) = σ(${z.text})`,
          `\\operatorname{softplus}'(${z.latex}) = \\sigma(${z.latex})`,
        ),
      value: softplus,
      derivative: sigmoid,
    },
  ],
  [
    "silu",
    {
      apply: called("silu", "\\operatorname{silu}"),
      slope: (z) =>
        formula(
          `silu′(${z.text}) = σ(${z.text})(1 + ${z.text}(1 − σ(${z.text})))`,
          `\\operatorname{silu}'(${z.latex}) = \\sigma(${z.latex}) \\odot \\big(1 + ${z.latex} \\odot (1 - \\sigma(${z.latex}))\\big)`,
        ),
      value: (z) => z * sigmoid(z),
      derivative: (z) => sigmoid(z) * (1 + z * sigmoid(-z)),
    },
  ],
  [
    "exp",
    {
      apply: (z) => formula(`exp(${z.text})`, `e^{${z.latex}}`),
      slope: (z, a) => formula(`exp′(${z.text}) = ${a.text}`, `\\exp'(${z.latex}) = ${a.latex}`),
      value: Math.exp,
      derivative: Math.exp,
    },
  ],
  [
    "sin",
    {
      apply: called("sin", "\\sin"),
      slope: (z) => formula(`sin′(${z.text}) = cos(${z.text})`, `\\sin'(${z.latex}) = \\cos(${z.latex})`),
      value: Math.sin,
      derivative: Math.cos,
    },
  ],
]);

/** f′ without what it is: `σ′(z)`. */
export function primed({ slope }: Activation, z: Formula, a: Formula): Formula {
  const { text, latex } = slope(z, a);
  return formula(text.split(" = ")[0], latex.split(" = ")[0]);
}
