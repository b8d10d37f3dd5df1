/** Layer normalisation (Ba, Kiros and Hinton 2016) in its textbook form. */

import type { Node } from "../../transforms/tape.js";
import type { TextbookBlock } from "../document.js";
import type { TapeIndex } from "../tape-index.js";
import { adjointSymbol, formula, type Match, matched, type SymbolOf, worst } from "./block.js";
import { pullBack } from "./pull.js";

const call = "LayerNorm.forward";

/** Runs of operations that one call of the layer asked for. */
function callsOf(index: TapeIndex): number[][] {
  const runs: number[][] = [];
  let last = "";
  index.tape.operations.forEach((operation, id) => {
    const site = index.tape.sites.get(operation);
    const key =
      site === undefined || !site.calls.includes(call)
        ? ""
        : `${site.place?.file}:${site.place?.line}:${site.place?.column} ${site.calls.slice(0, site.calls.indexOf(call)).join(" ")}`;
    if (key !== "" && key === last) runs[runs.length - 1].push(id);
    else if (key !== "") runs.push([id]);
    last = key;
  });
  return runs;
}

interface Parts {
  readonly x: Node;
  readonly y: Node;
  readonly gain: Node | null;
  readonly shift: Node | null;
  readonly epsilons: readonly number[];
}

function partsOf(index: TapeIndex, operations: readonly number[]): Parts | null {
  const inside = new Set(operations);
  const made = new Set(operations.flatMap((id) => index.operation(id).outputs));
  const read = [...new Set(operations.flatMap((id) => index.operation(id).inputs))].filter(
    (node) => !made.has(node),
  );
  const outputs = [...made].filter(
    (node) => node === index.tape.output || index.readersOf(node).some((reader) => !inside.has(reader)),
  );
  if (outputs.length !== 1) return null;
  const [y] = outputs;
  const parameter = (name: string): Node | null =>
    read.find((node) =>
      index.tape.leaves.some((leaf) => leaf.node === node && new RegExp(`(^|\\.)${name}$`).test(leaf.path)),
    ) ?? null;
  const [gain, shift] = [parameter("weight"), parameter("bias")];
  const x = read.find(
    (node) =>
      node !== gain && node !== shift && !index.isConstant(node) && node.shape.join() === y.shape.join(),
  );
  const epsilons = read.flatMap((node) => {
    if (!index.isConstant(node)) return [];
    const value = index.valuesOf(node)[0];
    return value > 0 && value < 0.1 ? [value] : [];
  });
  return x === undefined ? null : { x, y, gain, shift, epsilons: [...new Set([...epsilons, 0])] };
}

/** y = x̂ ⊙ γ + β with x̂ = (x − μ)/√(v + ε), and its derivatives, over rows of `n` elements. */
function textbook(
  index: TapeIndex,
  { x, gain, shift }: Parts,
  n: number,
  epsilon: number,
  yBar: ArrayLike<number>,
) {
  const values = index.valuesOf(x);
  const g = gain === null ? null : index.valuesOf(gain);
  const b = shift === null ? null : index.valuesOf(shift);
  const y = new Float64Array(values.length);
  const xBar = new Float64Array(values.length);
  const gainBar = new Float64Array(n);
  const shiftBar = new Float64Array(n);
  const hat = new Float64Array(n);
  let term = 0;
  for (let start = 0; start < values.length; start += n) {
    let mean = 0;
    let variance = 0;
    for (let j = 0; j < n; j++) mean += values[start + j] / n;
    for (let j = 0; j < n; j++) variance += (values[start + j] - mean) ** 2 / n;
    const inverse = 1 / Math.sqrt(variance + epsilon);
    let meanBar = 0;
    let meanBarHat = 0;
    for (let j = 0; j < n; j++) {
      hat[j] = (values[start + j] - mean) * inverse;
      const bar = yBar[start + j];
      const hatBar = bar * (g === null ? 1 : g[j]);
      y[start + j] = hat[j] * (g === null ? 1 : g[j]) + (b === null ? 0 : b[j]);
      gainBar[j] += bar * hat[j];
      shiftBar[j] += bar;
      meanBar += hatBar / n;
      meanBarHat += (hatBar * hat[j]) / n;
      term = Math.max(term, Math.abs(hatBar) * Math.max(1, inverse) * Math.max(1, hat[j] ** 2));
    }
    for (let j = 0; j < n; j++) {
      const hatBar = yBar[start + j] * (g === null ? 1 : g[j]);
      xBar[start + j] = inverse * (hatBar - meanBar - hat[j] * meanBarHat);
    }
  }
  return { y, xBar, gainBar, shiftBar, term };
}

