/** Pages of explanations in Chromium, opened from disk. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { workedExamples } from "../../src/explain/examples/index.js";
import { type Explanation, explain } from "../../src/explain/index.js";
import { checkpoint, type Tensor } from "../../src/index.js";
import { temporaryFolder } from "../support/build.js";
import { launch, reasonToSkip } from "../support/chromium.js";
import { f64 } from "./support.js";

const reason = reasonToSkip();
const folder = temporaryFolder("explanation");
let browser: Browser | undefined;

beforeAll(async () => {
  if (reason === null) browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});
beforeEach((context) => {
  if (reason !== null) context.skip(reason);
});

async function worked(name: string): Promise<Explanation> {
  const example = workedExamples.find((one) => one.name === name);
  if (example === undefined) return expect.fail(`no example ${name}`);
  const { f, args, names } = await example.prepare();
  return explain(f, args, { of: example.of, names });
}

let files = 0;

/** Opens the page of an explanation, and says what went wrong on it and what it asked for. */
async function open(
  explanation: Explanation,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const file = join(folder, `${files++}.html`);
  writeFileSync(file, await explanation.toHtml());
  const address = pathToFileURL(file).href;
  const context = await browser?.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context?.newPage();
  if (page === undefined) return expect.fail("no browser");
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => complaints.push(`dialog: ${dialog.message()}`));
  page.on("request", (request) => {
    const url = request.url();
    if (url !== address && !url.startsWith("data:")) complaints.push(`request: ${url}`);
  });
  await page.goto(address, { waitUntil: "load" });
  return { page, complaints };
}

const panelText = (page: Page): Promise<string> => page.locator("#panel").innerText();
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.id ?? "");

