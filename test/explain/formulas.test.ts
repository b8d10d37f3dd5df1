/** Formulas: TeX that KaTeX sets without error, and derivatives that say what the primitives' own rules compute. */
import katex from "katex";
import { describe, expect, it } from "vitest";
import { explain } from "../../src/explain/index.js";
import { forwardFormula, partialFormula } from "../../src/explain/rules.js";
import { softmax, type Tensor, tensor } from "../../src/index.js";
import { quadratic, sigmoidCrossEntropy, softmaxCrossEntropy } from "../../src/losses/index.js";
import { binaryTable } from "../../src/primitives/binary.js";
import { registry } from "../../src/primitives/registry.js";
import { unaryTable } from "../../src/primitives/unary.js";
import { f64, normal64 } from "./support.js";

/** Every formula in a document, wherever it is. */
function formulasIn(value: unknown, found: { text: string; latex: string }[] = []) {
  if (typeof value !== "object" || value === null) return found;
  if ("latex" in value && "text" in value) found.push(value as { text: string; latex: string });
  else for (const inner of Object.values(value)) formulasIn(inner, found);
  return found;
}

const x = normal64(1, [4, 3]);
const y = normal64(2, [4, 2]).sigmoid();
const labels = tensor([0, 1, 1, 0], { dtype: "int32" });
const layers = {
  first_layer: { weight: normal64(3, [5, 3]), bias: normal64(4, [5]) },
  second: { weight: normal64(5, [2, 5]), bias: normal64(6, [2]) },
};
const logits = ({ first_layer, second }: typeof layers, f: (z: Tensor) => Tensor): Tensor =>
  f(x.matmul(first_layer.weight.transpose()).add(first_layer.bias))
    .matmul(second.weight.transpose())
    .add(second.bias);

const documents: [string, () => unknown][] = [
  [
    "sigmoid and quadratic",
    () =>
      explain((n: typeof layers) => quadratic(logits(n, (z) => z.sigmoid()).sigmoid(), y), [layers]).document,
  ],
  [
    "softmax cross-entropy",
    () =>
      explain(
        (n: typeof layers) =>
          softmaxCrossEntropy(
            logits(n, (z) => z.relu()),
            labels,
          ),
        [layers],
      ).document,
  ],
  [
    "sigmoid cross-entropy",
    () =>
      explain(
        (n: typeof layers) =>
          sigmoidCrossEntropy(
            logits(n, (z) => z.tanh()),
            y,
          ),
        [layers],
      ).document,
  ],
  [
    "a softmax output",
    () => explain((n: typeof layers) => quadratic(softmax(logits(n, (z) => z.gelu())), y), [layers]).document,
  ],
  [
    "Greek names",
    () => explain((θ: Tensor, λ: Tensor) => θ.mul(2).add(λ).sigmoid().sub(1).square(), [0.5, -1]).document,
  ],
  [
    "many operations",
    () =>
      explain(
        (v: Tensor) =>
          v
            .abs()
            .pow(1.5)
            .add(v.exp().log1p())
            .add(v.atan2(2))
            .add(v.div(3).sqrt())
            .add(v.cumsum(0))
            .sum()
            .add(v.take(tensor([0], { dtype: "int32" })).sum())
            .add(v.max())
            .add(v.clip(0.1, 1).sum())
            .add(v.maximum(0.5).sum())
            .add(v.expm1().mod(2).sum()),
        [f64([0.4, 2])],
      ).document,
  ],
];

describe("TeX", () => {
  it.each(documents)("of %s compiles in KaTeX", (_, make) => {
    const formulas = formulasIn(make());
    expect(formulas.length).toBeGreaterThan(20);
    for (const { text, latex } of formulas) {
      expect(
        () => katex.renderToString(latex, { throwOnError: true, strict: false }),
        `${text}: ${latex}`,
      ).not.toThrow();
      expect(`${text}${latex}`).not.toMatch(/undefined|\?\?|#\d|NaN\{/);
    }
  });

  it("of every primitive compiles in KaTeX, with superscripts in its symbols", () => {
    const symbols = [1, 2, 3].map((n) => ({ text: `z${n}`, latex: `z^{${n}}` }));
    for (const name of Object.keys(registry)) {
      const output = { text: "a1", latex: "a^{1}" };
      const formulas = [
        forwardFormula(name, symbols, output),
        ...[0, 1, 2].map((position) => partialFormula(name, symbols, output, position)),
      ];
      for (const formula of formulas)
        if (formula !== null)
          expect(
            () => katex.renderToString(formula.latex, { throwOnError: true, strict: false }),
            formula.latex,
          ).not.toThrow();
    }
  });
});

/** The text of a formula as a JavaScript expression in a, b and y. */
function evaluate(text: string, values: { a: number; b: number; y: number }): number {
  const code = text
    .replace(/√\(([^()]*(?:\([^()]*\))?[^()]*)\)/g, "sqrt($1)")
    .replace(/√π/g, "sqrt(PI)")
    .replace(/(\w)²/g, "($1**2)")
    .replace(/⌊([^⌋]*)⌋/g, "floor($1)")
    .replace(/1\/\(2 y\)/, "1/(2*y)")
    .replace(/−/g, "-")
    .replace(/·/g, "*")
    .replace(/\by\(/g, "y*(")
    .replace(/\[([^\]]*)\]/g, "(($1)?1:0)")
    .replace(/\b(sin|cos|cosh|sinh|log) (\w)/g, "$1($2)")
    .replace(/a\^\(([^)]*)\)/g, "(a**($1))");
  const run = new Function("a", "b", "y", `with (Math) { return ${code}; }`);
  return Number(run(values.a, values.b, values.y));
}

const named = ["a", "b"].map((name) => ({ text: name, latex: name }));
const output = { text: "y", latex: "y" };
const h = 1e-5;

describe("the derivative a formula says is the slope of the function", () => {
  const unary = Object.entries(unaryTable).filter(([, row]) => row.derivative !== "none");
  it.each(unary)("of %s", (name, { f, domain }) => {
    const text = partialFormula(name, named, output, 0)?.text ?? expect.fail("no formula");
    for (const share of [0.3, 0.8]) {
      const a = domain[0] + share * (domain[1] - domain[0]);
      const said = evaluate(text.replace(/sign\(a\)/, "(a>0?1:-1)"), { a, b: 0, y: f(a) });
      // centred differences: h²f‴/6 ≈ 1e-10 · f‴, and f‴ is below 1000 on these domains
      expect(Math.abs(said - (f(a + h) - f(a - h)) / (2 * h)), text).toBeLessThan(
        1e-7 * Math.max(1, Math.abs(said)),
      );
    }
  });

  const binary = Object.entries(binaryTable).filter(([, row]) => row.partials !== "none");
  it.each(binary)("of %s, towards each operand", (name, { f, domains }) => {
    const [a, b] = domains.map(([low, high], i) => low + [0.3, 0.71][i] * (high - low));
    const slopes = [(f(a + h, b) - f(a - h, b)) / (2 * h), (f(a, b + h) - f(a, b - h)) / (2 * h)];
    slopes.forEach((slope, position) => {
      const text = partialFormula(name, named, output, position)?.text ?? expect.fail("no formula");
      expect(Math.abs(evaluate(text, { a, b, y: f(a, b) }) - slope), text).toBeLessThan(1e-7);
    });
  });
});
