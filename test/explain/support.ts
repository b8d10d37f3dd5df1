/** What the tests of explanations share. */
import { expect } from "vitest";
import type { ExplanationDocument, Paths, Real } from "../../src/explain/index.js";
import { random, type Tensor, type TensorData, tensor } from "../../src/index.js";

export function f64(data: TensorData): Tensor {
  return tensor(data, { dtype: "float64" });
}

export function normal64(seed: number, shape: readonly number[]): Tensor {
  return random.normal(random.key(seed), { shape, dtype: "float64" });
}

/** The number a document holds. */
export function numberOf(value: Real | undefined): number {
  return Number(value);
}

/** The paths of a document, which must have been listed. */
export function pathsOf(document: ExplanationDocument): Paths {
  const { paths } = document;
  if (paths.status === "refused") return expect.fail(`refused: ${paths.reason}`);
  return paths;
}

/** The equations of a document, which must have been recognised. */
export function equationsOf(document: ExplanationDocument) {
  const { equations } = document;
  if (equations.status === "refused") return expect.fail(`refused: ${equations.reason}`);
  return equations;
}

/** A path's factors as `symbol`, in order. */
export function symbolsAlong(paths: Paths, path: number): string[] {
  return paths.listed[path].factors.map(({ edge }) => paths.edges[edge].symbol.text);
}

/** A path's factors as numbers. */
export function factorsAlong(paths: Paths, path: number): number[] {
  return paths.listed[path].factors.map(({ value }) => numberOf(value));
}

/** Within one unit of the last digit printed, as published numbers are. */
export function expectPublished(actual: number, printed: string): void {
  const unit = 10 ** -(printed.length - printed.indexOf(".") - 1);
  expect(Math.abs(actual - Number(printed)), `${printed} against ${actual}`).toBeLessThanOrEqual(unit);
}
