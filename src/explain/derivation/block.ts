/** What recognised parts of a graph have in common: formulas, and the numbers that make them trustworthy. */
import type { Node } from "../../transforms/tape.js";
import type { Composite } from "../composites.js";
import type { Comparison, Formula, TextbookBlock } from "../document.js";
import { compare, epsilonOf, largest } from "../numbers.js";
import type { TapeIndex } from "../tape-index.js";

/** Two ways to the same tensor: by the textbook's formula, and by the graph's own lines. */
export interface Match {
  readonly textbook: ArrayLike<number>;
  readonly lines: ArrayLike<number>;
  /** The size of the largest term of the sums they are, where terms may cancel. */
  readonly term?: number;
}

/** The symbols of nodes. */
export type SymbolOf = (node: Node) => Formula;

/** A formula from two strings. */
export function formula(text: string, latex: string): Formula {
  return { text, latex };
}

/**
 * The worst of several comparisons. Each element is a sum of at most `terms` products of rounded numbers, so it may differ
 * by that many roundings of the largest.
 */
export function worst(matches: readonly Match[], dtype: string, terms: number): Comparison {
  const checks = matches.map(({ textbook, lines, term = 0 }) => {
    const size = Math.max(largest(textbook), largest(lines), term);
    return compare(textbook, lines, epsilonOf(dtype) * (8 + 2 * terms) * Math.max(size, 1e-30));
  });
  return checks.reduce((a, b) => (excess(b) > excess(a) ? b : a));
}

function excess({ difference, tolerance }: Comparison): number {
  return Number(difference) / Number(tolerance);
}

/** The block, if all its numbers match. */
export function matched(block: TextbookBlock): TextbookBlock[] {
  return block.check.agrees ? [block] : [];
}

/** How the adjoint of a node is written: δ where it is a weighted input, else with a bar. */
export function adjointSymbol({ text, latex }: Formula): Formula {
  const layer = /^z\^\{(\d+)\}$/.exec(latex)?.[1];
  return layer === undefined
    ? formula(`∂C/∂${text}`, `\\overline{${latex}}`)
    : formula(`δ${layer}`, `\\delta^{${layer}}`);
}

/** The operations between nodes that come first and one that comes last. */
export function operationsBetween(index: TapeIndex, from: readonly Node[], to: Node): number[] {
  const found = new Set<number>();
  const stop = new Set(from);
  const pending = [to];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const maker = stop.has(node) ? null : index.makerOf(node);
    if (maker === null || found.has(maker)) continue;
    found.add(maker);
    pending.push(...index.operation(maker).inputs);
  }
  return [...found].sort((a, b) => a - b);
}

/** What a function of the library reads from outside, where that is one thing that varies. */
export function inputOf(index: TapeIndex, { operations }: Composite): Node | null {
  const made = new Set([...operations].flatMap((id) => index.operation(id).outputs));
  const read = new Set(
    [...operations]
      .flatMap((id) => index.operation(id).inputs)
      .filter((node) => !made.has(node) && !index.isConstant(node)),
  );
  return read.size === 1 ? ([...read][0] ?? null) : null;
}
