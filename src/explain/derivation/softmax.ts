/** Softmax, and the cross-entropies whose derivative towards the logits is a difference. */

import type { Composite } from "../composites.js";
import { costForm } from "../cost-form.js";
import { dense } from "../dense.js";
import type { Formula, TextbookBlock } from "../document.js";
import { largest, show, showLatex } from "../numbers.js";
import type { TapeIndex } from "../tape-index.js";
import {
  adjointSymbol,
  formula,
  inputOf,
  matched,
  operationsBetween,
  type SymbolOf,
  worst,
} from "./block.js";
import { pullBack } from "./pull.js";

/** y = softmax(x) along the last axis: x̄ = y ⊙ (ȳ − Σ y ⊙ ȳ). */
export function softmaxBlocks(
  index: TapeIndex,
  composites: ReadonlyMap<number, Composite>,
  symbolOf: SymbolOf,
): TextbookBlock[] {
  return [...new Set(composites.values())].flatMap((composite) => {
    if (composite.name !== "softmax") return [];
    const x = inputOf(index, composite);
    const { output: y } = composite;
    const bar = index.adjointOf(y);
    if (x === null || bar === null || x.shape.length === 0 || x.shape.join() !== y.shape.join()) return [];
    const n = x.shape[x.shape.length - 1];
    const values = index.valuesOf(x);
    const made = new Float64Array(values.length);
    const pulled = new Float64Array(values.length);
    for (let start = 0; start < values.length; start += n) {
      let peak = Number.NEGATIVE_INFINITY;
      for (let j = 0; j < n; j++) peak = Math.max(peak, values[start + j]);
      let sum = 0;
      for (let j = 0; j < n; j++) {
        made[start + j] = Math.exp(values[start + j] - peak);
        sum += made[start + j];
      }
      let common = 0;
      for (let j = 0; j < n; j++) {
        made[start + j] /= sum;
        common += made[start + j] * bar[start + j];
      }
      for (let j = 0; j < n; j++) pulled[start + j] = made[start + j] * (bar[start + j] - common);
    }
    const operations = operationsBetween(index, [x], y);
    const lines = pullBack(index, operations, y, bar).get(x);
    if (lines === undefined) return [];
    const [xs, ys] = [symbolOf(x), symbolOf(y)];
    const [xBar, yBar] = [adjointSymbol(xs), adjointSymbol(ys)];
    return matched({
      kind: "softmax",
      title: `softmax of ${xs.text}`,
      operations: [...composite.operations],
      forward: [
        formula(
          `${ys.text}_j = exp(${xs.text}_j) / Σ_k exp(${xs.text}_k)`,
          `{${ys.latex}}_j = \\frac{e^{{${xs.latex}}_j}}{\\sum_k e^{{${xs.latex}}_k}}`,
        ),
      ],
      backward: [
        formula(
          `∂${ys.text}_k/∂${xs.text}_j = ${ys.text}_k([j = k] − ${ys.text}_j)`,
          `\\frac{\\partial {${ys.latex}}_k}{\\partial {${xs.latex}}_j} = {${ys.latex}}_k([j = k] - {${ys.latex}}_j)`,
        ),
        formula(
          `${xBar.text} += ${ys.text} ⊙ (${yBar.text} − Σ ${ys.text} ⊙ ${yBar.text})`,
          `${xBar.latex} \\mathrel{+}= ${ys.latex} \\odot \\Big(${yBar.latex} - \\sum_k {${ys.latex}}_k {${yBar.latex}}_k\\Big)`,
        ),
      ],
      check: worst(
        [
          { textbook: made, lines: index.valuesOf(y) },
          { textbook: pulled, lines, term: largest(bar) },
        ],
        x.dtype,
        // e^x is off by x roundings
        4 * n + largest(values),
      ),
    });
  });
}

/** The whole graph behind logits z, where it is a cross-entropy of them: ∂C/∂z = (a − y) · scale. */
export function crossEntropyBlocks(
  index: TapeIndex,
  composites: ReadonlyMap<number, Composite>,
  symbolOf: SymbolOf,
): TextbookBlock[] {
  const candidates = new Set(
    [...new Set(composites.values())].flatMap((composite) => {
      const isOne = ["logSoftmax", "logSumExp", "softplus", "softmax"].includes(composite.name);
      return isOne ? [inputOf(index, composite)] : [];
    }),
  );
  for (const { primitive, inputs } of [...index.tape.operations].reverse())
    if (primitive.name === "sigmoid" && !index.isConstant(inputs[0])) {
      candidates.add(inputs[0]);
      break;
    }
  const { output } = index.tape;
  for (const z of candidates) {
    const delta = z === null ? null : index.adjointOf(z);
    if (z === null || delta === null || z.shape.length > 2) continue;
    const n = z.shape.at(-1) ?? 1;
    const values = index.valuesOf(z);
    const matrix = (from: ArrayLike<number>) => dense(from.length / n, n, (e, j) => from[e * n + j]);
    const found = costForm(
      {
        found: { activation: { name: "logits", coupled: false } },
        z: matrix(values),
        delta: matrix(delta),
        a: null,
        towardsA: null,
      },
      index.valuesOf(output)[0],
      [0, 0],
      z.dtype === "float64" ? 1e-9 : 1e-4,
      0,
    );
    const { form, output: a, target, scale } = found;
    if (!found.cancels || a === null || target === null || scale === null) continue;
    if (form.kind !== "softmaxCrossEntropy" && form.kind !== "sigmoidCrossEntropy") continue;
    const computed = a.data.map((value, i) => scale * (value - target.data[i]));
    const zs = symbolOf(z);
    const d = adjointSymbol(zs);
    const name = form.kind === "softmaxCrossEntropy" ? "softmax" : "σ";
    const latex = form.kind === "softmaxCrossEntropy" ? "\\operatorname{softmax}" : "\\sigma";
    return matched({
      kind: form.kind,
      title: `${form.kind === "softmaxCrossEntropy" ? "softmax" : "sigmoid"} and cross-entropy of ${zs.text}`,
      operations: operationsBetween(index, [z], output),
      forward: [formula(`a = ${name}(${zs.text})`, `a = ${latex}(${zs.latex})`), costLine(form.formula)],
      backward: [
        ...form.cancellation.map(({ formula: line }) => line),
        formula(
          `${d.text} = ${scale === 1 ? "" : `${show(scale)} `}(a − y)`,
          `${d.latex} = ${scale === 1 ? "" : `${showLatex(scale)}\\,`}(a - y)`,
        ),
      ],
      check: worst([{ textbook: computed, lines: delta, term: scale }], z.dtype, 16 * n + largest(values)),
    });
  }
  return [];
}

/** The cost without what a is, which the line before says. */
function costLine({ text, latex }: Formula): Formula {
  return formula(text.split(", a = ")[0], latex.split(",\\; a = ")[0]);
}
