/** The derivation as a textbook has it: recognised parts in their own formulas, and small graphs as one. */
import type { Target, Textbook, TextbookBlock } from "../document.js";
import type { FoundLayers } from "../layers.js";
import type { Symbols } from "../symbols.js";
import type { TapeIndex } from "../tape-index.js";
import { denseBlocks } from "./dense.js";
import { expandDerivative } from "./expand.js";
import { layerNormBlocks } from "./layer-norm.js";
import { crossEntropyBlocks, softmaxBlocks } from "./softmax.js";

/** Graphs with more operations are not searched. */
const largestGraph = 2_000;

/**
 * @param names of the inputs, in order
 */
export function textbookOf(
  index: TapeIndex,
  symbols: Symbols,
  names: readonly string[],
  layers: FoundLayers,
  target: Target,
): Textbook {
  const isSmall = index.tape.operations.length <= largestGraph;
  const symbolOf = symbols.of.bind(symbols);
  const blocks = isSmall
    ? [
        ...denseBlocks(index, names, layers, symbolOf),
        ...softmaxBlocks(index, layers.composites, symbolOf),
        ...layerNormBlocks(index, symbolOf),
        ...crossEntropyBlocks(index, layers.composites, symbolOf),
      ]
    : [];
  return {
    blocks: blocks.sort((a, b) => first(a) - first(b)),
    expansion: expandDerivative(index, symbols, layers.composites, index.nodes[target.node]),
  };
}

function first({ operations }: TextbookBlock): number {
  return Math.min(...operations);
}
