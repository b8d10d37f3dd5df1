/** Affine maps with an element-wise function behind them, alone and one like the other. */
import type { Composite } from "../composites.js";
import { hadamard, times } from "../dense.js";
import type { TextbookBlock } from "../document.js";
import { layerNumbers } from "../layer-numbers.js";
import { type FoundLayer, type FoundLayers, productOf } from "../layers.js";
import { largest } from "../numbers.js";
import type { TapeIndex } from "../tape-index.js";
import { activations, primed } from "./activations.js";
import { adjointSymbol, formula, matched, operationsBetween, type SymbolOf, worst } from "./block.js";
import { equal, plus, products, slopeLines, summed, towards } from "./dense-formulas.js";
import { backwardMatches, extentsOf, type Found, forwardMatches, isSmall, sizeOf } from "./dense-numbers.js";

export function denseBlocks(
  index: TapeIndex,
  names: readonly string[],
  { layers, composites }: FoundLayers,
  symbolOf: SymbolOf,
): TextbookBlock[] {
  // a plain network has its layers already; elsewhere every affine map counts by itself
  const known = layers.map((layer) => withActivation(index, composites, layer));
  const searched = index.tape.operations.flatMap((operation) => {
    if (operation.primitive.name !== "dot") return [];
    const product = productOf(index, names, operation);
    return product === null ? [] : [withActivation(index, composites, product)];
  });
  const found = known.length > 0 ? known : searched;
  const blocks: TextbookBlock[] = [];
  for (let i = 0; i < found.length; ) {
    const run = runFrom(found, i);
    const together = run.length > 1 ? repeatedBlock(index, run, symbolOf) : [];
    blocks.push(...together);
    if (together.length === 0) for (const one of run) blocks.push(...singleBlock(index, one, symbolOf));
    i += run.length;
  }
  return blocks;
}

function withActivation(
  index: TapeIndex,
  composites: ReadonlyMap<number, Composite>,
  product: Omit<FoundLayer, "a" | "activation" | "region">,
): Found {
  const readers = index.readersOf(product.z);
  const first = readers[0] ?? -1;
  const composite = composites.get(first);
  const whole = composite !== undefined && readers.every((id) => composites.get(id) === composite);
  const own = readers.length === 1 ? index.operation(first) : undefined;
  const name = whole ? composite.name : (own?.primitive.name ?? "");
  const activation = activations.get(name) ?? null;
  const a = activation === null ? null : whole ? composite.output : (own?.outputs[0] ?? null);
  const layer: FoundLayer = {
    ...product,
    a,
    activation: { name: activation === null ? "logits" : name, coupled: false },
    region: a === null ? [] : operationsBetween(index, [product.z], a),
  };
  const from = [layer.weightOperand, layer.inputOperand];
  if (layer.biasOperand !== null) from.push(layer.biasOperand);
  return { layer, activation, operations: operationsBetween(index, from, a ?? product.z) };
}

/** Layers from `start` on that feed only the next and have the same function behind them. */
function runFrom(found: readonly Found[], start: number): readonly Found[] {
  let end = start + 1;
  while (
    end < found.length &&
    found[end].activation !== null &&
    found[end].activation === found[end - 1].activation &&
    found[end].layer.input === found[end - 1].layer.a &&
    found[end].layer.stored === found[end - 1].layer.stored
  )
    end++;
  return found.slice(start, end);
}

function singleBlock(index: TapeIndex, found: Found, symbolOf: SymbolOf): TextbookBlock[] {
  const { layer, activation, operations } = found;
  const [k, n] = extentsOf(layer);
  const m = sizeOf(layer.z) / n;
  if (!isSmall(m, n, k)) return [];
  const matches = [...forwardMatches(index, found), ...backwardMatches(index, found)];
  const [W, x, z] = [symbolOf(layer.weight), symbolOf(layer.input), symbolOf(layer.z)];
  const b = layer.bias === null ? null : symbolOf(layer.bias);
  const a = layer.a === null ? z : symbolOf(layer.a);
  const d = adjointSymbol(z);
  const written = products(layer, W, x, d);
  const forward = [
    formula(
      `${z.text} = ${written.forward.text}${b === null ? "" : ` + ${b.text}`}`,
      `${z.latex} = ${written.forward.latex}${b === null ? "" : ` + ${b.latex}`}`,
    ),
    ...(activation === null ? [] : [equal(a, activation.apply(z))]),
  ];
  const backward = [
    ...(activation === null ? [] : slopeLines(activation, z, a, d)),
    plus(towards(W), written.towardsWeight),
    ...(b === null ? [] : [plus(towards(b), summed(layer, d, m))]),
    ...(index.isConstant(layer.input) ? [] : [plus(towards(x), written.towardsInput)]),
  ];
  const name = /^z\^\{(\d+)\}$/.exec(z.latex)?.[1];
  return matched({
    kind: "dense",
    title: name === undefined ? `the affine map with ${W.text}` : `layer ${name}`,
    operations: [...operations],
    forward,
    backward,
    check: worst(matches, layer.z.dtype, Math.max(k, n, m)),
  });
}

