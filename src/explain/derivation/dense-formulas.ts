/** The textbook's formulas of an affine map. */
import type { Formula } from "../document.js";
import type { FoundLayer } from "../layers.js";
import { type Activation, primed } from "./activations.js";
import { formula } from "./block.js";

/** ∂C/∂x */
export const towards = ({ text, latex }: Formula): Formula =>
  formula(`∂C/∂${text}`, `\\frac{\\partial C}{\\partial ${latex}}`);

/** The transpose; what has a number above already goes into brackets. */
function T({ text, latex }: Formula): Formula {
  const isPlain = !latex.includes("^");
  return formula(isPlain ? `${text}ᵀ` : `(${text})ᵀ`, `${isPlain ? latex : `(${latex})`}^{\\mathsf T}`);
}

function joined(left: Formula, right: Formula): Formula {
  return formula(`${left.text} ${right.text}`, `${left.latex}\\, ${right.latex}`);
}

export function equal(left: Formula, right: Formula): Formula {
  return formula(`${left.text} = ${right.text}`, `${left.latex} = ${right.latex}`);
}

export function plus(left: Formula, right: Formula): Formula {
  return formula(`${left.text} += ${right.text}`, `${left.latex} \\mathrel{+}= ${right.latex}`);
}

/** δ = ā ⊙ f′(z), and what f′ is. */
export function slopeLines(activation: Activation, z: Formula, a: Formula, d: Formula): Formula[] {
  const [slope, aBar] = [primed(activation, z, a), towards(a)];
  return [
    formula(`${d.text} = ${aBar.text} ⊙ ${slope.text}`, `${d.latex} = ${aBar.latex} \\odot ${slope.latex}`),
    activation.slope(z, a),
  ];
}

/** The three products, with examples as columns or as rows as the code has them; a gradient has the shape of its parameter. */
export function products(
  { outputsFirst, stored }: FoundLayer,
  W: Formula,
  x: Formula,
  d: Formula,
): { readonly forward: Formula; readonly towardsWeight: Formula; readonly towardsInput: Formula } {
  const outIn = stored === "outIn";
  return outputsFirst
    ? {
        forward: joined(outIn ? W : T(W), x),
        towardsWeight: outIn ? joined(d, T(x)) : joined(x, T(d)),
        towardsInput: joined(outIn ? T(W) : W, d),
      }
    : {
        forward: joined(x, outIn ? T(W) : W),
        towardsWeight: outIn ? joined(T(d), x) : joined(T(x), d),
        towardsInput: joined(d, outIn ? W : T(W)),
      };
}

/** A sum over the examples is a product with ones. */
export function summed({ outputsFirst }: FoundLayer, d: Formula, examples: number): Formula {
  if (examples === 1) return d;
  return outputsFirst
    ? formula(`${d.text} 1`, `${d.latex}\\, \\mathbf 1`)
    : formula(`1ᵀ ${d.text}`, `\\mathbf 1^{\\mathsf T} ${d.latex}`);
}
