/** BP1 to BP4 of one layer: symbols, the numbers of one entry, and every layout held against the graph. */
import { type FoundCost, numbers } from "./cost-form.js";
import { type Dense, dense } from "./dense.js";
import type { Comparison, Equation, EquationForm, Formula, Matrix } from "./document.js";
import { bp1, bp2, bp3, bp4, type Form, type Names } from "./equation-forms.js";
import type { LayerNumbers } from "./layer-numbers.js";
import { impliedJacobian, impliedTowardsA, jacobianOf, slopesOf } from "./layer-slopes.js";
import { compare, factor, largest, matrixOf, show } from "./numbers.js";
import type { Symbols } from "./symbols.js";
import type { TapeIndex } from "./tape-index.js";

/** Terms of a sum that a substituted formula shows. */
const shownTerms = 3;

/** What all equations of a network need. */
export interface Context {
  readonly index: TapeIndex;
  readonly symbols: Symbols;
  readonly layers: readonly LayerNumbers[];
  readonly cost: FoundCost;
  readonly epsilon: number;
  readonly limit: number;
  /** The example, output and input that substituted formulas are about. */
  entryOf(layer: number): { readonly example: number; readonly output: number; readonly input: number };
}

const primes: Readonly<Record<string, readonly [string, string]>> = {
  sigmoid: ["σ′", "\\sigma'"],
  identity: ["1", "1"],
  logits: ["1", "1"],
};

function namesOf({ symbols, layers, cost }: Context, l: number): Names {
  const { found } = layers[l];
  const z = symbols.of(found.z);
  // what logits stand for is no node of the graph; a cost that is not recognised reads z itself
  const implied = { text: `a${l + 1}`, latex: `a^{${l + 1}}` };
  const a = found.a === null ? (cost.cancels ? implied : z) : symbols.of(found.a);
  const name = found.activation.name;
  const [prime, primeLatex] = primes[name] ?? [`${name}′`, `\\operatorname{${name}}'`];
  const delta = (layer: number): Formula => ({ text: `δ${layer}`, latex: `\\delta^{${layer}}` });
  const next = layers[l + 1]?.found.weight ?? found.weight;
  return {
    delta: delta(l + 1),
    next: delta(l + 2),
    weight: symbols.of(found.weight),
    nextWeight: symbols.of(next),
    bias: found.bias === null ? { text: "b", latex: "b" } : symbols.of(found.bias),
    input: symbols.of(found.input),
    z,
    a,
    slope:
      prime === "1"
        ? { text: "1", latex: "1" }
        : { text: `${prime}(${z.text})`, latex: `${primeLatex}(${z.latex})` },
  };
}

const at = ({ columns, data }: Dense, row: number, column: number): number => data[row * columns + column];

/** BP1 of the last layer. */
export function equation1(context: Context, l: number): Equation {
  const { layers, cost, limit } = context;
  const layer = layers[l];
  const names = namesOf(context, l);
  const { example: e, output: j } = context.entryOf(l);
  const where = entryName(layer.delta, e, j);
  if (cost.cancels && cost.output !== null && cost.target !== null && cost.scale !== null) {
    const { output, target, scale } = cost;
    const error = `${show(at(output, e, j))} − ${show(at(target, e, j))}`;
    const computed = dense(
      output.rows,
      output.columns,
      (x, k) => scale * (at(output, x, k) - at(target, x, k)),
    );
    const symbolic = differenceFormula(names, scale);
    const towardsA = layer.towardsA ?? impliedTowardsA(cost);
    const forms =
      layer.found.a === null || layer.towardsA === null
        ? differenceForms(names, computed, scale)
        : bp1(names, towardsA, slopesOf(layer), layer.through);
    return finish(context, {
      name: "BP1",
      layer: l,
      result: names.delta,
      symbolic,
      substituted: numbers(
        `${names.delta.text}${where} = ${scale === 1 ? error : `${show(scale)} (${error})`} = ${show(at(computed, e, j))}`,
      ),
      value: layer.delta,
      expected: layer.delta.data,
      forms,
      fold: (result) => result.data,
      terms: largest(output.data) * Math.abs(scale) * 2,
      jacobian: jacobianOf(layer, e, limit) ?? impliedJacobian(cost, e, limit),
    });
  }
  const towardsA = layer.towardsA ?? layer.delta;
  const slopes = layer.found.a === null ? dense(layer.z.rows, layer.z.columns, () => 1) : slopesOf(layer);
  const forms = bp1(names, towardsA, slopes, layer.through);
  const right = slopes === null ? `Σ′ ∇C` : `${factor(at(towardsA, e, j))} · ${factor(at(slopes, e, j))}`;
  return finish(context, {
    name: "BP1",
    layer: l,
    result: names.delta,
    symbolic: forms[0].formula,
    substituted: numbers(`${names.delta.text}${where} = ${right} = ${show(at(layer.delta, e, j))}`),
    value: layer.delta,
    expected: layer.delta.data,
    forms,
    fold: (result) => result.data,
    terms: largest(towardsA.data),
    jacobian: jacobianOf(layer, e, limit),
  });
}

