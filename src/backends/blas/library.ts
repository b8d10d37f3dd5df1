/**
 * A BLAS library of the system, found and called at run time: through npm `koffi` (optional, prebuilt), on addresses in
 * WebAssembly memory. `ADJOINT_BLAS` says which: `auto` (the default) tries the usual names, `off` none, anything else is a path.
 * No module of Node is imported: where there is no Node, there is no BLAS.
 */
import { AdjointError } from "../../util/errors.js";

/** CBLAS's names for layouts and transpositions. */
const rowMajor = 101;
const noTranspose = 111;
const transpose = 112;

/** One row-major product C = op(A) · op(B), overwriting C; addresses in bytes, leading dimensions in elements. */
export interface Gemm {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly leadingA: number;
  readonly transposeB: boolean;
  readonly leadingB: number;
  readonly leadingC: number;
}

export interface Blas {
  /** What it says of itself, and where it was found. */
  readonly description: string;
  /** For other threads to load it themselves: the file of koffi, and the name of the library. Without, they cannot. */
  readonly forWorkers?: { readonly koffi: string; readonly library: string };
  multiply(dtype: "float32" | "float64", gemm: Gemm, a: bigint, b: bigint, c: bigint): void;
  /** The address of the first byte of a memory. */
  address(memory: ArrayBuffer): bigint;
}

/** Why there is no BLAS, or the one that is used. */
export type BlasSearch =
  | { readonly blas: Blas; readonly reason?: undefined }
  | { readonly blas?: undefined; readonly reason: string };

const candidates: Readonly<Record<string, readonly string[]>> = {
  linux: [
    "libopenblas.so.0",
    "libopenblas.so",
    "libmkl_rt.so.2",
    "libmkl_rt.so",
    "libblis.so.4",
    "libblis.so",
  ],
  darwin: ["/System/Library/Frameworks/Accelerate.framework/Accelerate", "libopenblas.dylib"],
  win32: ["libopenblas.dll", "mkl_rt.2.dll"],
};

type Call = (...args: readonly (number | bigint)[]) => unknown;

interface Library {
  func(prototype: string): Call;
}

interface Koffi {
  load(path: string): Library;
  address(value: ArrayBufferView): bigint;
}

interface NodeProcess {
  readonly platform?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly getBuiltinModule?: (name: string) => unknown;
}

let found: BlasSearch | undefined;

/**
 * The BLAS to use, looked for once.
 * @throws AdjointError `device` where ADJOINT_BLAS names one that cannot be loaded
 */
export function findBlas(): BlasSearch {
  found ??= search();
  return found;
}

function search(): BlasSearch {
  const node = (globalThis as { readonly process?: NodeProcess }).process;
  const wanted = node?.env?.ADJOINT_BLAS ?? "auto";
  if (wanted === "off") return { reason: "switched off by ADJOINT_BLAS=off" };
  const builtin = node?.getBuiltinModule;
  if (builtin === undefined) return { reason: "only Node can load one" };
  const found = loadKoffi(builtin);
  if (found === undefined) {
    if (wanted === "auto") return { reason: "the npm package koffi is not installed (npm install koffi)" };
    throw unloadable(wanted, "the npm package koffi is not installed; npm install koffi");
  }
  const names = wanted === "auto" ? (candidates[node?.platform ?? ""] ?? []) : [wanted];
  let problem = "there is none of the usual names";
  for (const name of names) {
    try {
      return { blas: bindLibrary(found.koffi, found.file, name) };
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
  }
  if (wanted !== "auto") throw unloadable(wanted, problem);
  return { reason: "no BLAS library was found (on Debian and Ubuntu: apt install libopenblas0-pthread)" };
}

function unloadable(path: string, problem: string): AdjointError {
  return new AdjointError(
    "device",
    `ADJOINT_BLAS: ${path} cannot be used: ${problem}; expected off, auto, or the path of a library with the CBLAS interface`,
    { operation: "ADJOINT_BLAS", expected: "off | auto | a path", received: path },
  );
}

function loadKoffi(builtin: (name: string) => unknown): { koffi: Koffi; file: string } | undefined {
  try {
    // Node's own module system, asked at run time so that bundlers do not look for the package
    const { createRequire } = builtin("node:module") as {
      createRequire(from: string): { (name: string): unknown; resolve(name: string): string };
    };
    const require = createRequire(import.meta.url);
    return { koffi: require("koffi") as Koffi, file: require.resolve("koffi") };
  } catch {
    return undefined;
  }
}

function bindLibrary(koffi: Koffi, file: string, name: string): Blas {
  const library = koffi.load(name);
  const prototype = (letter: string, scalar: string): string =>
    `void cblas_${letter}gemm(int, int, int, int, int, int, ${scalar}, void*, int, void*, int, ${scalar}, void*, int)`;
  const single = library.func(prototype("s", "float"));
  const double = library.func(prototype("d", "double"));
  const own = describeOpenBlas(library);
  return {
    description: own === undefined ? name : `${own} (${name})`,
    forWorkers: { koffi: file, library: name },
    multiply(dtype, { m, n, k, transposeA, leadingA, transposeB, leadingB, leadingC }, a, b, c) {
      const gemm = dtype === "float32" ? single : double;
      const [opA, opB] = [transposeA ? transpose : noTranspose, transposeB ? transpose : noTranspose];
      gemm(rowMajor, opA, opB, m, n, k, 1, a, leadingA, b, leadingB, 0, c, leadingC);
    },
    address: (memory) => koffi.address(new Uint8Array(memory)),
  };
}

/** OpenBLAS tells its version, and is kept to one thread: the others are the caller's to use. */
function describeOpenBlas(library: Library): string | undefined {
  try {
    library.func("void openblas_set_num_threads(int)")(1);
    const config = String(library.func("const char* openblas_get_config()")());
    return config.split(" ").slice(0, 2).join(" ");
  } catch {
    return undefined;
  }
}
