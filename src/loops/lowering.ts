/**
 * How a primitive becomes loops. The compiler composes these: pointwise expressions and views melt into the kernels
 * that read them, reductions and contractions make kernels of their own, and the rest writes its kernels itself.
 */
import type { DType } from "../types/dtype.js";
import type { Shape } from "../types/shape.js";
import type { Expr, Kernel, ReduceOp } from "./ir.js";

/** offset + Σ coefficients[l] · counter(l): one index of a value, in terms of the loops of a kernel. */
export interface Affine {
  readonly offset: number;
  readonly coefficients: readonly number[];
}

export interface LoweringType {
  readonly shape: Shape;
  readonly dtype: DType;
}

export interface LoweringContext<P> {
  readonly params: P;
  readonly inputs: readonly LoweringType[];
  readonly output: LoweringType;
}

/** What a primitive that writes its own kernels is given. */
export interface KernelContext<P> extends LoweringContext<P> {
  readonly name: string;
  /** Reads element `index` of an input inside a kernel of `loops` loops; whatever computes it is fused in. */
  read(input: number, index: readonly Affine[]): Expr;
  /** The id of a contiguous buffer that holds the input. */
  buffer(input: number): number;
  readonly outputBuffer: number;
  emit(kernel: Kernel): void;
}

export type Lowering<P> =
  /** One scalar expression; every input has the shape of the output. */
  | { readonly kind: "pointwise"; expr(inputs: readonly Expr[], context: LoweringContext<P>): Expr }
  /** An expression of the index itself, without inputs. */
  | { readonly kind: "generator"; expr(index: readonly Affine[], context: LoweringContext<P>): Expr }
  /** The index in the input for an index in the output; null where that is not affine and the input must be in memory. */
  | {
      readonly kind: "view";
      index(output: readonly Affine[], context: LoweringContext<P>): readonly Affine[] | null;
    }
  | { readonly kind: "reduce"; readonly op: ReduceOp; axes(params: P): readonly number[] }
  | { readonly kind: "dot"; dimensions(params: P): DotDimensions }
  /**
   * Writes kernels; `inMemory` lists the inputs it takes as buffers, of the others it reads elements.
   */
  | {
      readonly kind: "kernels";
      inMemory(params: P): readonly number[];
      emit(context: KernelContext<P>): void;
    };

/** Axes of the two operands of a contraction; the output is [batch…, free of a…, free of b…]. */
export interface DotDimensions {
  readonly batchA: readonly number[];
  readonly batchB: readonly number[];
  readonly contractA: readonly number[];
  readonly contractB: readonly number[];
}

/** The counters themselves: the identity index for a kernel whose first loops are the axes of a value. */
export function identityIndex(rank: number, loops: number): Affine[] {
  return Array.from({ length: rank }, (_, axis) => ({
    offset: 0,
    coefficients: Array.from({ length: loops }, (_, loop) => (loop === axis ? 1 : 0)),
  }));
}

/** scale · a + shift */
export function scaleAffine(a: Affine, scale: number, shift: number): Affine {
  return { offset: a.offset * scale + shift, coefficients: a.coefficients.map((c) => c * scale) };
}

export function addAffine(a: Affine, b: Affine): Affine {
  return {
    offset: a.offset + b.offset,
    coefficients: a.coefficients.map((c, loop) => c + b.coefficients[loop]),
  };
}

/** The index as an int32 expression. */
export function affineExpr(index: Affine): Expr {
  let sum: Expr | undefined;
  for (let loop = 0; loop < index.coefficients.length; loop++) {
    const coefficient = index.coefficients[loop];
    if (coefficient === 0) continue;
    const counter: Expr = { kind: "index", dtype: "int32", loop };
    const term: Expr =
      coefficient === 1
        ? counter
        : {
            kind: "binary",
            op: "mul",
            dtype: "int32",
            x: counter,
            y: { kind: "constant", dtype: "int32", value: coefficient },
          };
    sum = sum === undefined ? term : { kind: "binary", op: "add", dtype: "int32", x: sum, y: term };
  }
  const offset: Expr = { kind: "constant", dtype: "int32", value: index.offset };
  if (sum === undefined) return offset;
  return index.offset === 0 ? sum : { kind: "binary", op: "add", dtype: "int32", x: sum, y: offset };
}