/** `δ2 = 0.1 (a2 − y)` */
function differenceFormula({ delta, a }: Names, scale: number): Formula {
  if (scale === 1) return { text: `${delta.text} = ${a.text} − y`, latex: `${delta.latex} = ${a.latex} - y` };
  return {
    text: `${delta.text} = ${show(scale)} (${a.text} − y)`,
    latex: `${delta.latex} = ${numbers(show(scale)).latex}\\,(${a.latex} - y)`,
  };
}

/** δ = (a − y) · scale is the same in every layout, but for which way the batch lies. */
function differenceForms(names: Names, computed: Dense, scale: number): Form[] {
  const { delta, a } = names;
  const whole = differenceFormula(names, scale);
  const [s, sLatex] = scale === 1 ? ["", ""] : [`${show(scale)} `, `${numbers(show(scale)).latex}\\,`];
  const indexed = {
    text: `${delta.text}_j = ${s}(${a.text}_j − y_j)`,
    latex: `{${delta.latex}}_j = ${sLatex}({${a.latex}}_j - y_j)`,
  };
  return (["column", "rowBatch"] as const).flatMap((batch) =>
    (["shape", "denominator", "numerator", "index"] as const).map((layout): Form => {
      const isColumn = (batch === "column") !== (layout === "numerator");
      const size = isColumn
        ? `[${computed.columns}×${computed.rows}]`
        : `[${computed.rows}×${computed.columns}]`;
      return {
        layout,
        batch,
        formula: layout === "index" ? indexed : whole,
        dimensions: layout === "index" ? `j = 1…${computed.columns}` : `${size} − ${size} → ${size}`,
        result: computed,
      };
    }),
  );
}

/** BP2 of a layer before the last. */
export function equation2(context: Context, l: number): Equation {
  const { layers, limit } = context;
  const layer = layers[l];
  const next = layers[l + 1];
  const names = namesOf(context, l);
  const slopes = slopesOf(layer);
  const forms = bp2(names, next.delta, next.weight, next.found.stored, slopes, layer.through);
  const { example: e, output: j } = context.entryOf(l);
  const terms = Array.from(
    { length: next.weight.rows },
    (_, k) => `${factor(at(next.weight, k, j))} · ${factor(at(next.delta, e, k))}`,
  );
  const sum = sumOf(terms);
  const front = slopes === null ? "Σ′" : factor(at(slopes, e, j));
  return finish(context, {
    name: "BP2",
    layer: l,
    result: names.delta,
    symbolic: (forms.find(({ layout, batch }) => layout === "denominator" && batch === "column") ?? forms[0])
      .formula,
    substituted: numbers(
      `${names.delta.text}${entryName(layer.delta, e, j)} = ${front} · (${sum}) = ${show(at(layer.delta, e, j))}`,
    ),
    value: layer.delta,
    expected: layer.delta.data,
    forms,
    fold: (result) => result.data,
    terms: largest(next.weight.data) * largest(next.delta.data) * next.weight.rows,
    jacobian: jacobianOf(layer, e, limit),
  });
}

/** BP3: of a layer that has a bias. */
export function equation3(context: Context, l: number): Equation {
  const layer = context.layers[l];
  const names = namesOf(context, l);
  const { bias, delta } = layer;
  const { of, gradient } = bias ?? { of: [], gradient: new Float64Array(0) };
  const { output: j } = context.entryOf(l);
  const terms: string[] = [];
  of.forEach((element, k) => {
    if (element !== of[j]) return;
    for (let e = 0; e < delta.rows; e++) terms.push(factor(at(delta, e, k)));
  });
  const name = gradient.length === 1 ? "" : `[${of[j]}]`;
  return finish(context, {
    name: "BP3",
    layer: l,
    result: { text: `∂C/∂${names.bias.text}`, latex: `\\frac{\\partial C}{\\partial ${names.bias.latex}}` },
    symbolic: {
      text: `∂C/∂${names.bias.text} = ${delta.rows > 1 ? "Σ " : ""}${names.delta.text}`,
      latex: `\\frac{\\partial C}{\\partial ${names.bias.latex}} = ${delta.rows > 1 ? "\\sum " : ""}${names.delta.latex}`,
    },
    substituted: numbers(
      `∂C/∂${names.bias.text}${name} = ${terms.length > 1 ? `${sumOf(terms)} = ` : ""}${show(gradient[of[j]] ?? 0)}`,
    ),
    value: { rows: gradient.length, columns: 1, data: gradient },
    expected: gradient,
    forms: bp3(names, delta),
    // a bias that several outputs share gets the sum of theirs
    fold: ({ data }) => {
      const folded = new Float64Array(gradient.length);
      of.forEach((element, k) => {
        folded[element] += data[k];
      });
      return folded;
    },
    terms: largest(delta.data) * delta.rows,
    jacobian: null,
  });
}

