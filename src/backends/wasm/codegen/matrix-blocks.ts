/**
 * What factorisations are made of, as functions over matrices whose extents are known while they run: C −= A·B in register tiles,
 * and substitution in blocks. Strides are bytes, and may be negative.
 *
 * Source: Golub and Van Loan, Matrix Computations (4th ed.), 3.1.4 for substitution in blocks, which makes most of it a
 * product of matrices. Known weakness: operands of products are not packed, so that beyond the second-level cache (some 256
 * rows) they come from memory again and again.
 */
import { range } from "../../../types/shape.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { i32, v128 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import {
  divideRow,
  type FloatName,
  type Floats,
  floatsOf,
  integers,
  loopWhile,
  setPlace,
  setSmaller,
  setSum,
} from "./matrix-rows.js";
import { worthwhile } from "./parts.js";

/**
 * Rows that are eliminated or substituted before the rest is brought up to date at once (measured, 256×256 in float64: 835 µs; with 8
 * or 32 rows 900 to 1,050).
 */
export const blockRows = 16;

/**
 * Rows of a tile, and the vectors of each; single columns are left (measured: tiles of 4 rows and 3 vectors are slower by a sixth).
 */
const tiles = [
  { height: 4, widths: [2, 1] },
  { height: 1, widths: [4, 1] },
];

/**
 * (c, cRow, a, aRow, aColumn, b, bRow, rows, rowBytes, depth): C[rows, …] −= A[rows, depth] · B[depth, …], where a row of C
 * and of B is `rowBytes` long.
 */
export function subtractProduct(context: ProgramContext, dtype: FloatName): number {
  const floats = floatsOf(dtype, context);
  return context.helper(`subtractProduct ${dtype}`, integers(10), [], (f) => {
    const [c, cRow, a, aRow, aColumn, b, bRow, rows, rowBytes, depth] = range(10);
    f.get(depth).op(i32.eqz).get(rowBytes).op(i32.eqz).op(i32.or);
    f.if(undefined, () => f.return());
    const aRows = multiples(f, aRow);
    const cRows = multiples(f, cRow);
    const [cAt, bAt, left] = [f.local("i32"), f.local("i32"), f.local("i32")];
    for (const { height, widths } of tiles)
      loopWhile(
        f,
        () => f.get(rows).i32(height).op(i32.ge),
        () => {
          f.get(c).set(cAt).get(b).set(bAt).get(rowBytes).set(left);
          for (const width of [...widths, 0]) {
            const bytes = width === 0 ? floats.bytes : 16 * width;
            loopWhile(
              f,
              () => f.get(left).i32(bytes).op(i32.ge),
              () => {
                const tile = { a, aRows, aColumn, b: bAt, bRow, c: cAt, cRows, depth };
                writeTile(f, floats, tile, height, width);
                f.increase(cAt, bytes).increase(bAt, bytes).increase(left, -bytes);
              },
            );
          }
          setSum(f, a, a, aRow, height);
          setSum(f, c, c, cRow, height);
          f.increase(rows, -height);
        },
      );
  });
}

/** Locals that hold 1, 2 and 3 times a stride. */
function multiples(f: FunctionBuilder, stride: Local): Local[] {
  const [twice, thrice] = [f.local("i32"), f.local("i32")];
  f.get(stride).i32(1).op(i32.shl).set(twice);
  setSum(f, thrice, twice, stride);
  return [stride, twice, thrice];
}

interface Tile {
  readonly a: Local;
  readonly aRows: readonly Local[];
  readonly aColumn: Local;
  readonly b: Local;
  readonly bRow: Local;
  readonly c: Local;
  readonly cRows: readonly Local[];
  readonly depth: Local;
}

