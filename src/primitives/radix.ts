/**
 * Sorting by the digits of a key, least significant first (Knuth, The Art of Computer Programming 3, 5.2.5): three passes of 11
 * bits, each stable, so the whole is. Ten times as fast as comparing for tens of thousands of elements, which is what
 * shuffling sorts.
 */

/** Rows shorter than this are sorted sooner by comparing: a pass costs 2,048 counters whatever the length. */
export const radixFrom = 1024;

const digitBits = 11;
const digits = 1 << digitBits;

/** The positions that sort `keys` ascending; equal keys keep their order. */
export function radixOrder(keys: Uint32Array): Int32Array {
  const { length } = keys;
  let order = new Int32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  let next = new Int32Array(length);
  for (let shift = 0; shift < 32; shift += digitBits) {
    const starts = new Int32Array(digits + 1);
    for (let i = 0; i < length; i++) starts[((keys[i] >>> shift) & (digits - 1)) + 1]++;
    for (let digit = 0; digit < digits; digit++) starts[digit + 1] += starts[digit];
    for (let i = 0; i < length; i++) {
      const position = order[i];
      next[starts[(keys[position] >>> shift) & (digits - 1)]++] = position;
    }
    [order, next] = [next, order];
  }
  return order;
}

const signBit = 0x8000_0000;

/** Unsigned integers in the order of the numbers: −0 with 0, NaN after all. */
export function sortKeys(values: Int32Array | Float32Array): Uint32Array {
  const keys = new Uint32Array(values.length);
  if (values instanceof Int32Array) {
    for (let i = 0; i < keys.length; i++) keys[i] = values[i] ^ signBit;
    return keys;
  }
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < keys.length; i++) {
    const value = values[i];
    // of a negative number more magnitude is less
    if (Number.isNaN(value)) keys[i] = 0xffff_ffff;
    else if (value < 0) keys[i] = ~bits[i];
    else keys[i] = value === 0 ? signBit : bits[i] | signBit;
  }
  return keys;
}
