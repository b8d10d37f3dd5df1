/** Scalar functions that are no single instruction: written into a module the first time they are used. */
import type { FunctionBuilder } from "../assembler/function.js";
import { control, f32, f64, i32 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";

/** ⌊x / y⌋, wrapping; 0 for y = 0. */
export function integerDivide(context: ProgramContext): number {
  return context.helper("integerDivide", ["i32", "i32"], ["i32"], (f) => {
    const quotient = f.local("i32");
    f.get(1)
      .op(i32.eqz)
      .if(undefined, () => f.i32(0).return());
    // The machine's division traps on -2^31 / -1, whose wrapped quotient is -x like that of any other x.
    f.get(1)
      .i32(-1)
      .op(i32.eq)
      .if(undefined, () => f.i32(0).get(0).op(i32.sub).return());
    f.get(0).get(1).op(i32.div).set(quotient);
    // Truncation rounded up if the signs differ and something was left over.
    f.get(quotient);
    f.get(0).get(1).op(i32.xor).i32(0).op(i32.lt);
    f.get(quotient).get(1).op(i32.mul).get(0).op(i32.ne).op(i32.and).op(i32.sub);
  });
}

/** x - y·⌊x / y⌋, with the sign of y; 0 for y = 0. */
export function integerModulo(context: ProgramContext): number {
  return context.helper("integerModulo", ["i32", "i32"], ["i32"], (f) => {
    const rest = f.local("i32");
    f.get(1)
      .op(i32.eqz)
      .if(undefined, () => f.i32(0).return());
    f.get(0).get(1).op(i32.rem).set(rest);
    f.get(rest).get(1).i32(0);
    f.get(rest).i32(0).op(i32.ne).get(rest).get(1).op(i32.xor).i32(0).op(i32.lt).op(i32.and);
    f.op(control.select).op(i32.add);
  });
}

/** x^y by squaring, wrapping; for y < 0 what 1/x^-y truncates to: ±1 for x = ±1, else 0. */
export function integerPower(context: ProgramContext): number {
  return context.helper("integerPower", ["i32", "i32"], ["i32"], (f) => {
    const result = f.local("i32");
    f.get(1)
      .i32(0)
      .op(i32.lt)
      .if(undefined, () => {
        f.get(0)
          .i32(1)
          .op(i32.eq)
          .if(undefined, () => f.i32(1).return());
        f.get(0)
          .i32(-1)
          .op(i32.ne)
          .if(undefined, () => f.i32(0).return());
      });
    f.i32(1).set(result);
    // For x = -1 only the lowest bit of y matters, so a negative y may be read as unsigned.
    f.block(() =>
      f.loop(() => {
        f.get(1).op(i32.eqz).branchIf(1);
        f.get(1)
          .i32(1)
          .op(i32.and)
          .if(undefined, () => f.get(result).get(0).op(i32.mul).set(result));
        f.get(0).get(0).op(i32.mul).set(0);
        f.get(1).i32(1).op(i32.shrU).set(1).branch(0);
      }),
    );
    f.get(result);
  });
}

/** The remainder with the sign of the divisor, as Python's; exact before that sign is fixed. */
export function remainder(context: ProgramContext, dtype: "float32" | "float64"): number {
  const double = context.helper("remainder64", ["f64", "f64"], ["f64"], writeRemainder);
  if (dtype === "float64") return double;
  // Two rounded-to-double operations of floats, the last an addition, round to float as one would.
  return context.helper("remainder32", ["f32", "f32"], ["f32"], (f) =>
    f.get(0).op(f64.promote).get(1).op(f64.promote).call(double).op(f32.demote),
  );
}

/**
 * Shift-and-subtract division: t runs through |y|·2^i downward, and every subtraction a - t is exact because t ≤ a < 2t.
 * It takes two steps for each bit of the quotient: slow only where the quotient is astronomically large.
 */
function writeRemainder(f: FunctionBuilder): void {
  const [x, y] = [0, 1];
  const rest = f.local("f64");
  const divisor = f.local("f64");
  const step = f.local("f64");
  f.get(x).op(f64.abs).set(rest);
  f.get(y).op(f64.abs).tee(divisor).set(step);
  // Not (|x| < ∞ and |y| > 0): NaN. This catches NaN operands, too.
  f.get(rest).f64(Number.POSITIVE_INFINITY).op(f64.lt).get(divisor).f64(0).op(f64.gt).op(i32.and).op(i32.eqz);
  f.if(undefined, () => f.f64(Number.NaN).return());
  f.get(rest)
    .get(divisor)
    .op(f64.ge)
    .if(undefined, () => {
      f.block(() =>
        f.loop(() => {
          f.get(step).get(rest).f64(0.5).op(f64.mul).op(f64.le).op(i32.eqz).branchIf(1);
          f.get(step).get(step).op(f64.add).set(step).branch(0);
        }),
      );
      f.loop(() => {
        f.get(rest).get(step).op(f64.ge);
        f.if(undefined, () => f.get(rest).get(step).op(f64.sub).set(rest));
        f.get(step).get(divisor).op(f64.gt);
        f.if(undefined, () => f.get(step).f64(0.5).op(f64.mul).set(step).branch(1));
      });
    });
  // A zero takes the sign of y; a rest with the other sign moves by one divisor.
  f.get(rest)
    .f64(0)
    .op(f64.eq)
    .if(undefined, () => f.f64(0).get(y).op(f64.copysign).return());
  f.get(rest).get(x).op(f64.copysign).tee(rest).f64(0).op(f64.lt);
  f.get(y).f64(0).op(f64.lt).op(i32.xor);
  f.if(undefined, () => f.get(rest).get(y).op(f64.add).set(rest));
  f.get(rest);
}
