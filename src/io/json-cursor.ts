/**
 * Reads the JSON (RFC 8259) of headers from its bytes, one value of a known kind after the other: objects, texts and lists of
 * whole numbers. Nothing else is in a sound header, so nothing else has to be built, however large or deep a damaged one is.
 */
import type { AdjointError } from "../index.js";

export class JsonCursor {
  /** The byte that comes next. */
  position = 0;
  private readonly bytes: Uint8Array;
  private readonly refuse: (problem: string, at: number) => AdjointError;
  private readonly text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  /** @param refuse makes the error for a problem at a byte */
  constructor(bytes: Uint8Array, refuse: (problem: string, at: number) => AdjointError) {
    this.bytes = bytes;
    this.refuse = refuse;
  }

  /** Does the next value begin with this character? */
  begins(character: string): boolean {
    this.skipSpace();
    return this.bytes[this.position] === character.charCodeAt(0);
  }

  /** An object: `member` is called with each name and its place, and reads the value. */
  object(member: (name: string, at: number) => void): void {
    this.expect("{");
    if (this.takes("}")) return;
    do {
      this.skipSpace();
      const at = this.position;
      const name = this.string();
      this.expect(":");
      this.skipSpace();
      member(name, at);
    } while (this.takes(","));
    this.expect("}");
  }

  string(): string {
    this.expect('"');
    const start = this.position;
    let isPlain = true;
    let at = start;
    for (; this.bytes[at] !== quoteByte; at++) {
      if (at >= this.bytes.length) throw this.refuse("a text that begins here does not end", start - 1);
      if (this.bytes[at] < 0x20) throw this.refuse("a text holds a control character", at);
      if (this.bytes[at] !== backslash) continue;
      isPlain = false;
      at++;
    }
    this.position = at + 1;
    return isPlain ? this.decode(start, at) : this.unescape(start, at);
  }

  private decode(start: number, end: number): string {
    try {
      return this.text.decode(this.bytes.subarray(start, end));
    } catch {
      throw this.refuse("a text is not UTF-8", start);
    }
  }

  private unescape(start: number, end: number): string {
    let text: string;
    try {
      text = JSON.parse(`"${this.decode(start, end)}"`);
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw this.refuse("a text has an escape that JSON does not have", start);
    }
    if (/\p{Surrogate}/u.test(text)) throw this.refuse("a text holds half of a surrogate pair", start);
    return text;
  }

  /** A list of whole numbers, written in digits alone, that are exact; undefined for anything else. */
  counts(): number[] | undefined {
    const list: number[] = [];
    if (!this.takes("[")) return undefined;
    if (this.takes("]")) return list;
    do {
      const count = this.count();
      if (count === undefined) return undefined;
      list.push(count);
    } while (this.takes(","));
    return this.takes("]") ? list : undefined;
  }

  private count(): number | undefined {
    this.skipSpace();
    const start = this.position;
    let value = 0;
    for (; isDigit(this.bytes[this.position]); this.position++) {
      value = 10 * value + this.bytes[this.position] - zero;
      if (value > Number.MAX_SAFE_INTEGER) return undefined;
    }
    const digits = this.position - start;
    return digits === 0 || (digits > 1 && this.bytes[start] === zero) ? undefined : value;
  }

  /** Nothing may follow but space. */
  end(): void {
    this.skipSpace();
    if (this.position < this.bytes.length) throw this.refuse("something follows its end", this.position);
  }

  private expect(character: string): void {
    if (this.takes(character)) return;
    const byte = this.bytes[this.position];
    const received = byte === undefined ? "its end" : JSON.stringify(String.fromCharCode(byte));
    throw this.refuse(`expected ${character}, received ${received}`, this.position);
  }

  private takes(character: string): boolean {
    if (!this.begins(character)) return false;
    this.position++;
    return true;
  }

  private skipSpace(): void {
    while (isSpace(this.bytes[this.position])) this.position++;
  }
}

const quoteByte = 0x22;
const backslash = 0x5c;
const zero = 0x30;

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= 0x39;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
