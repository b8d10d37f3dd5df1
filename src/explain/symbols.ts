/** What formulas call the nodes of a graph and their elements. */
import type { Node } from "../transforms/tape.js";
import type { Formula } from "./document.js";
import { isView, viewMap } from "./local.js";
import { elementSymbol, symbolOf, unflatten } from "./names.js";
import { show, showLatex } from "./numbers.js";
import { bracketed, forwardFormula } from "./rules.js";
import type { TapeIndex } from "./tape-index.js";

/** Operations written out instead of named when they stand inside a formula: `(a1 − y)`. */
const inlined = new Set(["add", "sub", "neg", "eq", "ne", "lt", "le", "gt", "ge"]);

/** The symbols of a graph's nodes. */
export class Symbols {
  private readonly index: TapeIndex;
  private readonly given: ReadonlyMap<Node, Formula>;
  private readonly names: ReadonlyMap<Node, string>;

  /**
   * @param names of the inputs
   * @param given what is better known by another symbol: z1, a1, W1, C
   */
  constructor(index: TapeIndex, names: ReadonlyMap<Node, string>, given: ReadonlyMap<Node, Formula>) {
    this.index = index;
    this.names = names;
    this.given = given;
  }

  /** An input's path, a number's value, else `v7`. */
  nameOf(node: Node): string {
    const name = this.names.get(node);
    if (name !== undefined) return name;
    const number = this.numberOf(node);
    return number === null ? `v${this.index.idOf(node)}` : show(number);
  }

  of(node: Node): Formula {
    const known = this.given.get(node);
    if (known !== undefined) return known;
    const name = this.names.get(node);
    if (name !== undefined) return symbolOf(name);
    const number = this.numberOf(node);
    if (number !== null) return { text: show(number), latex: showLatex(number) };
    return symbolOf(`v${this.index.idOf(node)}`);
  }

  /** Does the node have a name of its own, as z1 and inputs do? */
  isNamed(node: Node): boolean {
    return this.given.has(node) || this.names.has(node);
  }

  /** The symbol of an element, seen through views; with `depth`, short sums are written out. */
  element(node: Node, at: number, depth = 0): Formula {
    let seen = node;
    let position = at;
    for (let maker = this.index.makerOf(seen); maker !== null; maker = this.index.makerOf(seen)) {
      const operation = this.index.operation(maker);
      if (this.given.has(seen) || !isView(operation)) break;
      const map = viewMap(operation);
      if (map.source[position] < 0) break;
      seen = operation.inputs[map.position[position]];
      position = map.source[position];
    }
    const number = this.numberOf(seen);
    if (number !== null) return { text: show(number), latex: showLatex(number) };
    const maker = this.index.makerOf(seen);
    if (depth > 0 && maker !== null && !this.given.has(seen)) {
      const { primitive, inputs } = this.index.operation(maker);
      if (inlined.has(primitive.name)) {
        const parts = inputs.map((input) => {
          const part = this.element(input, position, depth - 1);
          return { text: bracketed(part.text), latex: bracketed(part.latex) };
        });
        const { text, latex } = forwardFormula(primitive.name, parts, { text: "", latex: "" });
        return { text: text.slice(3), latex: latex.slice(3) };
      }
    }
    if (maker === null && this.index.isConstant(seen)) return this.constantElement(seen, position);
    return elementSymbol(this.of(seen), unflatten(position, seen.shape));
  }

  /** An element of a constant nobody named: its value says more than its number. */
  private constantElement(node: Node, at: number): Formula {
    const value = this.index.valuesOf(node)[at];
    return { text: show(value), latex: showLatex(value) };
  }

  private numberOf(node: Node): number | null {
    if (!this.index.isConstant(node)) return null;
    if (node.storage?.uniform !== undefined) return node.storage.uniform;
    return node.shape.length === 0 ? this.index.valuesOf(node)[0] : null;
  }
}
