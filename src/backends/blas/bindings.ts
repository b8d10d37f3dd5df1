/**
 * How a function of a library multiplies matrices, as plain data: threads of the library's own cannot share what one of them has
 * bound, so each is told this and binds for itself.
 *
 * CBLAS (netlib's interface, which OpenBLAS, BLIS, MKL and Accelerate have) and oneDNN's `dnnl_sgemm` take the same arguments in the
 * same order, but for CBLAS's leading layout and what they call a transposition.
 */

/** Its call: `layout, operation(A), operation(B), m, n, k, α, A, lda, B, ldb, β, C, ldc`, matrices by rows. */
export interface Binding {
  readonly library: string;
  /** In C, as koffi reads it. */
  readonly prototype: string;
  /** The first argument, where there is one. */
  readonly layout?: number;
  /** What an operand as it is, and a transposed one, are called. */
  readonly operations: readonly [number, number];
  /** Called with 1 where it is there, in each thread: keeps the library to one thread. The others are the caller's to use. */
  readonly setThreads: string;
}

export type BlasDType = "float32" | "float64";
export type Bindings = Partial<Readonly<Record<BlasDType, Binding>>>;

/** What a C compiler makes of 'N' and 'T'. */
const letters = [78, 84] as const;
/** `CblasRowMajor`, `CblasNoTrans` and `CblasTrans`. */
const rowMajor = 101;
const transpositions = [111, 112] as const;

export function cblasBindings(library: string): Bindings {
  const bind = (letter: string, scalar: string): Binding => ({
    library,
    prototype: `void cblas_${letter}gemm(int, int, int, int, int, int, ${scalar}, void*, int, void*, int, ${scalar}, void*, int)`,
    layout: rowMajor,
    operations: transpositions,
    // other libraries have no such function, and know themselves
    setThreads: "void openblas_set_num_threads(int)",
  });
  return { float32: bind("s", "float"), float64: bind("d", "double") };
}

export function oneDnnBindings(library: string): Bindings {
  const size = "int64_t";
  return {
    float32: {
      library,
      prototype: `int dnnl_sgemm(char, char, ${size}, ${size}, ${size}, float, void*, ${size}, void*, ${size}, float, void*, ${size})`,
      operations: letters,
      // of the OpenMP it is linked with
      setThreads: "void omp_set_num_threads(int)",
    },
  };
}
