/** What `adjoint info` says about the libraries that multiply. */
import { expect, it } from "vitest";
import type { Worthwhile } from "../../src/backends/blas/found.js";
import { blasHints } from "../../src/cli/commands/info.js";

const from = (operations: number): Worthwhile => ({ operations, product: 1, results: 1, parted: 1 });
const openBlas = "OpenBLAS 0.3.21 for Haswell (libopenblas.so.0)";
const linux = { env: {}, platform: "linux" } as const;

it("tells of a variable that chooses OpenBLAS's kernels, where OpenBLAS is used", () => {
  const pinned = { env: { OPENBLAS_CORETYPE: "Haswell" }, platform: "linux" } as const;
  const wide = { float32: from(100_000) };
  const set = "OPENBLAS_CORETYPE=Haswell is set: OpenBLAS does not choose by the processor";
  expect(blasHints({ libraries: { float64: openBlas }, worthwhile: wide }, pinned)).toEqual([set]);
  expect(blasHints({ libraries: { float64: openBlas }, worthwhile: wide }, linux)).toEqual([]);
  expect(blasHints({ libraries: { float32: "libmkl_rt.so.2" }, worthwhile: {} }, pinned)).toEqual([]);
});

it("recommends oneDNN on Linux where OpenBLAS uses 512-bit vectors", () => {
  const hint = ["oneDNN is some 10 % faster in float32 (apt install libdnnl2 or libdnnl3)"];
  const libraries = { float32: openBlas };
  expect(blasHints({ libraries, worthwhile: { float32: from(100_000) } }, linux)).toEqual(hint);
  expect(blasHints({ libraries, worthwhile: { float32: from(4_000_000) } }, linux)).toEqual([]);
  expect(
    blasHints({ libraries, worthwhile: { float32: from(100_000) } }, { env: {}, platform: "darwin" }),
  ).toEqual([]);
  const oneDnn = { float32: "oneDNN 2.6.3 (libdnnl.so.2)" };
  expect(blasHints({ libraries: oneDnn, worthwhile: { float32: from(100_000) } }, linux)).toEqual([]);
});
