/** The report of a run in Chromium, opened from disk. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { dataset } from "../../src/data/index.js";
import * as nn from "../../src/nn/index.js";
import { sgd } from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { temporaryFolder } from "../support/build.js";
import { launch, reasonToSkip } from "../support/chromium.js";

const reason = reasonToSkip();
const folder = temporaryFolder("report");
let browser: Browser | undefined;

/** Pictures of 8 by 8, a row of one class for each; names longer than a phone is wide. */
async function write(): Promise<void> {
  const size = 24;
  const classes = ["<b>bold</b>", "a".repeat(80), ...Array.from({ length: 10 }, (_, i) => `class ${i}`)];
  const inputs = Float32Array.from({ length: size * 64 }, (_, i) => (i * 7919) % 11);
  const targets = Int32Array.from({ length: size }, (_, i) => i % classes.length);
  const data = dataset({ inputs, targets, inputShape: [1, 8, 8], targetShape: [], classes });
  const finding = {
    code: "dead-units",
    severity: "warning" as const,
    layers: ["layers.0"],
    summary: "s".repeat(200),
    meaning: "m",
    remedy: "r",
  };
  await train.fit(new nn.Sequential(new nn.Flatten(), new nn.Linear(64, classes.length)), {
    data,
    validation: data,
    loss: "softmaxCrossEntropy",
    optimizer: sgd({ learningRate: 0.01 }),
    metrics: ["loss", "accuracy", "f1", "auc", "top3"],
    epochs: 40,
    batchSize: 8,
    seed: 1,
    record: train.runFolder(join(folder, "run"), {
      title: "t".repeat(120),
      config: { command: "x".repeat(300) },
      health: { reports: [{ document: { step: 0 }, findings: [finding] }] },
    }),
  });
}

beforeAll(async () => {
  if (reason !== null) return;
  browser = await launch();
  await write();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});
beforeEach((context) => {
  if (reason !== null) context.skip(reason);
});

describe("the report in Chromium", () => {
  it.each([
    [1280, "light"],
    [1280, "dark"],
    [390, "light"],
    [390, "dark"],
  ] as const)(
    "at %i pixels, %s, has no error, asks for nothing and is no wider than the window",
    async (width, colorScheme) => {
      const context = await browser?.newContext({ viewport: { width, height: 844 }, colorScheme });
      const page = await context?.newPage();
      if (page === undefined) return expect.fail("no browser");
      const address = pathToFileURL(join(folder, "run", "report.html")).href;
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("dialog", (dialog) => complaints.push(`dialog: ${dialog.message()}`));
      page.on("request", (request) => {
        const url = request.url();
        if (url !== address && !url.startsWith("data:")) complaints.push(`request: ${url}`);
      });
      await page.goto(address, { waitUntil: "load" });
      expect(complaints).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);

      const seen = await page.evaluate(() => {
        const pictures = [...document.querySelectorAll<HTMLImageElement>(".examples img")];
        const texts = [...document.querySelectorAll(".chart > svg")].flatMap((svg) => {
          const frame = svg.getBoundingClientRect();
          return [...svg.querySelectorAll("text")].map((text) => {
            const { left, right, top, bottom, height } = text.getBoundingClientRect();
            const isInside =
              left >= frame.left && right <= frame.right && top >= frame.top && bottom <= frame.bottom;
            return { text: text.textContent, isInside, height };
          });
        });
        return {
          drawn: pictures.map(({ naturalWidth }) => naturalWidth),
          outside: texts.filter(({ isInside }) => !isInside).map(({ text }) => text),
          smallest: Math.min(...texts.map(({ height }) => height)),
          charts: document.querySelectorAll(".chart").length,
          // the middle of a page says which theme it has
          background: getComputedStyle(document.body).backgroundColor,
        };
      });
      expect(seen.drawn).toEqual(Array(12).fill(8));
      expect(seen.outside).toEqual([]);
      // a line of 12 units, drawn at 360 of 400
      expect(seen.smallest).toBeGreaterThan(11);
      // loss, four metrics, time
      expect(seen.charts).toBe(6);
      expect(seen.background).toBe(colorScheme === "light" ? "rgb(255, 255, 255)" : "rgb(20, 23, 26)");
      await context?.close();
    },
  );
});