/** BP4 of a layer. */
export function equation4(context: Context, l: number): Equation {
  const layer = context.layers[l];
  const names = namesOf(context, l);
  const { delta, input, found, towardsWeight } = layer;
  const forms = bp4(names, delta, input, found.stored);
  const { output: j, input: k } = context.entryOf(l);
  const terms = Array.from(
    { length: delta.rows },
    (_, e) => `${factor(at(delta, e, j))} · ${factor(at(input, e, k))}`,
  );
  const name =
    found.weight.shape.length === 0 ? "" : found.stored === "outIn" ? `[${j},${k}]` : `[${k},${j}]`;
  const isOut = found.stored === "outIn";
  const shown = isOut
    ? towardsWeight
    : dense(towardsWeight.columns, towardsWeight.rows, (a, b) => at(towardsWeight, b, a));
  return finish(context, {
    name: "BP4",
    layer: l,
    result: {
      text: `∂C/∂${names.weight.text}`,
      latex: `\\frac{\\partial C}{\\partial ${names.weight.latex}}`,
    },
    symbolic: (forms.find(({ layout, batch }) => layout === "denominator" && batch === "column") ?? forms[0])
      .formula,
    substituted: numbers(
      `∂C/∂${names.weight.text}${name} = ${sumOf(terms)} = ${show(at(towardsWeight, j, k))}`,
    ),
    value: shown,
    expected: towardsWeight.data,
    forms,
    fold: (result) => result.data,
    terms: largest(delta.data) * largest(input.data) * delta.rows,
    jacobian: null,
  });
}

/** `a + b + c + … 7 more`; nobody is spared a single term */
function sumOf(terms: readonly string[]): string {
  if (terms.length === shownTerms + 1) return terms.join(" + ");
  const shown = terms.slice(0, shownTerms).join(" + ");
  return terms.length > shownTerms ? `${shown} + … ${terms.length - shownTerms} more` : shown;
}

/** `[example,output]`, without the example where there is one only, and nothing for a single number. */
function entryName({ rows, columns }: Dense, e: number, j: number): string {
  if (rows === 1) return columns === 1 ? "" : `[${j}]`;
  return `[${e},${j}]`;
}

interface Draft {
  readonly name: Equation["name"];
  readonly layer: number;
  readonly result: Formula;
  readonly symbolic: Formula;
  readonly substituted: Formula;
  readonly value: Dense;
  readonly expected: ArrayLike<number>;
  readonly forms: readonly Form[];
  /** A form's result in the order of `expected`. */
  readonly fold: (result: Dense) => ArrayLike<number>;
  /** How large the sums are whose rounding shows. */
  readonly terms: number;
  readonly jacobian: Equation["jacobian"];
}

/** Holds every form against the graph's adjoints. */
function finish({ epsilon, limit }: Context, draft: Draft): Equation {
  const { name, layer, result, symbolic, substituted, value, expected, forms, fold, terms, jacobian } = draft;
  // products of numbers that are rounded once each, in sums whose order differs
  const tolerance = 64 * epsilon * Math.max(terms, largest(expected)) + Number.MIN_VALUE;
  const checked = forms.map((form): { readonly entry: EquationForm; readonly check: Comparison } => {
    const check = compare(fold(form.result), expected, tolerance);
    const { layout, batch, formula, dimensions } = form;
    return { entry: { layout, batch, formula, dimensions, check }, check };
  });
  const worst = checked.reduce((a, b) => (Number(b.check.difference) > Number(a.check.difference) ? b : a));
  const matrix: Matrix = matrixOf(value.rows, value.columns, value.data, limit);
  return {
    name,
    layer: layer + 1,
    result,
    symbolic,
    substituted,
    value: matrix,
    jacobian,
    forms: checked.map(({ entry }) => entry),
    check: worst.check,
  };
}
