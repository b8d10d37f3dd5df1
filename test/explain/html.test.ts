/** Explanations as pages: small, self-contained, safe. What they look like is seen in html-page.test.ts. */
import { describe, expect, it } from "vitest";
import { workedExamples } from "../../src/explain/examples/index.js";
import { type Explanation, explain } from "../../src/explain/index.js";
import { layOut } from "../../src/explain/render/html-layout.js";
import { Typesetter } from "../../src/explain/render/html-math.js";
import { random, setSeed, type Tensor, tensor, where, zeros } from "../../src/index.js";
import { softmaxCrossEntropy } from "../../src/losses/index.js";
import { Activation, Linear, Sequential, TransformerBlock } from "../../src/nn/index.js";
import { pageThemes } from "../../src/util/page-theme.js";
import { f64 } from "./support.js";

const limit = 2_000_000;

function long(count: number): Explanation {
  const f = (w: Tensor): Tensor => {
    let v = w;
    for (let i = 0; i < count; i++) v = v.mul(0.999).sin();
    return v.sum();
  };
  return explain(f, [f64([0.3, 0.4])]);
}

/** Everything a page could load from elsewhere: attributes and style sheets with an address. */
function addressesOf(html: string): string[] {
  const markup = html.replace(/<annotation[\s\S]*?<\/annotation>/g, "");
  const attributes = [...markup.matchAll(/\s(?:src|href|srcset|action|data|poster)="([^"]*)"/g)].map(
    ([, to]) => to,
  );
  const styles = [...markup.matchAll(/url\(([^)]{0,40})/g)].map(([, to]) => to);
  return [...attributes, ...styles].filter((to) => !/^(#|data:|"?#)/.test(to));
}

describe("a page", () => {
  it.each(workedExamples)("of $name is below 2 MB and loads nothing", async ({ prepare, of }) => {
    const { f, args, names } = await prepare();
    const html = await explain(f, args, { of, names }).toHtml();
    expect(html.length).toBeLessThan(limit);
    expect(addressesOf(html)).toEqual([]);
    expect(html).toContain("Content-Security-Policy");
    // every formula was known to KaTeX, and there was room for it
    expect(html).not.toContain('class="formula"');
  });

  it("of [784, 30, 10] with a batch, of attention and of 10,000 operations is too", async () => {
    setSeed(3);
    const model = new Sequential(new Linear(784, 30), new Activation("sigmoid"), new Linear(30, 10));
    const x = random.uniform(random.key(1), { shape: [10, 784] });
    const labels = tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { dtype: "int32" });
    const digits = explain((m: Sequential) => softmaxCrossEntropy(m.forward(x), labels), [model]);
    const block = new TransformerBlock(8, 2);
    const words = random.normal(random.key(1), { shape: [2, 4, 8] });
    const attention = explain((b: TransformerBlock) => b.forward(words).square().mean(), [block]);
    for (const explanation of [digits, attention, long(5000)]) {
      const html = await explanation.toHtml();
      expect(html.length).toBeLessThan(limit);
      expect(addressesOf(html)).toEqual([]);
    }
  });

  it("of few operations draws each value, of many their groups", async () => {
    const count = (html: string): number => html.match(/data-box=/g)?.length ?? 0;
    expect(count(await long(4).toHtml())).toBe(1 + 9);
    const many = count(await long(5000).toHtml());
    expect(many).toBeGreaterThan(10);
    expect(many).toBeLessThan(150);
  });

  it("has text where KaTeX refuses a formula or there are too many", () => {
    const math = new Typesetter({
      renderToString: (latex) => {
        if (latex === "bad") throw new Error("no");
        return `<i>${latex}</i>`;
      },
    });
    expect(math.set({ text: "a < b", latex: "bad" })).toBe('<code class="formula">a &lt; b</code>');
    expect(math.set({ text: "x", latex: "x" })).toBe("<i>x</i>");
    math.set({ text: "long", latex: "y".repeat(1_099_900) });
    expect(math.set({ text: "z", latex: "z".repeat(200) })).toBe('<code class="formula">z</code>');
  });

  it("can be made of what is hardly anything", async () => {
    const y = f64([1, 2, 3]);
    const cases: readonly [() => Explanation, RegExp][] = [
      [() => explain((w: Tensor) => w, [f64(3)]), /is 1</],
      [
        () =>
          explain((w: Tensor, none: Tensor) => w.mul(2).add(none.sum()), [f64(3), zeros([0, 4])], {
            of: "w",
          }),
        /empty/,
      ],
      [() => explain((w: Tensor) => w.log().mul(0), [f64(-1)]), /NaN/],
      [() => explain((w: Tensor) => w.div(0).sum(), [f64([1, 2])]), /∞/],
      [
        () => explain((w: Tensor, v: Tensor) => w.sin().add(v.mul(0)), [f64(3), f64(2)], { of: "v" }),
        /changes nothing/,
      ],
      [() => explain((w: Tensor) => w.mul(where(w.gt(0), 2, 3)), [f64(3)]), /none: the cost does not depend/],
      [() => explain((w: Tensor) => w.mul(y).sum(), [y], { maxElements: 0 }), /root mean square/],
    ];
    for (const [make, expected] of cases) {
      const html = await make().toHtml();
      const said = html.replace(/<(script|style)[\s\S]*?<\/\1>/g, "");
      expect(expected.test(said), String(expected)).toBe(true);
      expect(/undefined|\[object/.exec(said)).toBeNull();
    }
  });

  it("is the same each time", async () => {
    const make = () => explain((w: Tensor) => w.sin().mul(w), [f64(2)]).toHtml();
    expect(await make()).toBe(await make());
  });

  it("escapes names from the user's code wherever they stand", async () => {
    const names = [
      "<img src=x onerror=alert(1)>",
      "</script><script>alert(2)</script>",
      '" onload="alert(3)',
      "\u2028",
    ];
    const tree = Object.fromEntries(names.map((name, i) => [name, f64([i + 1])]));
    const product = (p: Record<string, Tensor>): Tensor =>
      names
        .map((name) => p[name])
        .reduce((a, b) => a.mul(b))
        .sum();
    const html = await explain(product, [tree], { names: ["</style><b>"] }).toHtml();
    expect(html).not.toMatch(/<img|onload="|<b>[^0-9−]/);
    expect(html.match(/<script/g)).toHaveLength(3);
    expect(html.match(/<\/script/g)).toHaveLength(3);
    expect(html).toContain("&lt;img src=x onerror=alert(1)&gt;");
  });
});

describe("colours", () => {
  /** WCAG 2.2, relative luminance. */
  function luminance(colour: string): number {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function contrast(a: string, b: string): number {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  }

  it.each(["light", "dark"] as const)("of text have a contrast of at least 4.5 in the %s theme", (name) => {
    const theme = pageThemes[name];
    for (const text of ["text", "muted", "accent", "plus", "minus", "unsure"])
      for (const ground of ["page", "surface", "soft"])
        expect(contrast(theme[text], theme[ground]), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    expect(contrast(theme.text, theme.target)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(theme.accent, theme.target)).toBeGreaterThanOrEqual(4.5);
  });
});

describe("the layout of a drawing", () => {
  const box = { width: 80, height: 40 };

  it("puts what reads below what is read, and no two boxes on each other", () => {
    const key = random.key(5);
    const draws = random.uniform(key, { shape: [60, 2] }).arraySync() as number[][];
    const boxes = draws.map(() => box);
    const edges = draws.flatMap(([a, b], to): [number, number][] =>
      to === 0 ? [] : [...new Set([Math.floor(a * to), Math.floor(b * to)])].map((from) => [from, to]),
    );
    const { places, width, height, lines } = layOut(boxes, edges);
    for (const [from, to] of edges) expect(places[from].y).toBeLessThan(places[to].y);
    places.forEach((a, i) => {
      expect(a.x - 40).toBeGreaterThanOrEqual(0);
      expect(a.x + 40).toBeLessThanOrEqual(width);
      expect(a.y + 20).toBeLessThanOrEqual(height);
      places.slice(i + 1).forEach((b) => {
        expect(Math.abs(a.y - b.y) >= 40 || Math.abs(a.x - b.x) >= 80).toBe(true);
      });
    });
    lines.forEach((points, i) => {
      expect(points[0].x).toBe(places[edges[i][0]].x);
      expect(points[points.length - 1].x).toBe(places[edges[i][1]].x);
    });
  });

  it("of a chain is straight, and an input stands right above what reads it", () => {
    const { places } = layOut(
      [box, box, box, box],
      [
        [0, 1],
        [1, 2],
        [3, 2],
      ],
    );
    expect(places[0].x).toBeCloseTo(places[1].x, 6);
    expect(places[3].y).toBe(places[1].y);
  });
});
