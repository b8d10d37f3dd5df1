import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildPackage, temporaryFolder } from "../support/build.js";
import { bundlePage, reasonToSkip, type Visit, visit } from "../support/chromium.js";
import { type Outcome, runChecks } from "./checks.js";

const folder = temporaryFolder("browser");
afterAll(() => rmSync(folder, { recursive: true }));

const inNode = runChecks();

/** The largest relative difference, over all numbers of two values of the same form. */
function largestDifference(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number")
    return a === b ? 0 : Math.abs(a - b) / (1 + Math.abs(a));
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    return a === b ? 0 : Number.POSITIVE_INFINITY;
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  if (left.length !== right.size) return Number.POSITIVE_INFINITY;
  return Math.max(0, ...left.map(([key, value]) => largestDifference(value, right.get(key))));
}

/** Asserts what holds in every place. */
function expectRight({ gradients, differences, transforms, training }: Outcome): void {
  // centred differences in float64, h = 6e-6: truncation h²·f‴/6 ~ 1e-11, rounding ε·f/h ~ 1e-10; |f| and |f‴| reach 1000
  for (const [name, difference] of Object.entries(differences)) expect(difference, name).toBeLessThan(1e-7);
  // float64 and another order of operations: 64 roundings
  for (const [name, { eager, compiled }] of Object.entries(gradients))
    expect(largestDifference(eager, compiled), name).toBeLessThan(64 * 2 ** -53);
  // float32, likewise
  for (const name of ["jitOfGrad", "gradOfJit", "vmapOfGrad"])
    expect(largestDifference(transforms.eager, transforms[name]), name).toBeLessThan(64 * 2 ** -24);
  expect(training.losses.at(-1)).toBeLessThan(0.05);
  expect(training.logits.map((logit) => logit > 0)).toEqual([false, true, true, false]);
}

describe("in Node", () => {
  it.each(inNode)("gradients, transforms and training are right on $device", (outcome) => {
    expectRight(outcome);
  });
});

const reason = reasonToSkip();

describe("in Chromium", () => {
  let bundled: { bundle: string; warnings: string[] };
  let page: Visit;
  let outcomes: Outcome[];
  const onDevice = (name: string): Outcome | undefined => outcomes.find(({ device }) => device === name);

  beforeAll(async () => {
    if (reason !== null) return;
    const packaged = join(folder, "adjoint");
    buildPackage(packaged);
    const pageFolder = join(folder, "page");
    mkdirSync(pageFolder);
    for (const file of ["page.ts", "checks.ts"])
      copyFileSync(fileURLToPath(new URL(file, import.meta.url)), join(pageFolder, file));
    bundled = await bundlePage(pageFolder, "page.ts", [
      { find: /^adjoint$/, replacement: join(packaged, "dist/index.js") },
    ]);
    page = await visit(bundled.bundle);
    outcomes = (page.outcome as { outcomes: Outcome[] }).outcomes;
  });

  beforeEach((context) => {
    if (reason !== null) context.skip(reason);
  });

  it("the bundle is made without a warning and runs without an error", () => {
    expect(bundled.warnings).toEqual([]);
    expect(page.errors).toEqual([]);
  });

  it("there are the devices that Node has, WebAssembly first", () => {
    expect(outcomes.map(({ device }) => device)).toEqual(inNode.map(({ device }) => device));
    expect(outcomes[0].device).toBe("wasm");
  });

  it("gradients, transforms and training are right on every device", () => {
    for (const outcome of outcomes) expectRight(outcome);
  });

  it("what WebAssembly compiled gives the bits it gives in Node, those of a trained network included", () => {
    const [here, there] = [onDevice("wasm"), inNode.find(({ device }) => device === "wasm")];
    const compiledOf = (outcome?: Outcome) =>
      Object.entries(outcome?.gradients ?? {}).map(([, { compiled }]) => compiled);
    expect(compiledOf(here)).toEqual(compiledOf(there));
    expect(here?.transforms.jitOfGrad).toEqual(there?.transforms.jitOfGrad);
    expect(here?.training).toEqual(there?.training);
  });

  it("all else gives Node's numbers up to the last bits of the engine's own Math functions", () => {
    for (const there of inNode) {
      const here = onDevice(there.device);
      expect(largestDifference(there.gradients, here?.gradients)).toBeLessThan(64 * 2 ** -53);
      expect(largestDifference(there.transforms, here?.transforms)).toBeLessThan(64 * 2 ** -24);
    }
  });
});
