/**
 * TensorBoard's event files: TFRecords that each hold an Event in protocol buffers' wire format.
 *
 * Sources: tensorflow/core/lib/io/record_writer.h (a record is its length, the length's checksum, its bytes and theirs; checksums are
 * CRC32C, masked so that a checksum of data that hold checksums stays a good one) and tensorflow/core/util/event.proto and
 * framework/summary.proto (the fields below, by their numbers). Only what scalars need is written: three kinds of Event, by an encoder of
 * four wire types, where a library would need the schemas of all.
 */

/** A number of a run, under a tag such as `loss/validation`. */
export interface Scalar {
  readonly tag: string;
  readonly value: number;
}

/** The first record of every file, by which a reader knows the version. */
export function versionEvent(seconds: number): Uint8Array {
  return record([...double(1, seconds), ...bytes(3, utf8("brain.Event:2"))]);
}

/** Tells a reader that what it has from this step on is void: a run goes on from before it. */
export function restartEvent(seconds: number, step: number): Uint8Array {
  const sessionStart = varint(1, 1);
  return record([...double(1, seconds), ...varint(2, step), ...bytes(7, sessionStart)]);
}

export function scalarsEvent(seconds: number, step: number, scalars: readonly Scalar[]): Uint8Array {
  const summary = scalars.flatMap(({ tag, value }) => bytes(1, [...bytes(1, utf8(tag)), ...float(2, value)]));
  return record([...double(1, seconds), ...varint(2, step), ...bytes(5, summary)]);
}

/** A TFRecord: uint64 length, masked checksum of it, data, masked checksum of them; little-endian. */
function record(data: readonly number[]): Uint8Array {
  const whole = new Uint8Array(8 + 4 + data.length + 4);
  const view = new DataView(whole.buffer);
  view.setUint32(0, data.length, true);
  view.setUint32(8, masked(crc32c(whole.subarray(0, 8))), true);
  whole.set(data, 12);
  view.setUint32(12 + data.length, masked(crc32c(whole.subarray(12, 12 + data.length))), true);
  return whole;
}

function masked(checksum: number): number {
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}

/** Castagnoli's polynomial, its bits in reverse. */
const polynomial = 0x82f63b78;

/** CRC32C (RFC 3720, appendix B.4), bit by bit: an event has a hundred bytes. */
export function crc32c(data: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of data) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit++)
      remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1;
  }
  return ~remainder >>> 0;
}

// Fields: the number and wire type of the field, then its value.

function key(field: number, wireType: 0 | 1 | 2 | 5): number[] {
  return base128(field * 8 + wireType);
}

/** Seven bits a byte, the lowest first, a set top bit saying that more follow. */
function base128(value: number): number[] {
  const parts: number[] = [];
  let left = value;
  while (left >= 128) {
    parts.push((left % 128) + 128);
    left = Math.floor(left / 128);
  }
  return [...parts, left];
}

function varint(field: number, value: number): number[] {
  return [...key(field, 0), ...base128(value)];
}

function double(field: number, value: number): number[] {
  const encoded = new DataView(new ArrayBuffer(8));
  encoded.setFloat64(0, value, true);
  return [...key(field, 1), ...new Uint8Array(encoded.buffer)];
}

function float(field: number, value: number): number[] {
  const encoded = new DataView(new ArrayBuffer(4));
  encoded.setFloat32(0, value, true);
  return [...key(field, 5), ...new Uint8Array(encoded.buffer)];
}

function bytes(field: number, value: ArrayLike<number>): number[] {
  return [...key(field, 2), ...base128(value.length), ...Array.from(value)];
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