/** One set of formulas for layers that follow each other: the field's, for one example, as columns. */
function repeatedBlock(index: TapeIndex, run: readonly Found[], symbolOf: SymbolOf): TextbookBlock[] {
  const [first] = run;
  const { activation } = first;
  if (activation === null) return [];
  const isChain = run.every(({ layer }) => {
    const [k, n] = extentsOf(layer);
    return isSmall(sizeOf(layer.z) / n, n, k);
  });
  if (!isChain) return [];
  const matches = run.flatMap((found, i) => {
    const own = [...forwardMatches(index, found), ...backwardMatches(index, found)];
    const next = run[i + 1];
    if (next === undefined) return own;
    // δ of one layer from that of the next, by the numbers of the graph
    const here = layerNumbers(index, found.layer);
    const there = layerNumbers(index, next.layer);
    const slopes = { ...here.z, data: here.z.data.map(activation.derivative) };
    const delta = hadamard(times(there.delta, there.weight), slopes);
    const term = largest(there.delta.data) * largest(there.weight.data);
    return [...own, { textbook: delta.data, lines: here.delta.data, term }];
  });
  const layerOf = (found: Found): string | undefined =>
    /^z\^\{(\d+)\}$/.exec(symbolOf(found.layer.z).latex)?.[1];
  const start = layerOf(first) ?? "1";
  const last = layerOf(run[run.length - 1]) ?? String(run.length);
  const z = formula("z^l", "z^{l}");
  const a = formula("a^l", "a^{l}");
  const hasBias = run.every(({ layer }) => layer.bias !== null);
  const slope = primed(activation, z, a);
  const stored = first.layer.stored === "outIn" ? "" : "; W is stored as its transpose";
  return matched({
    kind: "repeatedLayers",
    title: `layers ${start} to ${last}, each like the other, one example a column${stored}`,
    operations: run.flatMap(({ operations }) => operations),
    forward: [
      formula(
        `z^l = W^l a^(l−1)${hasBias ? " + b^l" : ""}, l = ${start} … ${last}`,
        `z^{l} = W^{l} a^{l-1}${hasBias ? " + b^{l}" : ""}, \\qquad l = ${start}, \\ldots, ${last}`,
      ),
      equal(a, activation.apply(z)),
    ],
    backward: [
      formula(
        `δ^l = ∂C/∂z^l = ((W^(l+1))ᵀ δ^(l+1)) ⊙ ${slope.text}`,
        `\\delta^{l} = \\frac{\\partial C}{\\partial z^{l}} = \\big((W^{l+1})^{\\mathsf T} \\delta^{l+1}\\big) \\odot ${slope.latex}`,
      ),
      activation.slope(z, a),
      formula(
        "∂C/∂W^l = Σ δ^l (a^(l−1))ᵀ",
        "\\frac{\\partial C}{\\partial W^{l}} = \\sum_x \\delta^{l} (a^{l-1})^{\\mathsf T}",
      ),
      ...(hasBias
        ? [formula("∂C/∂b^l = Σ δ^l", "\\frac{\\partial C}{\\partial b^{l}} = \\sum_x \\delta^{l}")]
        : []),
    ],
    check: worst(matches, first.layer.z.dtype, largestExtent(run)),
  });
}

function largestExtent(run: readonly Found[]): number {
  return Math.max(...run.flatMap(({ layer }) => [...layer.weight.shape, layer.z.shape[0] ?? 1]));
}
