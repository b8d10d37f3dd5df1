/**
 * Bytes of the WebAssembly binary format: LEB128 integers, floats, names, vectors.
 *
 * Source: WebAssembly Core Specification 2.0, chapter 5 (binary format).
 */

/** A growing byte string. */
export class ByteWriter {
  private bytes = new Uint8Array(256);
  private used = 0;

  get length(): number {
    return this.used;
  }

  private reserve(count: number): void {
    if (this.used + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.used + count));
    grown.set(this.bytes.subarray(0, this.used));
    this.bytes = grown;
  }

  byte(value: number): this {
    this.reserve(1);
    this.bytes[this.used++] = value;
    return this;
  }

  append(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.used);
    this.used += bytes.length;
    return this;
  }

  /** Unsigned LEB128; `value` is a non-negative integer below 2^53. */
  unsigned(value: number): this {
    let rest = value;
    while (rest >= 128) {
      this.byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    return this.byte(rest);
  }

  /** Signed LEB128 of an integer of up to 32 bits. */
  signed(value: number): this {
    let rest = value | 0;
    for (;;) {
      const low = rest & 127;
      rest >>= 7;
      const signBit = (low & 64) !== 0;
      if ((rest === 0 && !signBit) || (rest === -1 && signBit)) return this.byte(low);
      this.byte(low | 128);
    }
  }

  float32(value: number): this {
    return this.append(new Uint8Array(new Float32Array([value]).buffer));
  }

  float64(value: number): this {
    return this.append(new Uint8Array(new Float64Array([value]).buffer));
  }

  /** A name: its length, then ASCII bytes. */
  name(text: string): this {
    this.unsigned(text.length);
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i));
    return this;
  }

  /** A byte string preceded by its length, as sections and function bodies are. */
  sized(content: ByteWriter): this {
    return this.unsigned(content.length).append(content.finish());
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.used);
  }
}
