/** The four equations, each as symbol → numbers → result, with its forms. */

import { escapeHtml } from "../../util/html-escape.js";
import type { Equation, Equations, ExplanationDocument, Formula } from "../document.js";
import { fromReal, show } from "../numbers.js";
import { matrixHtml, tableHtml } from "./html-brief.js";
import type { Typesetter } from "./html-math.js";
import { withSymbol } from "./latex.js";

/** What each equation gives. */
const titles: Readonly<Record<Equation["name"], string>> = {
  BP1: "the error of the output layer",
  BP2: "the error, from the next layer’s",
  BP3: "the gradient of the biases",
  BP4: "the gradient of the weights",
};

const layoutNames = {
  shape: "as the parameter is stored",
  denominator: "denominator layout",
  numerator: "numerator layout",
  index: "element by element",
} as const;

export function equationsHtml(document: ExplanationDocument, math: Typesetter): string {
  const { equations } = document;
  if (equations.status === "refused")
    return `<p>Not written: this is no plain dense network: ${escapeHtml(equations.reason)}.</p>`;
  const { layers, examples } = equations;
  return [
    `<p>${layers.length} ${layers.length === 1 ? "layer" : "layers"}, ${examples} ${examples === 1 ? "example" : "examples"}; ${math.set({ text: "δ = ∂C/∂z", latex: "\\delta = \\frac{\\partial C}{\\partial z}" })}.</p>`,
    layersHtml(document, equations, math),
    `<div class="formula-line">${math.set(equations.cost.formula, true)}</div>`,
    cancellationHtml(equations, math),
    ...equations.list.map((equation) => equationHtml(equation, math)),
  ].join("\n");
}

function layersHtml({ graph }: ExplanationDocument, { layers }: Equations, math: Typesetter): string {
  const symbol = (id: number): Formula => graph.nodes[id].symbol;
  const rows = layers.map(({ layer, weight, bias, input, z, a, inputs, outputs, activation }) => {
    const [W, x, zSymbol] = [symbol(weight), symbol(input), symbol(z)];
    const b = bias === null ? null : symbol(bias);
    const affine = {
      text: `${zSymbol.text} = ${W.text} ${x.text}${b === null ? "" : ` + ${b.text}`}`,
      latex: `${zSymbol.latex} = ${W.latex}\\, ${x.latex}${b === null ? "" : ` + ${b.latex}`}`,
    };
    const applied =
      a === null || a === z
        ? escapeHtml(activation.name)
        : math.set({
            text: `${symbol(a).text} = ${activation.name}(${zSymbol.text})`,
            latex: `${symbol(a).latex} = ${activation.name === "sigmoid" ? "\\sigma" : `\\operatorname{${activation.name}}`}(${zSymbol.latex})`,
          });
    return [String(layer), math.set(affine), applied, `${inputs} → ${outputs}`];
  });
  return tableHtml([["layer", "weighted input", "activation", "inputs → outputs"], ...rows], {
    caption: "The layers",
  });
}

function agreement(agrees: boolean): string {
  return agrees
    ? '<span class="good">✓ agrees with the graph</span>'
    : '<strong class="bad">✗ disagrees with the graph</strong>';
}

function equationHtml(equation: Equation, math: Typesetter): string {
  const { name, layer, symbolic, value, check, forms, jacobian } = equation;
  const all = check.agrees && forms.every((form) => form.check.agrees);
  return [
    `<section class="equation" aria-labelledby="${name}-${layer}">`,
    `<h3 id="${name}-${layer}">${name}, layer ${layer}: ${titles[name]}</h3>`,
    '<ol class="steps">',
    `<li><span class="tag">symbols</span>${math.set(symbolic, true)}</li>`,
    `<li><span class="tag">numbers</span>${math.set(withSymbol(equation), true)}</li>`,
    `<li><span class="tag">result</span><div class="result">${math.set({ text: `${equation.result.text} =`, latex: `${equation.result.latex} =` })} ${matrixHtml(value)}</div></li>`,
    "</ol>",
    jacobian === null
      ? ""
      : `<p>The outputs are coupled, so the slope is a whole Jacobian, ${math.set({ text: "Σ′ᵀ = ∂a/∂z", latex: "\\Sigma'^{\\mathsf T} = \\frac{\\partial a}{\\partial z}" })}, here of example ${jacobian.example}:</p>${matrixHtml(jacobian.matrix)}`,
    `<p class="muted">${forms.length} forms, ${agreement(all)}, largest difference ${show(check.difference, 2)}.</p>`,
    `<details><summary>In every layout</summary>${formsHtml(equation, math)}</details>`,
    "</section>",
  ].join("\n");
}

function formsHtml({ forms, name, layer }: Equation, math: Typesetter): string {
  const rows = forms.map(({ layout, batch, formula, dimensions }) => [
    `${layoutNames[layout]}, a batch of ${batch === "column" ? "columns" : "rows"}`,
    math.set(formula),
    escapeHtml(dimensions),
  ]);
  return tableHtml([["layout", "formula", "dimensions"], ...rows], {
    caption: `${name} of layer ${layer} in every layout`,
  });
}

function cancellationHtml({ cost }: Equations, math: Typesetter): string {
  if (cost.cancellation.length === 0) return "";
  const scale =
    cost.scale === null || fromReal(cost.scale) === 1
      ? ""
      : `<p class="muted">The factor ${show(cost.scale)} is that of the mean in the cost.</p>`;
  return [
    '<section class="equation"><h3>Why the error of the output is (a − y): the slope of the activation cancels</h3>',
    '<ol class="steps">',
    ...cost.cancellation.map(
      ({ formula, substituted }) =>
        `<li><div>${math.set(formula, true)}${math.set(substituted, true)}</div></li>`,
    ),
    "</ol>",
    scale,
    "</section>",
  ].join("\n");
}
