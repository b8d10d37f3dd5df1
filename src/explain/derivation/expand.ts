/**
 * The cost and one derivative as a single formula each, every let-bound line put into the next. What is used twice is written twice,
 * so formulas grow without bound while the lines do not: past a size this is refused.
 */
import type { Node, Operation } from "../../transforms/tape.js";
import type { Composite } from "../composites.js";
import type { Expansion, Formula, Refusal } from "../document.js";
import { bracketed, forwardFormula, partialFormula, pulledFormula } from "../rules.js";
import type { Symbols } from "../symbols.js";
import type { TapeIndex } from "../tape-index.js";
import { type Activation, activations, primed } from "./activations.js";
import { formula, inputOf } from "./block.js";

/** Operations in a formula that can still be read. */
const largestExpansion = 100;

/** How tightly a formula holds together, so where it needs brackets. */
type Level = "atom" | "call" | "product" | "contraction" | "sum";

interface Term extends Formula {
  readonly level: Level;
}

/** Operands that brackets or a bar enclose anyway, or that a sum may stand in. */
const enclosing = new Set([
  ..."exp expm1 log1p sigmoid tanh abs erf floor ceil round sign add reduceMax sum cumsum concat stopGradient".split(
    " ",
  ),
  ..."reshape permute flip pad slice window windowAdd cast alias barrier broadcast max min".split(" "),
]);
const sums = new Set(["add", "sub", "neg", "expm1", "select", "mod"]);
/** Written as nothing: shapes follow from what stands beside. */
const silent = new Set(["broadcast", "cast", "alias", "barrier"]);

function bracket(term: Term): Term {
  return { ...formula(`(${term.text})`, `\\left(${term.latex}\\right)`), level: "atom" };
}

/** In an element-wise product. */
function asFactor(term: Term): Term {
  return term.level === "sum" || term.level === "contraction" ? bracket(term) : term;
}

/** In a contraction, which is another product than the element-wise one. */
function asOperand(term: Term): Term {
  return term.level === "sum" || term.level === "product" ? bracket(term) : term;
}

function tight(term: Term): Term {
  return term.level === "atom" || term.level === "call" ? term : bracket(term);
}

function operand(primitive: string, position: number, term: Term): Term {
  if (enclosing.has(primitive)) return term;
  if (primitive === "sub") return position === 0 ? term : asFactor(term);
  if (primitive === "dot") return asOperand(term);
  if (primitive === "mul" || primitive === "neg") return asFactor(term);
  if (primitive === "div") return position === 0 ? asFactor(term) : tight(term);
  return term.level === "atom" ? term : bracket(term);
}

function times(above: Term, own: Term): Term {
  if (above.text === "1") return own;
  const [left, right] = [asFactor(above), asFactor(own)];
  return {
    ...formula(`${left.text} · ${right.text}`, `${left.latex} \\odot ${right.latex}`),
    level: "product",
  };
}

/** What may carry an exponent. */
function powerBase(term: Term): Term {
  return term.level === "atom" ? term : bracket(term);
}

function levelOf(primitive: string): Level {
  if (sums.has(primitive)) return "sum";
  if (primitive === "dot") return "contraction";
  if (primitive === "mul" || primitive === "div") return "product";
  return "call";
}

/** The values a partial derivative is made of, each as often as it is written. */
function operandsOf({ primitive, inputs, outputs }: Operation, position: number): Node[] {
  const names = inputs.map((_, i) => formula(`«${i}»`, ""));
  const bare = pulledFormula(primitive.name, names, formula("«y»", ""), formula("", ""), position);
  return [...(bare?.text ?? "").matchAll(/«(\d+|y)»/g)].map(([, key]) =>
    key === "y" ? outputs[0] : inputs[Number(key)],
  );
}

/** relu, softplus: several operations and one name. */
interface Named extends Composite {
  readonly activation: Activation;
  readonly input: Node;
}

/** Everything put into everything. */
class Expander {
  private readonly index: TapeIndex;
  private readonly symbols: Symbols;
  /** Functions of several operations that have a name, by each of them. */
  private readonly named = new Map<number, Named>();
  /** How many operations a value's formula has, and its adjoint's. */
  private readonly valueSizes = new Map<Node, number>();
  private readonly barSizes = new Map<Node, number>();

  constructor(index: TapeIndex, symbols: Symbols, composites: ReadonlyMap<number, Composite>) {
    this.index = index;
    this.symbols = symbols;
    for (const composite of new Set(composites.values())) {
      const activation = activations.get(composite.name);
      const input = activation === undefined ? null : inputOf(index, composite);
      if (activation === undefined || input === null) continue;
      const whole = { ...composite, activation, input };
      for (const id of composite.operations) this.named.set(id, whole);
    }
  }

  /** Operations are in order, so sizes come in one pass forward and one back. */
  measure(): void {
    const { operations, output } = this.index.tape;
    const of = (node: Node): number => this.valueSizes.get(node) ?? 0;
    for (const { primitive, inputs, outputs } of operations) {
      const own = silent.has(primitive.name) ? 0 : 1;
      for (const made of outputs)
        this.valueSizes.set(
          made,
          inputs.reduce((sum, input) => sum + of(input), own),
        );
    }
    this.barSizes.set(output, 0);
    for (const operation of [...operations].reverse()) {
      const { inputs, outputs } = operation;
      const above = this.barSizes.get(outputs[0]);
      if (above === undefined) continue;
      inputs.forEach((input, position) => {
        if (this.index.isConstant(input)) return;
        const named = operandsOf(operation, position);
        const size = named.reduce((sum, node) => sum + of(node) + 1, above);
        this.barSizes.set(input, (this.barSizes.get(input) ?? 0) + size);
      });
    }
  }

