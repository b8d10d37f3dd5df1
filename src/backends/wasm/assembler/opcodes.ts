/**
 * Opcodes used by the code generator. A prefixed instruction is written as `prefix << 16 | number`.
 *
 * Source: WebAssembly Core Specification 2.0, appendix "Index of Instructions"; the relaxed SIMD proposal for
 * `relaxedMadd`; the threads proposal for `atomic`.
 */

/** Types of values on the stack, as encoded. */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

export const typeCodes: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

const simd = (number: number): number => (0xfd << 16) | number;
const saturating = (number: number): number => (0xfc << 16) | number;
const shared = (number: number): number => (0xfe << 16) | number;

export const control = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
} as const;

export const i32 = {
  load: 0x28,
  load8u: 0x2d,
  store: 0x36,
  store8: 0x3a,
  const: 0x41,
  eqz: 0x45,
  eq: 0x46,
  ne: 0x47,
  lt: 0x48,
  ltU: 0x49,
  gt: 0x4a,
  le: 0x4c,
  ge: 0x4e,
  geU: 0x4f,
  add: 0x6a,
  sub: 0x6b,
  mul: 0x6c,
  div: 0x6d,
  rem: 0x6f,
  and: 0x71,
  or: 0x72,
  xor: 0x73,
  shl: 0x74,
  shr: 0x75,
  shrU: 0x76,
  rotl: 0x77,
  truncSatF32: saturating(0),
  truncSatF64: saturating(2),
} as const;

export const i64 = {
  const: 0x42,
  ne: 0x52,
  sub: 0x7d,
  or: 0x84,
  shl: 0x86,
  shrU: 0x88,
  wrap: 0xa7,
  extendU: 0xad,
} as const;

/** (to, from, bytes); its two memory numbers are encoded as a load's alignment and offset are. */
export const memoryCopy = (0xfc << 16) | 10;

/** On shared memory; their alignment, given as a power of two, must be that of the value. */
export const atomic = {
  notify: shared(0x00),
  load: shared(0x10),
  load64: shared(0x11),
  store: shared(0x17),
  store64: shared(0x18),
  add: shared(0x1e),
  compareExchange: shared(0x48),
  compareExchange64: shared(0x49),
} as const;

export const f32 = {
  load: 0x2a,
  store: 0x38,
  const: 0x43,
  eq: 0x5b,
  ne: 0x5c,
  lt: 0x5d,
  gt: 0x5e,
  le: 0x5f,
  ge: 0x60,
  abs: 0x8b,
  neg: 0x8c,
  ceil: 0x8d,
  floor: 0x8e,
  trunc: 0x8f,
  nearest: 0x90,
  sqrt: 0x91,
  add: 0x92,
  sub: 0x93,
  mul: 0x94,
  div: 0x95,
  min: 0x96,
  max: 0x97,
  copysign: 0x98,
  convertI32: 0xb2,
  demote: 0xb6,
} as const;

export const f64 = {
  load: 0x2b,
  store: 0x39,
  const: 0x44,
  eq: 0x61,
  ne: 0x62,
  lt: 0x63,
  gt: 0x64,
  le: 0x65,
  ge: 0x66,
  abs: 0x99,
  neg: 0x9a,
  ceil: 0x9b,
  floor: 0x9c,
  trunc: 0x9d,
  nearest: 0x9e,
  sqrt: 0x9f,
  add: 0xa0,
  sub: 0xa1,
  mul: 0xa2,
  div: 0xa3,
  min: 0xa4,
  max: 0xa5,
  copysign: 0xa6,
  convertI32: 0xb7,
  promote: 0xbb,
} as const;

export const v128 = {
  load: simd(0x00),
  load16Splat: simd(0x08),
  load32Splat: simd(0x09),
  load64Splat: simd(0x0a),
  store: simd(0x0b),
  const: simd(0x0c),
  shuffle: simd(0x0d),
  not: simd(0x4d),
  and: simd(0x4e),
  andnot: simd(0x4f),
  or: simd(0x50),
  xor: simd(0x51),
  bitselect: simd(0x52),
  anyTrue: simd(0x53),
  load32Lane: simd(0x56),
  load64Lane: simd(0x57),
  store8Lane: simd(0x58),
  store16Lane: simd(0x59),
  store32Lane: simd(0x5a),
  store64Lane: simd(0x5b),
  load32Zero: simd(0x5c),
  load64Zero: simd(0x5d),
} as const;

export const i16x8 = { extendLowI8U: simd(0x89) } as const;

export const i32x4 = {
  splat: simd(0x11),
  extractLane: simd(0x1b),
  replaceLane: simd(0x1c),
  eq: simd(0x37),
  ne: simd(0x38),
  lt: simd(0x39),
  gt: simd(0x3b),
  le: simd(0x3d),
  ge: simd(0x3f),
  geU: simd(0x40),
  abs: simd(0xa0),
  neg: simd(0xa1),
  extendLowI16U: simd(0xa9),
  shl: simd(0xab),
  shr: simd(0xac),
  shrU: simd(0xad),
  add: simd(0xae),
  sub: simd(0xb1),
  mul: simd(0xb5),
  min: simd(0xb6),
  max: simd(0xb8),
  truncSatF32: simd(0xf8),
  truncSatF64Zero: simd(0xfc),
} as const;

export const i64x2 = {
  splat: simd(0x12),
  extractLane: simd(0x1d),
  neg: simd(0xc1),
  extendLowI32S: simd(0xc7),
  extendLowI32U: simd(0xc9),
  shl: simd(0xcb),
  shr: simd(0xcc),
  shrU: simd(0xcd),
  add: simd(0xce),
  sub: simd(0xd1),
} as const;

export const f32x4 = {
  splat: simd(0x13),
  extractLane: simd(0x1f),
  replaceLane: simd(0x20),
  eq: simd(0x41),
  ne: simd(0x42),
  lt: simd(0x43),
  gt: simd(0x44),
  le: simd(0x45),
  ge: simd(0x46),
  demoteF64Zero: simd(0x5e),
  ceil: simd(0x67),
  floor: simd(0x68),
  nearest: simd(0x6a),
  abs: simd(0xe0),
  neg: simd(0xe1),
  sqrt: simd(0xe3),
  add: simd(0xe4),
  sub: simd(0xe5),
  mul: simd(0xe6),
  div: simd(0xe7),
  min: simd(0xe8),
  max: simd(0xe9),
  pmin: simd(0xea),
  pmax: simd(0xeb),
  convertI32: simd(0xfa),
  relaxedMadd: simd(0x105),
} as const;

export const f64x2 = {
  splat: simd(0x14),
  extractLane: simd(0x21),
  replaceLane: simd(0x22),
  eq: simd(0x47),
  ne: simd(0x48),
  lt: simd(0x49),
  gt: simd(0x4a),
  le: simd(0x4b),
  ge: simd(0x4c),
  promoteLowF32: simd(0x5f),
  ceil: simd(0x74),
  floor: simd(0x75),
  nearest: simd(0x94),
  abs: simd(0xec),
  neg: simd(0xed),
  sqrt: simd(0xef),
  add: simd(0xf0),
  sub: simd(0xf1),
  mul: simd(0xf2),
  div: simd(0xf3),
  min: simd(0xf4),
  max: simd(0xf5),
  pmin: simd(0xf6),
  pmax: simd(0xf7),
  convertLowI32: simd(0xfe),
  relaxedMadd: simd(0x107),
} as const;
