/**
 * Libraries of the system that multiply matrices, found and called at run time: through npm `koffi` (optional, prebuilt), on
 * addresses in WebAssembly memory. `ADJOINT_BLAS` says which: `auto` (the default) tries the usual names, `off` none, anything
 * else is a path. No module of Node is imported: where there is no Node, there is no BLAS.
 */
import { AdjointError, invariant } from "../../util/errors.js";
import { type Binding, type Bindings, type BlasDType, cblasBindings, oneDnnBindings } from "./bindings.js";

/** One row-major product C = op(A) · op(B); addresses in bytes, leading dimensions in elements. */
export interface Gemm {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly leadingA: number;
  readonly transposeB: boolean;
  readonly leadingB: number;
  readonly leadingC: number;
  /** Whether it is added to C instead of overwriting it. Default false. */
  readonly adds?: boolean;
}

/** From where on a library multiplies faster than what is generated here. */
export interface Worthwhile {
  /** Floating-point operations of all products of a kernel. */
  readonly operations: number;
  /** Elements of one product's result. */
  readonly results: number;
  /** Multiplications from which one product is worth parts for several threads, each of which takes longer than its share. */
  readonly parted: number;
}

export interface Blas {
  /** What the library of each dtype says of itself, and where it was found. */
  readonly libraries: Partial<Readonly<Record<BlasDType, string>>>;
  /** All of them in a line. */
  readonly description: string;
  /** What is worth a call, of what can be multiplied at all. */
  readonly worthwhile: Partial<Readonly<Record<BlasDType, Worthwhile>>>;
  /** For other threads to load it themselves: the file of koffi, and what to bind. Without, they cannot. */
  readonly forWorkers?: { readonly koffi: string; readonly bindings: Bindings };
  /** C = factor · op(A) · op(B), or that added to C. */
  multiply(dtype: BlasDType, gemm: Gemm, factor: number, a: bigint, b: bigint, c: bigint): void;
  /** The address of the first byte of a memory. */
  address(memory: ArrayBuffer): bigint;
}

/** Why there is no BLAS, or the one that is used. */
export type BlasSearch =
  | { readonly blas: Blas; readonly reason?: undefined }
  | { readonly blas?: undefined; readonly reason: string };

/** oneDNN has no double precision, and is ahead of the others where it has 512-bit vectors to use. */
const oneDnnNames: readonly string[] = ["libdnnl.so.3", "libdnnl.so.2"];

