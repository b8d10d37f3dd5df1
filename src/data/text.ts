/**
 * Text for models that say what comes next: windows of a fixed number of characters, each with the same window one character on.
 * The text lies in memory once, a byte or two a character; windows are copied out when a batch is made.
 */
import { AdjointError, tensor } from "../index.js";
import { readBytes } from "../io/index.js";
import { checkOptionNames, invalidArgument, isNatural } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { checkText } from "./checks.js";
import { IndexedStream } from "./stream-base.js";
import { decodeText } from "./utf8.js";
import { Vocabulary } from "./vocabulary.js";

/** Options of {@link text}. */
export interface TextOptions {
  /** Characters in a window. */
  readonly context: number;
  /**
   * From the beginning of one window to that of the next. By default `context`, so that every character is predicted once in a
   * pass; 1 for every window there is.
   */
  readonly step?: number;
  /** The characters there are; by default those of the text. One from an earlier text makes the numbers agree with it. */
  readonly vocabulary?: Vocabulary;
  /** What messages call it; by default the path. */
  readonly name?: string;
}

type Codes = Uint8Array | Uint16Array | Int32Array;

const operation = "data.text";

/**
 * A text as examples: x int32 [context], the characters of a window, and y int32 [context], the character that follows each. A key
 * decides the order of the windows.
 *
 * @example
 * const rhyme = await data.text("row, row, row\nyour boat", { context: 3 });
 * rhyme.vocabulary.size; // → 11
 * const [training, validation] = rhyme.split(0.5);
 * const { x, y } = await training.first(2);
 * [x, y].map((side) => rhyme.decode(side.slice(0).dataSync())).join("|"); // → row|ow,
 * rhyme.decode(rhyme.encode("boat")); // → boat
 */
export class TextStream extends IndexedStream {
  readonly vocabulary: Vocabulary;
  readonly context: number;
  readonly step: number;
  private readonly codes: Codes;

  constructor(codes: Codes, vocabulary: Vocabulary, context: number, step: number, name: string) {
    if (!(ArrayBuffer.isView(codes) && "length" in codes) || !(vocabulary instanceof Vocabulary))
      throw invalidArgument(
        "TextStream",
        "codes and vocabulary",
        "those of a text, as data.text makes it",
        `${formatReceived(codes)} and ${formatReceived(vocabulary)}`,
      );
    for (const [argument, value] of Object.entries({ context, step }))
      if (!isNatural(value) || value === 0)
        throw invalidArgument("TextStream", argument, "an integer of at least 1", formatReceived(value));
    if (codes.length <= context)
      throw new AdjointError(
        "invalid-data",
        `${operation}: ${name}: a window of ${context} characters and the one after it need a text of at least ${context + 1}, received ${codes.length}`,
        {
          operation,
          argument: "context",
          expected: `at most ${codes.length - 1}`,
          received: String(context),
        },
      );
    const size = Math.floor((codes.length - context - 1) / step) + 1;
    const shape = {
      size,
      inputShape: [context],
      targetShape: [context],
      classes: vocabulary.characters,
      name,
    };
    super(shape, (windows) => {
      const x = new Int32Array(windows.length * context);
      const y = new Int32Array(windows.length * context);
      windows.forEach((window, i) => {
        const start = window * step;
        x.set(codes.subarray(start, start + context), i * context);
        y.set(codes.subarray(start + 1, start + 1 + context), i * context);
      });
      const shaped = { shape: [windows.length, context] };
      return { x: tensor(x, shaped), y: tensor(y, shaped) };
    });
    this.codes = codes;
    this.vocabulary = vocabulary;
    this.context = context;
    this.step = step;
  }

  /** The number of characters. */
  get length(): number {
    return this.codes.length;
  }

  /** The numbers of the characters of a text. @throws AdjointError `invalid-data` for a character that is not in the vocabulary */
  encode(text: string): Int32Array {
    return this.vocabulary.encode(text);
  }

  /** The text that numbers mean. @throws AdjointError `index-out-of-range` */
  decode(codes: ArrayLike<number>): string {
    return this.vocabulary.decode(codes);
  }

  /**
   * The first `ratio` of the characters (rounded to a whole number) and the rest, as texts that share memory with this one. No
   * window reaches from one into the other.
   * @throws AdjointError `invalid-argument`, and `invalid-data` where a part is shorter than a window
   */
  split(ratio: number): [TextStream, TextStream] {
    if (!(typeof ratio === "number" && ratio > 0 && ratio < 1))
      throw invalidArgument("text.split", "ratio", "between 0 and 1", formatReceived(ratio));
    const at = Math.round(ratio * this.codes.length);
    const part = (codes: Codes) =>
      new TextStream(codes, this.vocabulary, this.context, this.step, this.name ?? "the text");
    return [part(this.codes.subarray(0, at)), part(this.codes.subarray(at))];
  }
}

/**
 * Reads a text to learn what comes next in it, character by character.
 *
 * @param source a path (UTF-8; gzip files are unpacked), or the text itself, with at least one line break
 * @throws AdjointError `file-not-found`, `file-format` where it is not UTF-8, `invalid-data` where it is shorter than a window or has
 * a character that is not in the vocabulary given, `invalid-argument`
 * @example
 * const phrase = await data.text("to be or\nnot to be", { context: 5, step: 1 });
 * phrase.size; // → 13
 */
export async function text(source: string, options: TextOptions): Promise<TextStream> {
  checkOptionNames(options, ["context", "step", "vocabulary", "name"], operation);
  const { context, step = context, vocabulary: known, name } = options;
  for (const [argument, value] of Object.entries({ context, step }))
    if (!isNatural(value) || value === 0)
      throw invalidArgument(operation, argument, "an integer of at least 1", formatReceived(value));
  checkText(name, operation, "name");
  if (known !== undefined && !(known instanceof Vocabulary))
    throw invalidArgument(
      operation,
      "vocabulary",
      "one such as data.Vocabulary.of(text)",
      formatReceived(known),
    );
  if (typeof source !== "string")
    throw invalidArgument(operation, "source", "a path, or text with line breaks", formatReceived(source));
  const isText = /[\r\n]/.test(source);
  const content = isText ? source : decodeText(await readBytes(source, operation), operation);
  const title = name ?? (isText ? "the text" : source);
  if (content === "")
    throw new AdjointError("invalid-data", `${operation}: ${title} is empty`, { operation, file: title });
  const vocabulary = known ?? Vocabulary.of(content);
  const codes = vocabulary.encode(content);
  // kept in the smallest elements that hold them: the text may be long
  const compact = vocabulary.size <= 256 ? Uint8Array : vocabulary.size <= 65536 ? Uint16Array : Int32Array;
  return new TextStream(compact.from(codes), vocabulary, context, step, title);
}
