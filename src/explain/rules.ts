/**
 * Every primitive in words: what it computes and its partial derivatives, as templates in which #0, #1, … are the inputs, #y the
 * output and #g the output's adjoint. The table is complete by type: a new primitive does not compile without its row.
 *
 * The formulas say what the rules in `primitives/` do; the numbers beside them come from those rules, never from here.
 */
import type { PrimitiveName } from "../transforms/tape.js";
import type { Formula } from "./document.js";

/** Text and TeX. */
type Template = readonly [text: string, latex: string];

interface Row {
  readonly forward: Template;
  /** ∂y/∂input, element by element; null where the input has no derivative. */
  readonly partials?: readonly (Template | null)[];
  /** The contribution to each input's adjoint where that is not ȳ · ∂y/∂input element by element. */
  readonly pulled?: readonly (Template | null)[];
  /** Linear in each input by itself. */
  readonly linear: boolean;
}

const one: Template = ["1", "1"];
const minusOne: Template = ["−1", "-1"];

const unary = (forward: Template, partial: Template | null): Row => ({
  forward,
  partials: [partial],
  linear: false,
});
const named = (name: string): Template => [`${name}(#0)`, `\\operatorname{${name}}(#0)`];
const none = (forward: Template, inputs = 1): Row => ({
  forward,
  partials: Array.from({ length: inputs }, () => null),
  linear: false,
});
const compared = (sign: string, latex: string): Row => none([`[#0 ${sign} #1]`, `[#0 ${latex} #1]`], 2);
const view = (name: string, inverse: string): Row => ({
  forward: named(name),
  pulled: [[`${inverse}(#g)`, `\\operatorname{${inverse}}(#g)`]],
  linear: true,
});
const integer = (name: string): Row => none([`${name}(#0, #1)`, `\\operatorname{${name}}(#0, #1)`], 2);

/** Of the matrix as it is; where the transposed one or a triangle is solved with, the operation's parameters say so. */
const solved: Row = {
  forward: ["#0⁻¹ @ #1", "#0^{-1} \\cdot #1"],
  pulled: [
    ["−(#0⁻ᵀ @ #g) @ #yᵀ", "-#0^{-\\mathsf T} \\cdot #g \\cdot #y^{\\mathsf T}"],
    ["#0⁻ᵀ @ #g", "#0^{-\\mathsf T} \\cdot #g"],
  ],
  linear: false,
};