const cblasNames: Readonly<Record<string, readonly string[]>> = {
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

/**
 * For libraries that use 512-bit vectors, and for others. Measured on an AMD EPYC with AVX-512: [10, 784] · [784, 30] (0.47 million
 * operations) takes 2.9 µs by OpenBLAS and 4.0 by oneDNN with 512-bit vectors, 15.6 µs with 256-bit ones, and 9.8 µs by what is
 * generated here; [64, 784] · [784, 128] takes 65 µs, and in two parts 83 together.
 */
const worthwhile: Readonly<Record<"wide" | "usual", Worthwhile>> = {
  wide: { operations: 100_000, results: 256, parted: 10_000_000 },
  usual: { operations: 4_000_000, results: 1024, parted: 1_000_000 },
};
const wideCores: ReadonlySet<string> = new Set(["SkylakeX", "Cooperlake", "SapphireRapids"]);
/** The bit that all of oneDNN's names for instruction sets with 512-bit vectors have (`dnnl_cpu_isa_avx512_core` is 0x27). */
const wideIsa = 0x20;

type Call = (...args: readonly (number | bigint)[]) => unknown;

interface Library {
  func(prototype: string): Call;
}

interface Koffi {
  load(path: string): Library;
  address(value: ArrayBufferView): bigint;
  decode(pointer: unknown, type: "int", length: number): ArrayLike<number>;
}

interface NodeProcess {
  readonly platform?: string;
  readonly arch?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly getBuiltinModule?: (name: string) => unknown;
}

/** A library that can be used, and for what. */
interface Found {
  readonly description: string;
  readonly bindings: Bindings;
  /** Whether it uses 512-bit vectors. */
  readonly wide: boolean;
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
  const koffi = loadKoffi(builtin);
  if (koffi === undefined) {
    if (wanted === "auto") return { reason: "the npm package koffi is not installed (npm install koffi)" };
    throw unloadable(wanted, "the npm package koffi is not installed; npm install koffi");
  }
  const { module } = koffi;
  if (wanted !== "auto") {
    try {
      return { blas: bind(koffi, [describe(module, wanted)]) };
    } catch (error) {
      throw unloadable(wanted, error instanceof Error ? error.message : String(error));
    }
  }
  const isX64 = node?.arch === "x64";
  const oneDnn = isX64 ? firstOf(oneDnnNames, (name) => describeOneDnn(module, name)) : undefined;
  const cblas = firstOf(cblasNames[node?.platform ?? ""] ?? [], (name) => describeCblas(module, name));
  // with shorter vectors than it could have, oneDNN is no faster than the others
  const used = [oneDnn, cblas].filter((one) => one !== undefined && (one === cblas || one.wide));
  const libraries = used.filter((one) => one !== undefined);
  if (libraries.length > 0) return { blas: bind(koffi, libraries) };
  return { reason: "no BLAS library was found (on Debian and Ubuntu: apt install libopenblas0-pthread)" };
}

function unloadable(path: string, problem: string): AdjointError {
  return new AdjointError(
    "device",
    `ADJOINT_BLAS: ${path} cannot be used: ${problem}; expected off, auto, or the path of a library with the CBLAS interface or oneDNN's`,
    { operation: "ADJOINT_BLAS", expected: "off | auto | a path", received: path },
  );
}

interface LoadedKoffi {
  readonly module: Koffi;
  readonly file: string;
}

function loadKoffi(builtin: (name: string) => unknown): LoadedKoffi | undefined {
  try {
    // Node's own module system, asked at run time so that bundlers do not look for the package
    const { createRequire } = builtin("node:module") as {
      createRequire(from: string): { (name: string): unknown; resolve(name: string): string };
    };
    const require = createRequire(import.meta.url);
    return { module: require("koffi") as Koffi, file: require.resolve("koffi") };
  } catch {
    return undefined;
  }
}

function firstOf(names: readonly string[], of: (name: string) => Found): Found | undefined {
  for (const name of names)
    try {
      return of(name);
    } catch {
      // the next may be there
    }
  return undefined;
}

/** A library of either interface. @throws Error where it is none, or neither */
function describe(koffi: Koffi, name: string): Found {
  try {
    return describeOneDnn(koffi, name);
  } catch {
    return describeCblas(koffi, name);
  }
}

function describeOneDnn(koffi: Koffi, name: string): Found {
  const library = koffi.load(name);
  const bindings = oneDnnBindings(name);
  for (const { prototype } of Object.values(bindings)) library.func(prototype);
  // a structure that begins with three int: major, minor and patch
  const version = koffi.decode(library.func("void* dnnl_version()")(), "int", 3);
  const isa = Number(library.func("int dnnl_get_effective_cpu_isa()")());
  return {
    description: `oneDNN ${Array.from(version).join(".")} (${name})`,
    bindings,
    wide: (isa & wideIsa) !== 0,
  };
}

function describeCblas(koffi: Koffi, name: string): Found {
  const library = koffi.load(name);
  const bindings = cblasBindings(name);
  for (const { prototype } of Object.values(bindings)) library.func(prototype);
  const open = describeOpenBlas(library);
  if (open === undefined) return { description: name, bindings, wide: false };
  return {
    description: `${open.version} for ${open.core} (${name})`,
    bindings,
    wide: wideCores.has(open.core),
  };
}

/** OpenBLAS tells its version, and for which processor's its kernels are. */
function describeOpenBlas(library: Library): { readonly version: string; readonly core: string } | undefined {
  try {
    const config = String(library.func("const char* openblas_get_config()")());
    const core = String(library.func("const char* openblas_get_corename()")());
    return { version: config.split(" ").slice(0, 2).join(" "), core };
  } catch {
    return undefined;
  }
}

/** Each dtype by the first library that has it. */
function bind({ module, file }: LoadedKoffi, libraries: readonly Found[]): Blas {
  const bindings: Partial<Record<BlasDType, Binding>> = {};
  const from: Partial<Record<BlasDType, Worthwhile>> = {};
  const calls: Partial<Record<BlasDType, Call>> = {};
  const names: Partial<Record<BlasDType, string>> = {};
  for (const { description, bindings: own, wide } of libraries) {
    for (const dtype of ["float32", "float64"] as const) {
      const binding = own[dtype];
      if (binding === undefined || bindings[dtype] !== undefined) continue;
      bindings[dtype] = binding;
      from[dtype] = wide ? worthwhile.wide : worthwhile.usual;
      calls[dtype] = callOf(module, binding);
      names[dtype] = description;
    }
  }
  return {
    libraries: names,
    description: describeAll(names),
    worthwhile: from,
    forWorkers: { koffi: file, bindings },
    multiply(dtype, gemm, factor, a, b, c) {
      const { m, n, k, transposeA, leadingA, transposeB, leadingB, leadingC, adds } = gemm;
      const call = calls[dtype];
      const binding = bindings[dtype];
      invariant(call !== undefined && binding !== undefined, `no library multiplies ${dtype}`);
      const { layout, operations } = binding;
      const [opA, opB] = [operations[transposeA ? 1 : 0], operations[transposeB ? 1 : 0]];
      const beta = adds === true ? 1 : 0;
      // spelled out, as spreading arguments takes longer than the call
      if (layout === undefined) call(opA, opB, m, n, k, factor, a, leadingA, b, leadingB, beta, c, leadingC);
      else call(layout, opA, opB, m, n, k, factor, a, leadingA, b, leadingB, beta, c, leadingC);
    },
    address: (memory) => module.address(new Uint8Array(memory)),
  };
}

function describeAll(libraries: Blas["libraries"]): string {
  const names = Object.entries(libraries);
  const [[, first]] = names;
  if (names.length > 1 && names.every(([, name]) => name === first)) return first;
  return names.map(([dtype, name]) => `${dtype}: ${name}`).join("; ");
}

function callOf(koffi: Koffi, { library, prototype, setThreads }: Binding): Call {
  const loaded = koffi.load(library);
  try {
    loaded.func(setThreads)(1);
  } catch {
    // it has none to set
  }
  return loaded.func(prototype);
}
