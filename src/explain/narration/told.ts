/**
 * Sentences that can be held to account: a number in a sentence is read from the document when the sentence is made, and can
 * be read again, there and from whatever else in the document says the same.
 */
import type { ExplanationDocument, Real, Sentence } from "../document.js";
import { epsilonOf, fromReal, real, show } from "../numbers.js";

type Read = (document: ExplanationDocument) => number;

/** A number that sentences may assert: how it is called, and where the document has it. */
export interface Quantity {
  readonly symbol: string;
  readonly read: Read;
  /** Other ways to the same number, from other parts of the document. */
  readonly witnesses: readonly Read[];
  /** What a witness may be off by besides its rounding, such as a(1 − a) where a is near 1. */
  readonly slack: number;
  readonly digits: number;
}

export function quantity(
  symbol: string,
  read: (document: ExplanationDocument) => Real,
  witnesses: readonly ((document: ExplanationDocument) => Real | null)[] = [],
  { slack = 0, digits = 6 }: { readonly slack?: number; readonly digits?: number } = {},
): Quantity {
  return {
    symbol,
    read: (document) => fromReal(read(document)),
    witnesses: witnesses.map((witness) => (document) => {
      const seen = witness(document);
      // a tensor that is only summarised cannot testify
      return seen === null ? fromReal(read(document)) : fromReal(seen);
    }),
    slack,
    digits,
  };
}

/** Something a sentence says that is no number: larger than, the smallest of, of this sign. */
export interface Relation {
  readonly says: string;
  readonly holds: (document: ExplanationDocument) => boolean;
}

/** A sentence with all that it claims. */
export interface Told extends Sentence {
  readonly quantities: readonly Quantity[];
  readonly relations: readonly Relation[];
}

/**
 * A sentence, as a template: its numbers are quantities and become part of the text.
 *
 * @param points of the study notes
 */
export function tell(
  document: ExplanationDocument,
  points: readonly number[],
  relations: readonly Relation[] = [],
): (texts: readonly string[], ...parts: readonly (Quantity | string)[]) => Told {
  return (texts, ...parts) => {
    const quantities = parts.filter((part): part is Quantity => typeof part !== "string");
    const words = parts.map((part) =>
      typeof part === "string" ? part : show(real(part.read(document)), part.digits),
    );
    return {
      text: texts.map((text, i) => text + (words[i] ?? "")).join(""),
      numbers: quantities.map((one) => ({ symbol: one.symbol, value: real(one.read(document)) })),
      points,
      quantities,
      relations,
    };
  };
}

/**
 * What in these sentences is not so, by this document: numbers that are others there, witnesses that disagree, relations that
 * do not hold. Empty for the document they were made from, or there is a bug.
 */
export function brokenClaims(told: readonly Told[], document: ExplanationDocument): string[] {
  const dtype = document.graph.nodes[document.cost.node].dtype;
  // a handful of roundings on the way to either
  const relative = 256 * epsilonOf(dtype);
  const differs = (a: number, b: number, slack: number): boolean => {
    if (Object.is(a, b)) return false;
    return !(Math.abs(a - b) <= relative * Math.max(Math.abs(a), Math.abs(b)) + slack * epsilonOf(dtype));
  };
  return told.flatMap(({ quantities, numbers, relations }) => [
    ...quantities.flatMap(({ symbol, read, witnesses, slack }, i) => {
      const said = fromReal(numbers[i].value);
      return [read, ...witnesses]
        .map((witness) => witness(document))
        .filter((seen) => differs(said, seen, slack))
        .map((seen) => `${symbol} is said to be ${said} and is ${seen}`);
    }),
    ...relations
      .filter(({ holds }) => !holds(document))
      .map(({ says }) => `it is said that ${says}, and it is not so`),
  ]);
}

/** A relation: of this sign. */
export function signIs(symbol: string, sign: number, read: (d: ExplanationDocument) => number): Relation {
  const kind = sign > 0 ? "positive" : sign < 0 ? "negative" : "zero";
  return { says: `${symbol} is ${kind}`, holds: (d) => Math.sign(read(d)) === sign };
}
