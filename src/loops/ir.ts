/**
 * Loop IR: what backends know. A kernel is a loop nest with scalar expressions over strided views of buffers; it knows
 * nothing of primitives, and backends know nothing else.
 *
 * All offsets and strides count elements, not bytes. Expressions are directed acyclic graphs: an object that is
 * referenced twice is meant to be computed once per iteration.
 */
import type { DType } from "../types/dtype.js";

/** `dtype -> dtype`; on int32 only neg, abs, sign, not (bitwise) and square-free arithmetic make sense. */
export type UnaryOp =
  | "neg"
  | "abs"
  | "sign"
  | "exp"
  | "expm1"
  | "log"
  | "log1p"
  | "sqrt"
  | "sin"
  | "cos"
  | "tan"
  | "asin"
  | "acos"
  | "atan"
  | "sinh"
  | "cosh"
  | "tanh"
  | "sigmoid"
  | "erf"
  | "floor"
  | "ceil"
  | "round"
  | "not";

/**
 * Both operands and the result have one dtype. `mod` has the sign of the divisor (as Python's, NumPy's and PyTorch's
 * remainder, a zero included); `max` and `min` propagate NaN, and are cheapest with a constant as y; int32 arithmetic wraps; `div` and `mod` on int32 floor and give 0 for a zero
 * divisor. The bit operations are for int32 only (and, or, xor for bool too); `shr` is the logical shift.
 */
export type BinaryOp =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "pow"
  | "mod"
  | "max"
  | "min"
  | "atan2"
  | "and"
  | "or"
  | "xor"
  | "shl"
  | "shr";

export type CompareOp = "eq" | "ne" | "lt" | "le" | "gt" | "ge";

export type Expr =
  | { readonly kind: "constant"; readonly dtype: DType; readonly value: number }
  /** buffer[offset + Σ strides[l]·counter(l) + at]; `strides` has one entry per loop of the kernel. */
  | {
      readonly kind: "load";
      readonly dtype: DType;
      readonly buffer: number;
      readonly offset: number;
      readonly strides: readonly number[];
      /** An int32 expression, for gathers. */
      readonly at?: Expr;
    }
  /** The counter of a loop, as int32. */
  | { readonly kind: "index"; readonly dtype: "int32"; readonly loop: number }
  /** The finished value of `reductions[index]`; only in stores. */
  | { readonly kind: "reduced"; readonly dtype: DType; readonly index: number }
  | { readonly kind: "unary"; readonly op: UnaryOp; readonly dtype: DType; readonly x: Expr }
  | {
      readonly kind: "binary";
      readonly op: BinaryOp;
      readonly dtype: DType;
      readonly x: Expr;
      readonly y: Expr;
    }
  /** Operands of one dtype; the result is bool. */
  | {
      readonly kind: "compare";
      readonly op: CompareOp;
      readonly dtype: "bool";
      readonly x: Expr;
      readonly y: Expr;
    }
  /** Both sides are evaluated: what they load must be in range, whichever is taken. */
  | {
      readonly kind: "select";
      readonly dtype: DType;
      readonly condition: Expr;
      readonly x: Expr;
      readonly y: Expr;
    }
  /** float to int truncates and saturates (NaN gives 0); anything to bool is `x ≠ 0`. */
  | { readonly kind: "cast"; readonly dtype: DType; readonly x: Expr }
  /** An int32 index into `size`: negative counts from the end; outside, the program stops with `index-out-of-range`. */
  | { readonly kind: "bounded"; readonly dtype: "int32"; readonly x: Expr; readonly size: number };

/** What reductions compute. `argmax` gives the first flat index (int32) over the reduced loops, NaN counting as largest. */
export type ReduceOp = "sum" | "max" | "argmax";

export interface Reduction {
  readonly op: ReduceOp;
  /** The dtype of the result; `value.dtype`, but int32 for argmax. */
  readonly dtype: DType;
  readonly value: Expr;
}

/**
 * buffer[offset + Σ strides[l]·counter(l) + at] = value, or += value when `accumulate`. The value has the buffer's dtype. All
 * values of a point are computed before any of its stores.
 */
export interface Store {
  readonly buffer: number;
  readonly offset: number;
  /** One entry per loop that is not reduced. */
  readonly strides: readonly number[];
  readonly at?: Expr;
  readonly value: Expr;
  readonly accumulate?: boolean;
}

/**
 * for loops[0] … for loops[n-1]: the last `reducedLoops` of them are reduced; the stores run once for each point of the
 * others, in order. A store may overwrite a buffer that is loaded only at the very same element.
 */
export interface LoopKernel {
  readonly kind: "loops";
  /** For people: the primitives that were fused. */
  readonly name: string;
  readonly loops: readonly number[];
  readonly reducedLoops: number;
  readonly reductions: readonly Reduction[];
  readonly stores: readonly Store[];
  /** Buffers that must be complete first, though nothing of them is read. */
  readonly after?: readonly number[];
}

/**
 * for rows[0] … for rows[n-1]: every part in order, at this row only: so what one part leaves for the next is still in the
 * cache. `rows` are the first loops of each part, none of them reduced, and no expression asks for their counters.
 *
 * A part may read what an earlier one has stored in the same row, but nothing stored in another. The buffers in `scratch`
 * hold one row, whichever it is (their strides along `rows` are 0), are written before they are read, and mean nothing
 * afterwards: who runs several rows at once gives each its own.
 */
export interface RowsKernel {
  readonly kind: "rows";
  readonly name: string;
  readonly rows: readonly number[];
  readonly parts: readonly LoopKernel[];
  readonly scratch: readonly number[];
}

