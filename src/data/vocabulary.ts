/** Characters as numbers. */
import { AdjointError } from "../index.js";
import { invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";

/**
 * The characters a text is made of, each with a number: Unicode code points, sorted.
 *
 * @example
 * const letters = data.Vocabulary.of("hello");
 * letters.characters.join(""); // → ehlo
 * letters.encode("hole"); // → 1,3,2,0
 * letters.decode([1, 0, 2, 2, 3]); // → hello
 */
export class Vocabulary {
  readonly characters: readonly string[];
  private readonly codes: ReadonlyMap<string, number>;

  /**
   * @param characters different ones, one code point each, in the order of their numbers
   * @throws AdjointError `invalid-argument`
   */
  constructor(characters: readonly string[]) {
    const isCharacter = (value: unknown) => typeof value === "string" && [...value].length === 1;
    if (!Array.isArray(characters) || characters.length === 0 || !characters.every(isCharacter))
      throw invalidArgument(
        "Vocabulary",
        "characters",
        "an array of single characters",
        formatReceived(characters),
      );
    this.codes = new Map(characters.map((character, code) => [character, code]));
    if (this.codes.size !== characters.length)
      throw invalidArgument("Vocabulary", "characters", "different characters", "one of them twice");
    this.characters = [...characters];
  }

  /** The characters of a text. @throws AdjointError `invalid-argument` for a text without any */
  static of(text: string): Vocabulary {
    if (typeof text !== "string")
      throw invalidArgument("Vocabulary.of", "text", "a text", formatReceived(text));
    return new Vocabulary([...new Set(text)].sort());
  }

  /** The number of characters. */
  get size(): number {
    return this.characters.length;
  }

  /**
   * The numbers of the characters of a text.
   * @throws AdjointError `invalid-data` for a character that is not among them, saying where
   */
  encode(text: string): Int32Array {
    if (typeof text !== "string")
      throw invalidArgument("vocabulary.encode", "text", "a text", formatReceived(text));
    const codes = new Int32Array(text.length);
    let count = 0;
    for (const character of text) {
      const code = this.codes.get(character);
      if (code === undefined)
        throw new AdjointError(
          "invalid-data",
          `vocabulary.encode: character ${JSON.stringify(character)} at position ${count} is none of the ${this.size} of the vocabulary`,
          { operation: "vocabulary.encode", argument: "text", received: character },
        );
      codes[count++] = code;
    }
    return codes.subarray(0, count);
  }

  /**
   * The text that numbers mean.
   * @throws AdjointError `index-out-of-range` for a number that is no character's
   */
  decode(codes: ArrayLike<number>): string {
    return Array.from(codes, (code) => {
      const character = this.characters[code];
      if (character !== undefined) return character;
      throw new AdjointError(
        "index-out-of-range",
        `vocabulary.decode: ${formatReceived(code)} is outside the ${this.size} characters`,
        {
          operation: "vocabulary.decode",
          argument: "codes",
          expected: `0 … ${this.size - 1}`,
          received: formatReceived(code),
        },
      );
    }).join("");
  }

  /** What `JSON.stringify` writes: the characters in order. */
  toJSON(): readonly string[] {
    return this.characters;
  }
}