describe("a page in Chromium", () => {
  it.each(["two-layer", "row-batch", "repeated", "relu-at-zero"])(
    "of %s has no error, asks for nothing, and fits a phone and a desk in both themes",
    async (name) => {
      const explanation = await worked(name);
      for (const width of [1280, 390])
        for (const colorScheme of ["light", "dark"] as const) {
          const { page, complaints } = await open(explanation, {
            viewport: { width, height: 844 },
            colorScheme,
          });
          // a formula in a drawing that is not folded away has its own font
          const fonts = await page.evaluate(async () => {
            await document.fonts.ready;
            return [...document.fonts].filter(({ status }) => status === "error").length;
          });
          expect(fonts).toBe(0);
          const [needed, there] = await page.evaluate(() => [
            document.documentElement.scrollWidth,
            innerWidth,
          ]);
          expect(needed, `${width} ${colorScheme}`).toBeLessThanOrEqual(there);
          expect(complaints).toEqual([]);
          await page.context().close();
        }
    },
  );

  it("35: shows the value, the adjoint, the local derivative and the source of what is pointed at", async () => {
    const neuron = (w: Tensor, b: Tensor): Tensor => w.mul(2).add(b).sigmoid().square();
    const { page } = await open(explain(neuron, [f64(0.5), f64(-0.4)], { of: "w" }));
    await page.locator(".box", { hasText: "= sigmoid" }).hover();
    const text = await panelText(page);
    // a = σ(0.6), 2a, a(1 − a)
    expect(text).toContain("0.6457");
    expect(text).toContain("1.291");
    expect(text).toContain("0.22878");
    expect(text).toMatch(/html-page\.test\.ts:\d+/);
    expect(text).toMatch(/kept/);
    await page.context().close();
  });

  it("can be used with the keyboard: the drawing is one stop, arrows go along its lines", async () => {
    const { page } = await open(await worked("two-layer"));
    await page.locator(".box[tabindex='0']").focus();
    expect(await focused(page)).toMatch(/^C = /);
    await page.keyboard.press("ArrowUp");
    const above = await focused(page);
    expect(above).not.toMatch(/^C = /);
    expect(await page.locator(".box[tabindex='0']").count()).toBe(1);
    await page.keyboard.press("ArrowDown");
    expect(await focused(page)).toMatch(/^C = /);
    await page.keyboard.press("Enter");
    expect(await focused(page)).toBe("The chosen box");
    await page.keyboard.press("Escape");
    expect(await focused(page)).toMatch(/^C = /);
    const outline = await page.evaluate(() => {
      const rect = document.activeElement?.querySelector("rect");
      return rect === null || rect === undefined ? "" : getComputedStyle(rect).strokeWidth;
    });
    expect(Number.parseFloat(outline)).toBeGreaterThan(3);
    await page.context().close();
  });

  it("41: plays the backward pass: adjoints appear from the cost back", async () => {
    const { page } = await open(await worked("two-layer"));
    const shown = (): Promise<string[]> =>
      page
        .locator(".box:not(.waiting) .adjoint")
        .evaluateAll((texts) =>
          texts.map((text) => text.parentElement?.querySelector(".name")?.textContent ?? ""),
        );
    const all = (await shown()).length;
    const slider = page.locator("#backward");
    await slider.fill("0");
    expect(await shown()).toEqual([]);
    await page.locator("#backward-more").click();
    expect((await shown())[0]).toMatch(/^C = /);
    expect(await page.locator("#backward-said").innerText()).toContain("where it starts");
    await slider.fill(String(all));
    expect(await shown()).toHaveLength(all);
    await page.context().close();
  });

  it("14: walks a path factor by factor with the product so far", async () => {
    const { page } = await open(await worked("chain"));
    const path = page.locator("details.path").first();
    const said = path.locator("output");
    await path.getByRole("button", { name: "Next factor" }).click();
    const first = await said.innerText();
    expect(first).toMatch(/^factor 1 of \d+: product so far /);
    await path.getByRole("button", { name: "Next factor" }).click();
    expect(await said.innerText()).toMatch(/^factor 2 of/);
    expect(await page.locator(".box.near").count()).toBeGreaterThanOrEqual(2);
    await path.getByRole("button", { name: "Back" }).click();
    expect(await said.innerText()).toBe(first);
    await page.context().close();
  });

  it("follows the system's theme, or the one that was chosen", async () => {
    const explanation = await worked("one-neuron");
    const ground = (page: Page): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await open(explanation, { colorScheme: "dark" });
    const night = await ground(dark.page);
    const light = await open(explanation, { colorScheme: "light" });
    const day = await ground(light.page);
    expect(day).not.toBe(night);
    const toggle = light.page.locator("#theme");
    await toggle.click();
    expect([await toggle.innerText(), await ground(light.page)]).toEqual(["Theme: light", day]);
    await toggle.click();
    expect([await toggle.innerText(), await ground(light.page)]).toEqual(["Theme: dark", night]);
    await light.page.emulateMedia({ media: "print" });
    expect(await ground(light.page)).toBe(day);
    await dark.page.context().close();
    await light.page.context().close();
  });

  it("40: marks what is kept and what a checkpoint computes again", async () => {
    const f = checkpoint((v: Tensor) => v.sin().mul(v).exp());
    const { page } = await open(explain((w: Tensor) => f(f(w)), [f64(0.3)], { names: ["w"] }));
    expect(await page.locator(".mark.again").count()).toBeGreaterThan(2);
    await page
      .locator(".box", { has: page.locator(".mark.again") })
      .first()
      .hover();
    expect(await panelText(page)).toContain("recomputed");
    await page.context().close();
  });

  it("moves nothing for those who asked for less motion", async () => {
    const { page } = await open(await worked("one-neuron"), { reducedMotion: "reduce" });
    const moves = await page.evaluate(
      () =>
        [...document.querySelectorAll("*")].filter(
          (one) =>
            !/^(none|all)? ?0s/.test(getComputedStyle(one).transition) &&
            getComputedStyle(one).transitionProperty !== "none",
        ).length,
    );
    expect(moves).toBe(0);
    await page.context().close();
  });

  it("can be read without its script: every card is there, and no control that does nothing", async () => {
    const { page } = await open(await worked("one-neuron"), { javaScriptEnabled: false });
    expect(await page.locator(".card").first().isVisible()).toBe(true);
    expect(await page.locator("#theme").isVisible()).toBe(false);
    expect(await page.locator("#backward-controls").isVisible()).toBe(false);
    await page.context().close();
  });

  it("of a cost that is its own argument has nothing to walk along, and no error", async () => {
    const { page, complaints } = await open(explain((w: Tensor) => w, [f64(3)]));
    expect(await page.locator(".box").count()).toBe(1);
    expect(await page.locator("details.path button").count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it("runs no name of the user's code", async () => {
    const names = ["<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>"];
    const tree = Object.fromEntries(names.map((name, i) => [name, f64([i + 2])]));
    const product = (p: Record<string, Tensor>): Tensor => p[names[0]].mul(p[names[1]]).sum();
    const { page, complaints } = await open(explain(product, [tree]));
    await page.locator(".box").first().hover();
    expect(await panelText(page)).toContain("onerror");
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it("of 10,000 operations opens, and its groups can be pointed at", async () => {
    const f = (w: Tensor): Tensor => {
      let v = w;
      for (let i = 0; i < 5000; i++) v = v.mul(0.999).sin();
      return v;
    };
    const { page, complaints } = await open(explain(f, [f64(0.3)], { names: ["w"] }));
    await page.locator(".box.group").first().click();
    expect(await panelText(page)).toMatch(/\d+ operations, the first at/);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