  size(target: Node): number {
    return Math.max(this.valueSizes.get(this.index.tape.output) ?? 0, this.barSizes.get(target) ?? 0);
  }

  value(node: Node): Term {
    const maker = this.index.makerOf(node);
    if (maker === null) {
      const symbol = this.symbols.of(node);
      return { ...symbol, level: /^[−-]/.test(symbol.text) ? "sum" : "atom" };
    }
    const operation = this.index.operation(maker);
    const { primitive, inputs } = operation;
    const whole = this.named.get(maker);
    if (whole?.output === node) return { ...whole.activation.apply(this.value(whole.input)), level: "call" };
    if (silent.has(primitive.name)) return this.value(inputs[0]);
    if (primitive.name === "mul" && inputs[0] === inputs[1]) {
      const { text, latex } = powerBase(this.value(inputs[0]));
      return { ...formula(`${text}²`, `${latex}^2`), level: "call" };
    }
    const operands = inputs.map((input, i) => operand(primitive.name, i, this.value(input)));
    const line = forwardFormula(primitive.name, operands, { text: "", latex: "" });
    return { ...formula(line.text.slice(3), line.latex.slice(3)), level: levelOf(primitive.name) };
  }

  /** Σ over everything that reads it; null where nothing comes back. */
  adjoint(node: Node): Term | null {
    if (node === this.index.tape.output) return { text: "1", latex: "1", level: "atom" };
    const readers = this.index.readersOf(node);
    const wholes = new Set(readers.flatMap((id) => this.named.get(id) ?? []));
    const through = [...wholes].flatMap((whole): Term[] => {
      const above = whole.input === node ? this.adjoint(whole.output) : null;
      if (above === null) return [];
      const slope = primed(whole.activation, this.value(node), this.value(whole.output));
      return [times(above, { ...slope, level: "call" })];
    });
    const single = readers.flatMap((id) => {
      const operation = this.index.operation(id);
      if (this.named.get(id)?.input === node) return [];
      const above = this.adjoint(operation.outputs[0]);
      if (above === null) return [];
      return operation.inputs.flatMap((input, position) => {
        const term = input === node ? this.pulled(operation, position, above) : null;
        return term === null ? [] : [term];
      });
    });
    const terms = [...through, ...single];
    if (terms.length === 0) return null;
    const different = [...new Map(terms.map((term) => [term.text, term])).values()];
    const counted = different.map((term): Term => {
      const count = terms.filter(({ text }) => text === term.text).length;
      if (count === 1) return term;
      const { text, latex } = asFactor(term);
      return { ...formula(`${count} · ${text}`, `${count} \\cdot ${latex}`), level: "product" };
    });
    if (counted.length === 1) return counted[0];
    const signed = counted.map((term, i) => (i > 0 && /^[−-]/.test(term.text) ? bracket(term) : term));
    const join = (side: keyof Formula): string => signed.map((term) => term[side]).join(" + ");
    return { ...formula(join("text"), join("latex")), level: "sum" };
  }

  private pulled({ primitive, inputs, outputs }: Operation, position: number, above: Term): Term | null {
    if (primitive.vjp === "none") return null;
    // the derivative of a sum is 1 for every term, so its broadcast is written as nothing
    if (silent.has(primitive.name) && primitive.name !== "broadcast") return above;
    if (primitive.name === "sum") return above;
    const isProduct = ["mul", "div", "dot"].includes(primitive.name);
    const operands = inputs.map((input) => (isProduct ? tight : powerBase)(this.value(input)));
    const output = tight(this.value(outputs[0]));
    const partial = partialFormula(primitive.name, operands, output, position);
    if (partial === null) {
      const isDot = primitive.name === "dot";
      const g = isDot ? asOperand(above) : asFactor(above);
      const made = pulledFormula(primitive.name, operands, output, g, position);
      return made === null ? null : { ...made, level: isDot ? "contraction" : "call" };
    }
    if (partial.text === "1") return above;
    if (partial.text === "−1") {
      const { text, latex } = asFactor(above);
      return { ...formula(`−${text}`, `-${latex}`), level: "sum" };
    }
    // the shape of the formula decides on brackets, not what was put into it
    const names = inputs.map(() => formula("x", "x"));
    const bare = partialFormula(primitive.name, names, formula("y", "y"), position) ?? partial;
    const isSum = bracketed(bare.text) !== bare.text;
    const own: Term = {
      ...partial,
      level: isSum ? "sum" : bare.text.length === 1 ? "call" : "product",
    };
    return times(above, own);
  }
}

/** C and ∂C/∂target, or why not. */
export function expandDerivative(
  index: TapeIndex,
  symbols: Symbols,
  composites: ReadonlyMap<number, Composite>,
  target: Node,
): Expansion | Refusal {
  const expander = new Expander(index, symbols, composites);
  expander.measure();
  const size = expander.size(target);
  if (size > largestExpansion)
    return {
      status: "refused",
      reason: `the formula of ∂C/∂${symbols.of(target).text} would have about ${size < 1e15 ? Math.round(size).toLocaleString("en") : size.toExponential(1)} operations, more than the ${largestExpansion} that can be read; the lines of the derivation say the same and write nothing twice`,
    };
  const adjoint = expander.adjoint(target);
  if (adjoint === null) return { status: "refused", reason: "the cost does not depend on it" };
  const value = expander.value(index.tape.output);
  const symbol = symbols.of(target);
  return {
    status: "expanded",
    operations: size,
    cost: formula(`C = ${value.text}`, `C = ${value.latex}`),
    derivative: formula(
      `∂C/∂${symbol.text} = ${adjoint.text}`,
      `\\frac{\\partial C}{\\partial ${symbol.latex}} = ${adjoint.latex}`,
    ),
  };
}
