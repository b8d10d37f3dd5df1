/** LaneAlgebra as SIMD instructions: a value is a local that holds a vector. */
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { f32x4, f64x2, i32, i32x4, i64x2, v128 } from "../assembler/opcodes.js";
import type { WasmFeatures } from "../features.js";
import type { LaneAlgebra } from "../math/algebra.js";
import { LAYOUT } from "../math/lanes.js";

/** 1.5·2^23 and 1.5·2^52: adding one puts an integer below 2^22 or 2^51 into the low bits of the float. */
const magic = { 32: 12582912, 64: 6755399441055744 } as const;
const magicBits = { 32: 0x4b400000n, 64: 0x4338000000000000n } as const;

/**
 * Operations write instructions into `f` and give the local of their result. Every result has its own local: the
 * engine's register allocator sees through them.
 */
export class LaneEmitter implements LaneAlgebra<Local> {
  readonly bits: 32 | 64;
  private readonly f: FunctionBuilder;
  private readonly relaxedMadd: boolean;
  private readonly results: Local[] = [];

  constructor(f: FunctionBuilder, bits: 32 | 64, features: WasmFeatures) {
    this.f = f;
    this.bits = bits;
    this.relaxedMadd = features.relaxedMadd;
  }

  private result(): Local {
    const local = this.f.local("v128");
    this.f.set(local);
    this.results.push(local);
    return local;
  }

  /** Lets others have the locals; the last result must be on the stack by now. */
  release(): void {
    for (const local of this.results.splice(0)) this.f.release(local);
  }

  private unary(code: number, a: Local): Local {
    this.f.get(a).op(code);
    return this.result();
  }

  private binary(code: number, a: Local, b: Local): Local {
    this.f.get(a).get(b).op(code);
    return this.result();
  }

  private get floats(): typeof f32x4 | typeof f64x2 {
    return this.bits === 32 ? f32x4 : f64x2;
  }

  private get integers(): typeof i32x4 | typeof i64x2 {
    return this.bits === 32 ? i32x4 : i64x2;
  }

  float(value: number): Local {
    this.f.vector(splatFloat(this.bits, value));
    return this.result();
  }

  integer(value: number | bigint): Local {
    this.f.vector(splatInteger(this.bits, value));
    return this.result();
  }

  add(a: Local, b: Local): Local {
    return this.binary(this.floats.add, a, b);
  }

  sub(a: Local, b: Local): Local {
    return this.binary(this.floats.sub, a, b);
  }

  mul(a: Local, b: Local): Local {
    return this.binary(this.floats.mul, a, b);
  }

  div(a: Local, b: Local): Local {
    return this.binary(this.floats.div, a, b);
  }

  sqrt(a: Local): Local {
    return this.unary(this.floats.sqrt, a);
  }

  neg(a: Local): Local {
    // By a constant, which a loop keeps: the engine makes the mask anew for every f32x4.neg and abs, in two instructions.
    return this.xor(a, this.integer(LAYOUT[this.bits].signBit));
  }

  abs(a: Local): Local {
    return this.and(a, this.integer(~BigInt(LAYOUT[this.bits].signBit)));
  }

  min(a: Local, b: Local): Local {
    return this.binary(this.floats.pmin, a, b);
  }

  max(a: Local, b: Local): Local {
    return this.binary(this.floats.pmax, a, b);
  }

  floor(a: Local): Local {
    return this.unary(this.floats.floor, a);
  }

  nearest(a: Local): Local {
    return this.unary(this.floats.nearest, a);
  }

  multiplyAdd(a: Local, b: Local, c: Local): Local {
    const { f, floats } = this;
    f.get(a).get(b);
    if (this.relaxedMadd) f.get(c).op(floats.relaxedMadd);
    else f.op(floats.mul).get(c).op(floats.add);
    return this.result();
  }

  eq(a: Local, b: Local): Local {
    return this.binary(this.floats.eq, a, b);
  }

  lt(a: Local, b: Local): Local {
    return this.binary(this.floats.lt, a, b);
  }

  le(a: Local, b: Local): Local {
    return this.binary(this.floats.le, a, b);
  }

  and(a: Local, b: Local): Local {
    return this.binary(v128.and, a, b);
  }

  or(a: Local, b: Local): Local {
    return this.binary(v128.or, a, b);
  }

  xor(a: Local, b: Local): Local {
    return this.binary(v128.xor, a, b);
  }

  not(a: Local): Local {
    return this.xor(a, this.integer(-1));
  }

  select(mask: Local, a: Local, b: Local): Local {
    this.f.get(a).get(b).get(mask).op(v128.bitselect);
    return this.result();
  }

  integerAdd(a: Local, b: Local): Local {
    return this.binary(this.integers.add, a, b);
  }

  integerSub(a: Local, b: Local): Local {
    return this.binary(this.integers.sub, a, b);
  }

  private shift(code: number, a: Local, count: number): Local {
    this.f.get(a).i32(count).op(code);
    return this.result();
  }

  shiftLeft(a: Local, count: number): Local {
    return this.shift(this.integers.shl, a, count);
  }

  shiftRightLogical(a: Local, count: number): Local {
    return this.shift(this.integers.shrU, a, count);
  }

  shiftRightArithmetic(a: Local, count: number): Local {
    return this.shift(this.integers.shr, a, count);
  }

  fromInteger(a: Local): Local {
    if (this.bits === 32) return this.unary(f32x4.convertI32, a);
    // SIMD converts no 64-bit integers: add the magic number's bits as integers, subtract it as a float.
    return this.sub(this.integerAdd(a, this.integer(magicBits[64])), this.float(magic[64]));
  }

  toInteger(a: Local): Local {
    return this.integerSub(this.add(a, this.float(magic[this.bits])), this.integer(magicBits[this.bits]));
  }

  rarely(mask: Local, then: () => Local, otherwise: Local): Local {
    const { f } = this;
    f.get(mask)
      .op(v128.anyTrue)
      .if(
        "v128",
        () => {
          const slow = then();
          f.get(slow).get(otherwise).get(mask).op(v128.bitselect);
        },
        () => f.get(otherwise),
      );
    return this.result();
  }

  mostly(mask: Local, common: Local, otherwise: () => Local): Local {
    const { f } = this;
    // One instruction makes the bits of all lanes; any_true of the opposite takes three and its own mask.
    f.get(mask)
      .op(this.integers.bitmask)
      .i32(this.bits === 32 ? 15 : 3)
      .op(i32.ne);
    f.if(
      "v128",
      () => {
        const slow = otherwise();
        f.get(common).get(slow).get(mask).op(v128.bitselect);
      },
      () => f.get(common),
    );
    return this.result();
  }
}

/** The bytes of a vector whose every lane is this float. */
export function splatFloat(bits: 32 | 64, value: number): Uint8Array {
  const lanes = bits === 32 ? new Float32Array(4).fill(value) : new Float64Array(2).fill(value);
  return new Uint8Array(lanes.buffer);
}

/** The bytes of a vector whose every lane is this integer, wrapped to the lane's width. */
export function splatInteger(bits: 32 | 64, value: number | bigint): Uint8Array {
  const lanes =
    bits === 32
      ? new Int32Array(4).fill(Number(BigInt.asIntN(32, BigInt(value))))
      : new BigInt64Array(2).fill(BigInt.asIntN(64, BigInt(value)));
  return new Uint8Array(lanes.buffer);
}