const rows: Readonly<Record<PrimitiveName, Row>> = {
  neg: { forward: ["−#0", "-#0"], partials: [minusOne], linear: true },
  abs: unary(["|#0|", "\\lvert #0 \\rvert"], ["sign(#0)", "\\operatorname{sign}(#0)"]),
  sign: none(named("sign")),
  exp: unary(["exp(#0)", "e^{#0}"], ["#y", "#y"]),
  expm1: unary(["exp(#0) − 1", "e^{#0} - 1"], ["#y + 1", "#y + 1"]),
  log: unary(["log #0", "\\log #0"], ["1/#0", "\\frac{1}{#0}"]),
  log1p: unary(["log(1 + #0)", "\\log(1 + #0)"], ["1/(1 + #0)", "\\frac{1}{1 + #0}"]),
  sqrt: unary(["√#0", "\\sqrt{#0}"], ["1/(2 #y)", "\\frac{1}{2 #y}"]),
  sin: unary(["sin #0", "\\sin #0"], ["cos #0", "\\cos #0"]),
  cos: unary(["cos #0", "\\cos #0"], ["−sin #0", "-\\sin #0"]),
  tan: unary(["tan #0", "\\tan #0"], ["1 + #y²", "1 + #y^2"]),
  asin: unary(["asin #0", "\\arcsin #0"], ["1/√(1 − #0²)", "\\frac{1}{\\sqrt{1 - #0^2}}"]),
  acos: unary(["acos #0", "\\arccos #0"], ["−1/√(1 − #0²)", "-\\frac{1}{\\sqrt{1 - #0^2}}"]),
  atan: unary(["atan #0", "\\arctan #0"], ["1/(1 + #0²)", "\\frac{1}{1 + #0^2}"]),
  sinh: unary(["sinh #0", "\\sinh #0"], ["cosh #0", "\\cosh #0"]),
  cosh: unary(["cosh #0", "\\cosh #0"], ["sinh #0", "\\sinh #0"]),
  tanh: unary(["tanh(#0)", "\\tanh(#0)"], ["1 − #y²", "1 - #y^2"]),
  sigmoid: unary(["σ(#0)", "\\sigma(#0)"], ["#y(1 − #y)", "#y(1 - #y)"]),
  erf: unary(named("erf"), ["2/√π · exp(−#0²)", "\\frac{2}{\\sqrt{\\pi}} e^{-#0^2}"]),
  floor: none(["⌊#0⌋", "\\lfloor #0 \\rfloor"]),
  ceil: none(["⌈#0⌉", "\\lceil #0 \\rceil"]),
  round: none(named("round")),
  not: none(["¬#0", "\\lnot #0"]),
  add: { forward: ["#0 + #1", "#0 + #1"], partials: [one, one], linear: true },
  sub: { forward: ["#0 − #1", "#0 - #1"], partials: [one, minusOne], linear: true },
  mul: {
    forward: ["#0 · #1", "#0 \\odot #1"],
    partials: [
      ["#1", "#1"],
      ["#0", "#0"],
    ],
    linear: true,
  },
  div: {
    forward: ["#0 / #1", "#0 / #1"],
    partials: [
      ["1/#1", "\\frac{1}{#1}"],
      ["−#y/#1", "-\\frac{#y}{#1}"],
    ],
    linear: false,
  },
  pow: {
    forward: ["#0^#1", "{#0}^{#1}"],
    partials: [
      ["#1 · #0^(#1 − 1)", "#1 \\cdot {#0}^{#1 - 1}"],
      ["#y · log #0", "#y \\log #0"],
    ],
    linear: false,
  },
  mod: {
    forward: ["#0 mod #1", "#0 \\bmod #1"],
    partials: [one, ["−⌊#0/#1⌋", "-\\lfloor #0/#1 \\rfloor"]],
    linear: false,
  },
  max: {
    forward: ["max(#0, #1)", "\\max(#0, #1)"],
    partials: [
      ["[#0 > #1]", "[#0 > #1]"],
      ["[#1 > #0]", "[#1 > #0]"],
    ],
    linear: false,
  },
  min: {
    forward: ["min(#0, #1)", "\\min(#0, #1)"],
    partials: [
      ["[#0 < #1]", "[#0 < #1]"],
      ["[#1 < #0]", "[#1 < #0]"],
    ],
    linear: false,
  },
  atan2: {
    forward: ["atan2(#0, #1)", "\\operatorname{atan2}(#0, #1)"],
    partials: [
      ["#1/(#0² + #1²)", "\\frac{#1}{#0^2 + #1^2}"],
      ["−#0/(#0² + #1²)", "-\\frac{#0}{#0^2 + #1^2}"],
    ],
    linear: false,
  },
  and: integer("and"),
  or: integer("or"),
  xor: integer("xor"),
  shl: integer("shl"),
  shr: integer("shr"),
  eq: compared("=", "="),
  ne: compared("≠", "\\ne"),
  lt: compared("<", "<"),
  le: compared("≤", "\\le"),
  gt: compared(">", ">"),
  ge: compared("≥", "\\ge"),
  select: {
    forward: ["#0 ? #1 : #2", "#0 \\mathbin{?} #1 : #2"],
    partials: [null, ["[#0]", "[#0]"], ["[¬#0]", "[\\lnot #0]"]],
    linear: true,
  },
  cast: { forward: named("cast"), partials: [one], linear: true },
  broadcast: view("broadcast", "sum"),
  sum: view("sum", "broadcast"),
  reduceMax: {
    forward: ["max #0", "\\max #0"],
    pulled: [["[#0 = #y] · #g", "[#0 = #y] \\odot #g"]],
    linear: false,
  },
  argmax: none(named("argmax")),
  cumsum: view("cumsum", "reverse cumsum"),
  reshape: view("reshape", "reshape"),
  permute: view("transpose", "transpose"),
  flip: view("flip", "flip"),
  pad: view("pad", "slice"),
  slice: view("slice", "pad"),
  concat: view("concat", "slice"),
  boundIndex: none(named("index")),
  gather: {
    forward: ["#0[#1]", "#0[#1]"],
    pulled: [["scatterAdd(#1, #g)", "\\operatorname{scatterAdd}(#1, #g)"], null],
    linear: true,
  },
  scatterAdd: {
    forward: ["#0 with #2 added at #1", "\\operatorname{scatterAdd}(#0, #1, #2)"],
    pulled: [["#g", "#g"], null, ["#g[#1]", "#g[#1]"]],
    linear: true,
  },
  window: view("windows", "windowAdd"),
  windowAdd: view("windowAdd", "windows"),
  dot: {
    forward: ["#0 @ #1", "#0 \\cdot #1"],
    pulled: [
      ["#g @ #1ᵀ", "#g \\cdot #1^{\\mathsf T}"],
      ["#0ᵀ @ #g", "#0^{\\mathsf T} \\cdot #g"],
    ],
    linear: true,
  },
  argsort: none(named("argsort")),
  cholesky: {
    forward: named("cholesky"),
    pulled: [
      [
        "Φ(G + Gᵀ), G = #y⁻ᵀ Φ(#yᵀ #g) #y⁻¹",
        "\\Phi(G + G^{\\mathsf T}),\\; G = #y^{-\\mathsf T} \\Phi(#y^{\\mathsf T} #g) #y^{-1}",
      ],
    ],
    linear: false,
  },
  triangularSolve: solved,
  solve: solved,
  det: {
    forward: ["det #0", "\\det #0"],
    pulled: [["#g · cofactors(#0)", "#g \\cdot \\operatorname{cofactors}(#0)"]],
    linear: false,
  },
  logAbsDet: {
    forward: ["log |det #0|", "\\log \\lvert \\det #0 \\rvert"],
    pulled: [["#g · #0⁻ᵀ", "#g \\cdot #0^{-\\mathsf T}"]],
    linear: false,
  },
  cofactor: {
    forward: named("cofactors"),
    pulled: [
      [
        "⟨#g, #y⟩ #0⁻ᵀ − #y #gᵀ #0⁻ᵀ",
        "\\langle #g, #y \\rangle #0^{-\\mathsf T} - #y #g^{\\mathsf T} #0^{-\\mathsf T}",
      ],
    ],
    linear: false,
  },
  lu: none(named("lu")),
  luSolve: none(["luSolve(#0, #1)", "\\operatorname{luSolve}(#0, #1)"], 2),
  iota: none(["0, 1, 2, …", "0, 1, 2, \\ldots"], 0),
  randomBits: none(["random bits", "\\text{random bits}"]),
  alias: view("alias", "alias"),
  stopGradient: none(named("stopGradient")),
  barrier: view("again", "again"),
};

