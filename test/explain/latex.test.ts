/** Explanations in LaTeX: KaTeX takes every one of them, whatever the user's names are. */
import fc from "fast-check";
import katex from "katex";
import { describe, expect, it } from "vitest";
import { workedExamples } from "../../src/explain/examples/index.js";
import { type Explanation, explain } from "../../src/explain/index.js";
import { grad, graphOf, jit, random, setSeed, type Tensor, tensor, zeros } from "../../src/index.js";
import { LSTM, TransformerBlock } from "../../src/nn/index.js";
import { latexText } from "../../src/util/latex.js";
import { f64 } from "./support.js";

function compile(latex: string, displayMode = true): string {
  return katex.renderToString(latex, { displayMode, throwOnError: true, strict: false });
}

/** The formulas of a standalone document. */
function formulasOf(document: string): string[] {
  return [...document.matchAll(/\\begin\{flalign\*\}\n([\s\S]*?)\n\\end\{flalign\*\}/g)].flatMap(([, rows]) =>
    rows.split(" \\\\\n").map((row) => row.replace(/^& /, "").replace(/ &&$/, "")),
  );
}

async function explanationOf(name: string): Promise<Explanation> {
  const example = workedExamples.find((worked) => worked.name === name);
  if (example === undefined) return expect.fail(`no example ${name}`);
  const { f, args, names } = await example.prepare();
  return explain(f, args, { of: example.of, names });
}

describe("LaTeX of a graph", () => {
  it("35: has a line for each operation, with the space its value lives in, and compiles", () => {
    const w = random.normal(random.key(1), { shape: [3, 2] });
    const loss = (p: { W: Tensor; "b^": Tensor }): Tensor =>
      p.W.matmul(tensor([1, 2]))
        .add(p["b^"])
        .sigmoid()
        .sum();
    const latex = graphOf(grad(loss), { W: w, "b^": w.slice(null, 0) }).toLatex();
    compile(latex);
    expect(latex).toContain("\\in \\mathbb{R}^{3 \\times 2}");
    expect(latex).toContain("\\sigma(");
    const simple = graphOf((x: Tensor) => x.sin().mul(2), 1).toLatex();
    expect(simple).toContain("= \\sin {x_{0}} & \\in \\mathbb{R}");
  });

  it("of many operations has no more macros than KaTeX expands", () => {
    const f = (x: Tensor): Tensor => {
      let y = x;
      for (let i = 0; i < 600; i++) y = y.cumsum(0).erf();
      return y;
    };
    compile(graphOf(f, zeros([2])).toLatex());
  });

  it("has the functions it calls, and numbers that are none", () => {
    const inner = jit((x: Tensor) => x.exp().mul(1e-7));
    const latex = graphOf(
      (x: Tensor) =>
        inner(x)
          .add(Number.POSITIVE_INFINITY)
          .mul(tensor([Number.NaN, 1, 2, 3, 4])),
      zeros([5]),
    ).toLatex();
    compile(latex);
    expect(latex).toContain("\\mathrm{f}_{0}(");
    expect(latex).toContain("\\infty");
    expect(latex).toContain("\\ldots");
  });
});

describe("LaTeX", () => {
  it.each(workedExamples.map(({ name }) => name))(
    "of %s compiles, as a formula and as a document",
    async (name) => {
      const explanation = await explanationOf(name);
      const latex = explanation.toLatex();
      expect(compile(latex, true)).toContain("katex");
      expect(compile(latex, false)).toContain("katex");
      const standalone = explanation.toLatex({ standalone: true });
      expect(standalone).toMatch(/^\\documentclass\{article\}[\s\S]*\\end\{document\}\n$/);
      const formulas = formulasOf(standalone);
      expect(formulas.length).toBeGreaterThan(5);
      for (const formula of formulas) compile(formula);
    },
  );

  it("of a transformer block compiles", () => {
    setSeed(3);
    const block = new TransformerBlock(8, 2);
    const x = random.normal(random.key(1), { shape: [2, 4, 8] });
    compile(explain((b: TransformerBlock) => b.forward(x).square().mean(), [block]).toLatex());
  });

  it("of a recurrent network compiles: it has no more macros than KaTeX expands", () => {
    setSeed(1);
    const lstm = new LSTM(3, 4);
    const x = random.normal(random.key(2), { shape: [2, 20, 3] });
    const explanation = explain((m: LSTM) => m.forward(x).square().mean(), [lstm]);
    expect(explanation.document.graph.operations.length).toBeGreaterThan(300);
    compile(explanation.toLatex());
  });

  it("has the sections in the order of reading, with the numbers of the document", async () => {
    const explanation = await explanationOf("two-layer");
    const latex = explanation.toLatex();
    const titles = [
      "The graph",
      "Paths from",
      "The four equations",
      "The derivation",
      "Check by",
      "This holds",
    ];
    const places = titles.map((title) => latex.indexOf(`\\textbf{${title}`));
    expect(places.every((place, i) => place > (i === 0 ? 0 : places[i - 1]))).toBe(true);
    expect(latex).toContain("\\delta^{l} = \\frac{\\partial C}{\\partial z^{l}}");
    expect(latex).toContain("\\frac{\\partial a^{2}[0]}{\\partial z^{2}[0]}");
  });

  it("takes names of any signs, TeX's own among them", () => {
    const nasty = [
      "a\\b",
      "x^2_3",
      "~",
      "100%",
      "#1",
      "{",
      "}}",
      "$x$",
      "a&b",
      "é",
      "字",
      "\\end{array}",
      "w'",
      '"',
      "`",
    ];
    for (const name of nasty) {
      const { textbook, ...rest } = explain(
        (p: Record<string, Tensor>) => p[name].mul(p[name]),
        [{ [name]: f64(2) }],
      ).document;
      expect(rest.target.adjoint).toBe(4);
      expect(textbook.expansion.status).toBe("expanded");
    }
    const tree = Object.fromEntries(nasty.map((name, i) => [name, f64(i + 1)]));
    const product = (p: Record<string, Tensor>): Tensor =>
      nasty.map((name) => p[name]).reduce((a, b) => a.mul(b));
    const explanation = explain(product, [tree]);
    compile(explanation.toLatex());
    for (const formula of formulasOf(explanation.toLatex({ standalone: true }))) compile(formula);
  });

  it("takes text of any signs", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), (text) => {
        compile(`\\text{${latexText(text)}}`);
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it("of 10,000 operations is no longer than can be read, and says what is left out", () => {
    const f = (w: Tensor): Tensor => {
      let v = w;
      for (let i = 0; i < 5000; i++) v = v.mul(0.999).sin();
      return v;
    };
    const latex = explain(f, [f64(0.3)]).toLatex();
    expect(latex.length).toBeLessThan(200_000);
    expect(latex).toMatch(/9600 more operations/);
    compile(latex);
  });
});
