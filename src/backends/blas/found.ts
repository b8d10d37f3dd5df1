/** What libraries of the system say of themselves, and what they are good for. */
import { type Binding, type Bindings, cblasBindings, oneDnnBindings } from "./bindings.js";

export interface Call {
  (...args: readonly (number | bigint)[]): unknown;
  /** On a thread of Node's pool; the last argument is told when it has ended. */
  async(...args: readonly (number | bigint | (() => void))[]): void;
}

interface Library {
  func(prototype: string): Call;
}

export interface Koffi {
  load(path: string): Library;
  address(value: ArrayBufferView): bigint;
  decode(pointer: unknown, type: "int", length: number): ArrayLike<number>;
}

/** From where on a library multiplies faster than what is generated here. */
export interface Worthwhile {
  /** Floating-point operations of all products of a kernel. */
  readonly operations: number;
  /** And of one product among them. */
  readonly product: number;
  /** Elements of one product's result. */
  readonly results: number;
  /** Multiplications from which one product is worth parts for several threads, each of which takes longer than its share. */
  readonly parted: number;
}

/** A library that can be used, and for what. */
export interface Found {
  readonly description: string;
  readonly bindings: Bindings;
  /** Whether it uses 512-bit vectors. */
  readonly wide: boolean;
  readonly worthwhile: Worthwhile;
  /** Does in the background what would delay the first product. */
  readonly warmUp?: () => void;
}

/**
 * For libraries that use 512-bit vectors, and for others. Measured on an AMD EPYC with AVX-512: [10, 784] · [784, 30] (0.47 million
 * operations) takes 2.9 µs by OpenBLAS and 4.0 by oneDNN with 512-bit vectors, 15.6 µs with 256-bit ones, and 9.8 µs by what is
 * generated here; [64, 784] · [784, 128] takes 65 µs, and in two parts 83 together.
 */
const worthwhile: Readonly<Record<"wide" | "usual", Worthwhile>> = {
  wide: { operations: 100_000, product: 100_000, results: 256, parted: 10_000_000 },
  usual: { operations: 4_000_000, product: 200_000, results: 1024, parted: 1_000_000 },
};
/** No library is worth loading for products of fewer floating-point operations. */
export const leastOperations = worthwhile.wide.operations;

const wideCores: ReadonlySet<string> = new Set(["SkylakeX", "Cooperlake", "SapphireRapids"]);
/** The bit that all of oneDNN's names for instruction sets with 512-bit vectors have (`dnnl_cpu_isa_avx512_core` is 0x27). */
const wideIsa = 0x20;

function ranked(wide: boolean): Pick<Found, "wide" | "worthwhile"> {
  return { wide, worthwhile: worthwhile[wide ? "wide" : "usual"] };
}

/**
 * oneDNN writes its machine code at the first product, for some 25 ms: better while a program is compiled.
 * @param gemm its `dnnl_sgemm`
 */
function multiplyElsewhere(koffi: Koffi, gemm: Call): void {
  const [as, size] = [78, 16];
  const numbers = [0, 1, 2].map(() => new Float32Array(size * size));
  const [a, b, c] = numbers.map((matrix) => koffi.address(matrix));
  // who is told of the end keeps the numbers until then
  const ended = (): void => void numbers;
  gemm.async(as, as, size, size, size, 1, a, size, b, size, 0, c, size, ended);
}

/** A library of either interface. @throws Error where it is none, or neither */
export function describe(koffi: Koffi, name: string): Found {
  try {
    return describeOneDnn(koffi, name);
  } catch {
    return describeCblas(koffi, name);
  }
}

export function describeOneDnn(koffi: Koffi, name: string): Found {
  const library = koffi.load(name);
  const bindings = oneDnnBindings(name);
  const [gemm] = Object.values(bindings).map(({ prototype }) => library.func(prototype));
  // a structure that begins with three int: major, minor and patch
  const version = koffi.decode(library.func("void* dnnl_version()")(), "int", 3);
  const isa = Number(library.func("int dnnl_get_effective_cpu_isa()")());
  return {
    description: `oneDNN ${Array.from(version).join(".")} (${name})`,
    bindings,
    ...ranked((isa & wideIsa) !== 0),
    warmUp: () => multiplyElsewhere(koffi, gemm),
  };
}

export function describeCblas(koffi: Koffi, name: string): Found {
  const library = koffi.load(name);
  const bindings = cblasBindings(name);
  for (const { prototype } of Object.values(bindings)) library.func(prototype);
  const open = describeOpenBlas(library);
  if (open === undefined) return { description: name, bindings, ...ranked(false) };
  return {
    description: `${open.version} for ${open.core} (${name})`,
    bindings,
    ...ranked(wideCores.has(open.core)),
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

/** Its function that multiplies, kept to one thread. */
export function callOf(koffi: Koffi, { library, prototype, setThreads }: Binding): Call {
  const loaded = koffi.load(library);
  try {
    loaded.func(setThreads)(1);
  } catch {
    // it has none to set
  }
  return loaded.func(prototype);
}