export function layerNormBlocks(index: TapeIndex, symbolOf: SymbolOf): TextbookBlock[] {
  return callsOf(index).flatMap((operations) => {
    const parts = partsOf(index, operations);
    if (parts === null) return [];
    const { x, y, gain, shift, epsilons } = parts;
    const yBar = index.adjointOf(y);
    if (yBar === null) return [];
    const n = (gain ?? shift)?.shape.reduce((size, extent) => size * extent, 1) ?? x.shape.at(-1) ?? 1;
    const lines = pullBack(index, operations, y, yBar);
    for (const epsilon of epsilons) {
      const made = textbook(index, parts, n, epsilon, yBar);
      const matches: Match[] = [{ textbook: made.y, lines: index.valuesOf(y) }];
      const against = (node: Node | null, own: Float64Array): void => {
        const bar = node === null ? undefined : lines.get(node);
        if (bar !== undefined) matches.push({ textbook: own, lines: bar, term: made.term });
      };
      against(x, made.xBar);
      against(gain, made.gainBar);
      against(shift, made.shiftBar);
      const block = matched({
        kind: "layerNorm",
        title: `layer normalisation of ${symbolOf(x).text}`,
        operations,
        ...written(parts, symbolOf),
        // the variance is a sum of n squares, its root divides twice
        check: worst(matches, x.dtype, 4 * n + matches[0].lines.length / n),
      });
      if (block.length > 0) return block;
    }
    return [];
  });
}

function written(
  { x, y, gain, shift }: Parts,
  symbolOf: SymbolOf,
): Pick<TextbookBlock, "forward" | "backward"> {
  const [xs, ys] = [symbolOf(x), symbolOf(y)];
  const [xBar, yBar] = [adjointSymbol(xs), adjointSymbol(ys)];
  const g = gain === null ? null : symbolOf(gain);
  const b = shift === null ? null : symbolOf(shift);
  const hat = `\\hat{${xs.latex}}`;
  const hatBar = `\\overline{${hat}}`;
  const root = "\\sqrt{v + \\varepsilon}";
  return {
    forward: [
      formula(
        `μ = mean(${xs.text}), v = mean((${xs.text} − μ)²), x̂ = (${xs.text} − μ)/√(v + ε)`,
        `\\mu = \\operatorname{mean}(${xs.latex}),\\; v = \\operatorname{mean}\\big((${xs.latex} - \\mu)^2\\big),\\; ${hat} = \\frac{${xs.latex} - \\mu}{${root}}`,
      ),
      formula(
        `${ys.text} = x̂${g === null ? "" : ` ⊙ ${g.text}`}${b === null ? "" : ` + ${b.text}`}`,
        `${ys.latex} = ${hat}${g === null ? "" : ` \\odot ${g.latex}`}${b === null ? "" : ` + ${b.latex}`}`,
      ),
    ],
    backward: [
      formula(
        `∂C/∂x̂ = ${yBar.text}${g === null ? "" : ` ⊙ ${g.text}`}`,
        `${hatBar} = ${yBar.latex}${g === null ? "" : ` \\odot ${g.latex}`}`,
      ),
      formula(
        `${xBar.text} += (∂C/∂x̂ − mean(∂C/∂x̂) − x̂ ⊙ mean(∂C/∂x̂ ⊙ x̂))/√(v + ε)`,
        `${xBar.latex} \\mathrel{+}= \\frac{${hatBar} - \\operatorname{mean}(${hatBar}) - ${hat} \\odot \\operatorname{mean}(${hatBar} \\odot ${hat})}{${root}}`,
      ),
      ...(g === null
        ? []
        : [
            formula(
              `∂C/∂${g.text} += Σ ${yBar.text} ⊙ x̂`,
              `\\overline{${g.latex}} \\mathrel{+}= \\sum ${yBar.latex} \\odot ${hat}`,
            ),
          ]),
      ...(b === null
        ? []
        : [
            formula(
              `∂C/∂${b.text} += Σ ${yBar.text}`,
              `\\overline{${b.latex}} \\mathrel{+}= \\sum ${yBar.latex}`,
            ),
          ]),
    ],
  };
}