/** A matrix (with batch loops) in a buffer. */
export interface MatrixView {
  readonly buffer: number;
  readonly offset: number;
  readonly batchStrides: readonly number[];
  readonly rowStride: number;
  readonly columnStride: number;
  /** Where rows or columns run through several extents: a stride for each. The single stride is then the innermost. */
  readonly rowStrides?: readonly number[];
  readonly columnStrides?: readonly number[];
}

/**
 * out[b…, m, n] = epilogue(Σ_k a[b…, m, k] · b[b…, k, n]). In the stores, `reduced` 0 is the sum, and the loops are
 * [...batch, ...rows, ...columns]. float32, float64 or int32.
 */
export interface DotKernel {
  readonly kind: "dot";
  readonly name: string;
  readonly dtype: DType;
  readonly batch: readonly number[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /**
   * The extents that m, n and k run through, outermost first, for operands that are no matrices in memory, as the windows
   * of a convolution. Default [m], [n] and [k].
   */
  readonly rows?: readonly number[];
  readonly columns?: readonly number[];
  readonly summed?: readonly number[];
  /** [m, k] */
  readonly a: MatrixView;
  /** [k, n] */
  readonly b: MatrixView;
  readonly stores: readonly Store[];
}

/** Running sum of each row of a contiguous [rows, length, inner] buffer along `length`. */
export interface CumsumKernel {
  readonly kind: "cumsum";
  readonly name: string;
  readonly dtype: DType;
  readonly rows: number;
  readonly length: number;
  readonly inner: number;
  readonly reverse: boolean;
  readonly input: number;
  readonly output: number;
}

/** Stable ascending order of each row of a contiguous [rows, length] buffer, as int32 positions; NaN last. */
export interface ArgsortKernel {
  readonly kind: "argsort";
  readonly name: string;
  readonly dtype: DType;
  readonly rows: number;
  readonly length: number;
  readonly input: number;
  readonly output: number;
}

/**
 * threefry2x32-20 (Salmon et al. 2011): for each key (two int32 words) `count` words; words 2j and 2j+1 are the block
 * of counter (j, 0). int32 throughout.
 */
export interface RandomBitsKernel {
  readonly kind: "randomBits";
  readonly name: string;
  readonly keys: number;
  readonly keyCount: number;
  readonly count: number;
  readonly output: number;
}

/**
 * Factors of `matrices` contiguous matrices [n, n]. `cholesky` reads the lower triangle and writes the lower triangular factor,
 * all NaN where there is none. `lu` writes [n + 1, n]: L and U packed, and the exchanges of rows as numbers.
 */
export interface FactorKernel {
  readonly kind: "factor";
  readonly name: string;
  readonly op: "cholesky" | "lu";
  readonly dtype: DType;
  readonly matrices: number;
  readonly n: number;
  readonly input: number;
  readonly output: number;
}

/** What is solved with: one triangle of [n, n], or what a `FactorKernel` made. */
export type FactoredMatrix =
  | {
      readonly kind: "triangular";
      readonly lower: boolean;
      readonly transpose: boolean;
      readonly unitDiagonal: boolean;
    }
  | { readonly kind: "lu"; readonly transpose: boolean };

/** Solutions [n, columns] of `matrices` systems, contiguous as their right sides in `input`. */
export interface SubstituteKernel {
  readonly kind: "substitute";
  readonly name: string;
  readonly matrix: FactoredMatrix;
  readonly dtype: DType;
  readonly matrices: number;
  readonly n: number;
  readonly columns: number;
  readonly factors: number;
  readonly input: number;
  readonly output: number;
}

/** Elements of a sequence that a step reads or writes: the step's own part, as a buffer, and the buffer of all steps. */
export interface StepWindow {
  readonly sequence: number;
  readonly window: number;
}

/**
 * for step 0 … length − 1 (or back): each of `reads` takes its part of the sequence, the body runs, each of `writes` puts its
 * part back. What the body reads before it writes it holds what the step before has left.
 */
export interface ScanKernel {
  readonly kind: "scan";
  readonly name: string;
  readonly length: number;
  readonly reverse: boolean;
  readonly reads: readonly StepWindow[];
  readonly writes: readonly StepWindow[];
  readonly body: readonly Kernel[];
}

/** One of two lists of kernels, by a bool in a buffer. */
export interface CondKernel {
  readonly kind: "cond";
  readonly name: string;
  readonly predicate: number;
  readonly onTrue: readonly Kernel[];
  readonly onFalse: readonly Kernel[];
}

/** The condition, which writes the predicate; where that holds the body, and again. */
export interface WhileKernel {
  readonly kind: "while";
  readonly name: string;
  readonly condition: readonly Kernel[];
  readonly predicate: number;
  readonly body: readonly Kernel[];
}

/** What runs other kernels, some of them often. */
export type ControlKernel = ScanKernel | CondKernel | WhileKernel;

export type Kernel =
  | ControlKernel
  | LoopKernel
  | RowsKernel
  | DotKernel
  | CumsumKernel
  | ArgsortKernel
  | FactorKernel
  | SubstituteKernel
  | RandomBitsKernel;

/**
 * `static` buffers live as long as the program (constants, donated state); `arena` ones only while it runs, and may
 * share addresses with others whose lives do not overlap.
 */
export interface BufferPlan {
  readonly dtype: DType;
  /** Elements. */
  readonly length: number;
  readonly space: "static" | "arena";
  /** Bytes from the start of the space; a multiple of 64. */
  readonly address: number;
}

/** A scheduled, planned program: run the kernels in order. */
export interface Schedule {
  readonly buffers: readonly BufferPlan[];
  readonly kernels: readonly Kernel[];
  readonly staticBytes: number;
  readonly arenaBytes: number;
}