function rowOf(primitive: string): Row | undefined {
  return Object.hasOwn(rows, primitive) ? rows[primitive as PrimitiveName] : undefined;
}

function fill([text, latex]: Template, values: Readonly<Record<string, Formula>>): Formula {
  const put = (template: string, side: keyof Formula): string =>
    template.replace(/#(\d+|y|g)/g, (_, key: string) => {
      const value = values[key]?.[side] ?? "?";
      // a symbol with a superscript of its own must not meet another one
      return side === "latex" ? `{${value}}` : value;
    });
  return { text: put(text, "text"), latex: put(latex, "latex") };
}

function named01(inputs: readonly Formula[], output: Formula): Record<string, Formula> {
  return { ...Object.fromEntries(inputs.map((input, i) => [String(i), input])), y: output };
}

/** ∂C/∂x as text, x̄ in TeX. */
export function adjointOf({ text, latex }: Formula): Formula {
  return { text: `∂C/∂${text}`, latex: `\\overline{${latex}}` };
}

/** `y = σ(x)` */
export function forwardFormula(primitive: string, inputs: readonly Formula[], output: Formula): Formula {
  const row = rowOf(primitive);
  const list = (side: keyof Formula): string => inputs.map((input) => input[side]).join(", ");
  const right =
    row === undefined || (primitive === "concat" && inputs.length > 1)
      ? {
          text: `${primitive}(${list("text")})`,
          latex: `\\operatorname{${primitive}}(${list("latex")})`,
        }
      : fill(row.forward, named01(inputs, output));
  return { text: `${output.text} = ${right.text}`, latex: `${output.latex} = ${right.latex}` };
}

/** ∂y/∂input element by element; null where there is no such formula. */
export function partialFormula(
  primitive: string,
  inputs: readonly Formula[],
  output: Formula,
  position: number,
): Formula | null {
  const template = rowOf(primitive)?.partials?.[position];
  return template === undefined || template === null ? null : fill(template, named01(inputs, output));
}

/** `∂C/∂x += ∂C/∂y · y(1 − y)`; null where nothing flows to that input. */
export function backwardFormula(
  primitive: string,
  inputs: readonly Formula[],
  output: Formula,
  position: number,
): Formula | null {
  const pulled = pulledFormula(primitive, inputs, output, adjointOf(output), position);
  if (pulled === null) return null;
  const x = adjointOf(inputs[position]);
  return {
    text: `${x.text} += ${pulled.text}`,
    latex: `${x.latex} \\mathrel{+}= ${pulled.latex}`,
  };
}

/** What the adjoint `g` of the output adds to that of an input: `g · y(1 − y)`. */
export function pulledFormula(
  primitive: string,
  inputs: readonly Formula[],
  output: Formula,
  g: Formula,
  position: number,
): Formula | null {
  const row = rowOf(primitive);
  if (row === undefined)
    return {
      text: `${primitive}ᵀ(${g.text})`,
      latex: `\\operatorname{${primitive}}^{\\mathsf T}(${g.latex})`,
    };
  if (row.pulled !== undefined) {
    const template = row.pulled[Math.min(position, row.pulled.length - 1)];
    return template === null ? null : fill(template, { ...named01(inputs, output), g });
  }
  const partial = partialFormula(primitive, inputs, output, position);
  if (partial === null) return null;
  if (partial.text === "1") return g;
  if (partial.text === "−1") return { text: `−${g.text}`, latex: `-${g.latex}` };
  return {
    text: `${g.text} · ${bracketed(partial.text)}`,
    latex: `${g.latex} \\odot ${bracketed(partial.latex)}`,
  };
}

/** In brackets where a sum would change the product it stands in. */
export function bracketed(formula: string): string {
  return /[+−-]/.test(formula.slice(1).replace(/\([^()]*\)|\{[^{}]*\}|e-/g, "")) || /^[−-]/.test(formula)
    ? `(${formula})`
    : formula;
}

/** Is the primitive linear in each of its inputs? */
export function isLinear(primitive: string): boolean {
  return rowOf(primitive)?.linear === true;
}