/** One tile of C −= A·B: `width` vectors of each of `height` rows, or for 0 one column. */
function writeTile(
  f: FunctionBuilder,
  { math, vector, bytes }: Floats,
  { a, aRows, aColumn, b, bRow, c, cRows, depth }: Tile,
  height: number,
  width: number,
): void {
  // a single column is the first lane of a vector, with the same arithmetic
  const isColumn = width === 0;
  const load = !isColumn ? v128.load : bytes === 4 ? v128.load32Zero : v128.load64Zero;
  const vectors = range(Math.max(1, width));
  const sums = range(height).map(() => vectors.map(() => f.local("v128")));
  const factors = vectors.map(() => f.local("v128"));
  const [element, aAt, bAt, left] = [f.local("v128"), f.local("i32"), f.local("i32"), f.local("i32")];
  const zero = new Uint8Array(16);
  for (const sum of sums.flat()) f.vector(zero).set(sum);
  f.get(a).set(aAt).get(b).set(bAt).get(depth).set(left);
  const pushRow = (start: Local, strides: readonly Local[], row: number): void => {
    f.get(start);
    if (row > 0) f.get(strides[row - 1]).op(i32.add);
  };
  f.loop(() => {
    for (const i of vectors)
      f.get(bAt)
        .memory(load, 16 * i)
        .set(factors[i]);
    sums.forEach((row, r) => {
      pushRow(aAt, aRows, r);
      f.memory(math.loadSplat, 0).set(element);
      row.forEach((sum, i) => {
        if (math.madd !== undefined) f.get(element).get(factors[i]).get(sum).op(math.madd);
        else f.get(sum).get(element).get(factors[i]).op(math.mul).op(math.add);
        f.set(sum);
      });
    });
    setSum(f, aAt, aAt, aColumn);
    setSum(f, bAt, bAt, bRow);
    f.get(left).i32(1).op(i32.sub).tee(left).branchIf(0);
  });
  sums.forEach((row, r) => {
    row.forEach((sum, i) => {
      pushRow(c, cRows, r);
      pushRow(c, cRows, r);
      f.memory(load, 16 * i)
        .get(sum)
        .op(vector.sub);
      if (!isColumn) f.memory(v128.store, 16 * i);
      else {
        f.set(sum).get(sum);
        f.memoryLane(math.storeLane, 0, 0);
      }
    });
  });
  for (const local of [...sums.flat(), ...factors, element, aAt, bAt, left]) f.release(local);
}

/**
 * (a, aRow, aColumn, x, xRow, n, rowBytes, unit): X becomes L⁻¹·X for a lower triangular L [n, n], whose diagonal is 1 where
 * `unit` is not 0. With negative strides from the last element on, it solves with an upper triangular matrix.
 */
export function forwardSubstitute(context: ProgramContext, dtype: FloatName): number {
  const { scalar } = floatsOf(dtype, context);
  const multiply = subtractProduct(context, dtype);
  const divide = divideRow(context, dtype);
  return context.helper(`forwardSubstitute ${dtype}`, integers(8), [], (f) => {
    const [a, aRow, aColumn, x, xRow, n, rowBytes, unit] = range(8);
    const [size, i, aAt, xAt] = range(4).map(() => f.local("i32"));
    loopWhile(
      f,
      () => f.get(n),
      () => {
        setSmaller(f, size, n, blockRows);
        f.i32(0).set(i).get(a).set(aAt).get(x).set(xAt);
        loopWhile(
          f,
          () => f.get(i).get(size).op(i32.ne),
          () => {
            f.get(xAt).i32(0).get(aAt).i32(0).get(aColumn).get(x).get(xRow).i32(1).get(rowBytes).get(i);
            f.call(multiply);
            f.get(unit).op(i32.eqz);
            f.if(undefined, () => {
              f.get(xAt).get(rowBytes).get(aAt).get(i).get(aColumn).op(i32.mul).op(i32.add);
              f.memory(scalar.load, 0).call(divide);
            });
            setSum(f, xAt, xAt, xRow);
            setSum(f, aAt, aAt, aRow);
            f.increase(i, 1);
          },
        );
        f.get(xAt).get(xRow).get(aAt).get(aRow).get(aColumn).get(x).get(xRow);
        f.get(n).get(size).op(i32.sub).tee(n).get(rowBytes).get(size).call(multiply);
        f.get(xAt).set(x);
        setPlace(f, a, aAt, aColumn, size);
      },
    );
  });
}

/** Writes what is done with each matrix, whose number is in the local; many are shared by threads, in parts by their extents alone. */
export function forEachMatrix(
  f: FunctionBuilder,
  context: ProgramContext,
  matrices: number,
  time: number,
  write: (f: FunctionBuilder, matrix: Local) => void,
): void {
  const wanted = Math.min(matrices, Math.floor(time / worthwhile.part));
  if (wanted < 2 || time < worthwhile.split) {
    const matrix = f.local("i32");
    f.repeat(matrix, 0, matrices, 1, () => write(f, matrix));
    f.release(matrix);
    return;
  }
  const size = Math.ceil(matrices / wanted);
  const parts = Math.ceil(matrices / size);
  const writePart = (part: FunctionBuilder, number: Local): void => {
    const [matrix, end] = [part.local("i32"), part.local("i32")];
    part.get(number).i32(size).op(i32.mul).tee(matrix).i32(size).op(i32.add).set(end);
    setSmaller(part, end, end, matrices);
    loopWhile(
      part,
      () => part.get(matrix).get(end).op(i32.ne),
      () => {
        write(part, matrix);
        part.increase(matrix, 1);
      },
    );
  };
  context.parallel(f, parts, writePart, time);
}

/** The address of a matrix in a buffer. */
export function pushMatrix(
  f: FunctionBuilder,
  context: ProgramContext,
  buffer: number,
  matrix: Local,
  bytes: number,
): void {
  const { local, address } = context.base(buffer);
  f.get(local).i32(address).op(i32.add).get(matrix).i32(bytes).op(i32.mul).op(i32.add);
}
