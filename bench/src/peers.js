/** Who can be measured, and how its process is started. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "peers");

/** Debian's packages belong to the system's interpreter, whatever `python3` is in the path. */
const python = process.env.ADJOINT_BENCH_PYTHON ?? "/usr/bin/python3";

/**
 * @typedef {object} Peer
 * @property {string} module the file in peers/, without its ending
 * @property {"node" | "python"} language
 * @property {boolean} threaded whether it can use more than one thread here
 * @property {boolean} wasm whether it computes in WebAssembly: adjoint then does too, without BLAS
 */

/** @type {Readonly<Record<string, Peer>>} */
const peers = {
  torch: { module: "torch_peer", language: "python", threaded: true, wasm: false },
  jax: { module: "jax", language: "node", threaded: false, wasm: true },
  tfjs: { module: "tfjs", language: "node", threaded: false, wasm: true },
  book: { module: "book_peer", language: "python", threaded: false, wasm: false },
  cblas: { module: "cblas_peer", language: "python", threaded: true, wasm: false },
  ceiling: { module: "ceiling", language: "node", threaded: true, wasm: true },
  plain: { module: "adjoint", language: "node", threaded: true, wasm: false },
  "own-gemms": { module: "adjoint-gemms", language: "node", threaded: true, wasm: false },
};

/** @type {Peer} */
const ours = { module: "adjoint", language: "node", threaded: true, wasm: false };

/** Names for `--peers`. @returns {string[]} */
export function peerNames() {
  return Object.keys(peers);
}

/** @param {string} name */
export function peerOf(name) {
  return name === "adjoint" ? ours : peers[name];
}

/**
 * The command of a peer's process, or why there is none.
 *
 * @param {Peer} peer
 * @param {{ threads: number, blas: string, dist: string }} settings
 */
export function commandOf(peer, { threads, blas, dist }) {
  const count = String(peer.threaded ? threads : 1);
  /** @type {NodeJS.ProcessEnv} */
  const env = {
    ...process.env,
    ADJOINT_BLAS: blas,
    ADJOINT_BENCH_DIST: dist,
    ADJOINT_BENCH_THREADS: count,
    OMP_NUM_THREADS: count,
    OPENBLAS_NUM_THREADS: count,
    // PyTorch's pool (OpenMP) and OpenBLAS's both spin while they wait, and on as many cores as threads each starves the other:
    // by default a [784,128,10] step takes 1.8 ms on two threads, with little spinning 0.42 (passive waiting: 0.66)
    ...(Number(count) > 1 ? { GOMP_SPINCOUNT: process.env.GOMP_SPINCOUNT ?? "1000" } : {}),
    PYTHONDONTWRITEBYTECODE: "1",
  };
  // OpenBLAS is to choose its kernels by the processor, for both sides, as it does where nobody has told it otherwise
  for (const name of ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]) delete env[name];
  if (peer.language === "node")
    return { program: process.execPath, args: [join(folder, "serve.js"), peer.module], env };
  if (!existsSync(python)) return `there is no ${python}`;
  return { program: python, args: [join(folder, "serve.py"), peer.module], env };
}
