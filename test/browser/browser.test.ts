import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildPackage, temporaryFolder } from "../support/build.js";
import { bundlePage, isolating, reasonToSkip, type Visit, visit } from "../support/chromium.js";
import { type Outcome, runChecks } from "./checks.js";
import { checkThreads, type ThreadsOutcome } from "./threads.js";

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
    for (const file of ["page.ts", "checks.ts", "threads.ts"])
      copyFileSync(fileURLToPath(new URL(file, import.meta.url)), join(pageFolder, file));
    bundled = await bundlePage(pageFolder, "page.ts", [
      { find: /^adjoint$/, replacement: join(packaged, "dist/index.js") },
      {
        find: /^.*\/src\/(.*)\.js$/,
        replacement: join(packaged, "dist/$1.js"),
      },
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

  describe("threads", () => {
    const threadsOf = ({ outcome }: Visit): ThreadsOutcome =>
      (outcome as { threads: ThreadsOutcome }).threads;
    const isolatedOf = ({ outcome }: Visit): boolean => (outcome as { isolated: boolean }).isolated;

    it("help on a page that is isolated, and give the bits that one gives, and Node", async () => {
      expect(isolatedOf(page)).toBe(true);
      const { used, digests, helped, reason } = threadsOf(page);
      expect(reason).toBeUndefined();
      expect(used).toEqual([1, 2, 4]);
      expect(helped).toBe(true);
      expect(digests).toEqual((await checkThreads()).digests);
    });

    it("are one on a page that is not, which says why and computes the same", async () => {
      const alone = await visit(bundled.bundle, {});
      expect(alone.errors).toEqual([]);
      expect(isolatedOf(alone)).toBe(false);
      expect(threadsOf(alone)).toMatchObject({ used: [1, 1, 1], digests: threadsOf(page).digests });
      expect(threadsOf(alone).reason).toContain("Cross-Origin-Opener-Policy");
    });

    it("are one where the page's policy forbids workers from text, and all computes the same", async () => {
      const policy = { "Content-Security-Policy": "worker-src 'self'" };
      const strict = await visit(bundled.bundle, { ...isolating, ...policy });
      expect(threadsOf(strict)).toMatchObject({ helped: false, digests: threadsOf(page).digests });
      expect(threadsOf(strict).reason).toContain("worker");
    });
  });

  it("all else gives Node's numbers up to the last bits of the engine's own Math functions", () => {
    for (const there of inNode) {
      const here = onDevice(there.device);
      expect(largestDifference(there.gradients, here?.gradients)).toBeLessThan(64 * 2 ** -53);
      expect(largestDifference(there.transforms, here?.transforms)).toBeLessThan(64 * 2 ** -24);
    }
  });
});
