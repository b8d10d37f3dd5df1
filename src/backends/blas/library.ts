/**
 * Libraries of the system that multiply matrices, found and called at run time: through npm `koffi` (optional, prebuilt), on
 * addresses in WebAssembly memory. `ADJOINT_BLAS` says which: `auto` (the default) tries the usual names, `off` none, anything
 * else is a path. No module of Node is imported: where there is no Node, there is no BLAS.
 */
import { AdjointError, invariant } from "../../util/errors.js";
import type { Binding, Bindings, BlasDType } from "./bindings.js";
import {
  type Call,
  callOf,
  describe,
  describeCblas,
  describeOneDnn,
  type Found,
  type Koffi,
  type Worthwhile,
} from "./found.js";

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
  /** What the product is multiplied by: finite, not 0. */
  readonly factor: number;
  /** Whether that is added to C instead of overwriting it. */
  readonly adds: boolean;
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
  multiply(dtype: BlasDType, gemm: Gemm, a: bigint, b: bigint, c: bigint): void;
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

interface NodeProcess {
  readonly platform?: string;
  readonly arch?: string;
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
  const wanted = wantedBlas(node);
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

/** `off`, `auto`, or a library: a path is made absolute, as threads load it again, perhaps from elsewhere. */
function wantedBlas(node: NodeProcess | undefined): string {
  const given = node?.env?.ADJOINT_BLAS?.trim() ?? "";
  if (given === "") return "auto";
  if (/^(off|auto)$/i.test(given)) return given.toLowerCase();
  if (!/[/\\]/.test(given)) return given;
  const paths = node?.getBuiltinModule?.("node:path") as { resolve(path: string): string } | undefined;
  return paths?.resolve(given) ?? given;
}

function unloadable(path: string, problem: string): AdjointError {
  return new AdjointError(
    "device",
    `ADJOINT_BLAS: ${JSON.stringify(path)} cannot be used: ${problem}; expected off, auto, or the path of a library with the CBLAS interface or oneDNN's`,
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

/** Each dtype by the first library that has it. */
function bind({ module, file }: LoadedKoffi, libraries: readonly Found[]): Blas {
  const bindings: Partial<Record<BlasDType, Binding>> = {};
  const from: Partial<Record<BlasDType, Worthwhile>> = {};
  const calls: Partial<Record<BlasDType, Call>> = {};
  const names: Partial<Record<BlasDType, string>> = {};
  for (const { description, bindings: own, worthwhile, warmUp } of libraries) {
    for (const dtype of ["float32", "float64"] as const) {
      const binding = own[dtype];
      if (binding === undefined || bindings[dtype] !== undefined) continue;
      bindings[dtype] = binding;
      from[dtype] = worthwhile;
      calls[dtype] = callOf(module, binding);
      names[dtype] = description;
      warmUp?.();
    }
  }
  return {
    libraries: names,
    description: describeAll(names),
    worthwhile: from,
    forWorkers: { koffi: file, bindings },
    multiply(dtype, gemm, a, b, c) {
      const { m, n, k, transposeA, leadingA, transposeB, leadingB, leadingC, factor, adds } = gemm;
      const call = calls[dtype];
      const binding = bindings[dtype];
      invariant(call !== undefined && binding !== undefined, `no library multiplies ${dtype}`);
      const { layout, operations } = binding;
      const [opA, opB] = [operations[transposeA ? 1 : 0], operations[transposeB ? 1 : 0]];
      const beta = adds ? 1 : 0;
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
