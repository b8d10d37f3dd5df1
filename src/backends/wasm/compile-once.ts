/**
 * Graphs that were compiled before: who trains many times, or makes a function for `jit` anew in a loop, has the same graph each
 * time. Tracing finds that out; fusing it, planning its memory and writing its code, most of the time of a first call, are then
 * done already.
 */
import { type Compiled, compile, type PipelineOptions } from "../../compiler/pipeline.js";
import type { Graph } from "../../graph/graph.js";
import { closedKey } from "../../graph/graph-key.js";

/** Characters of all keys together, some 170 steps of small networks; with the engine's code they then take some 35 MB. */
const mostCharacters = 2 ** 20;
/** Bytes of constants above which the result is not kept: they would stay in memory for as long. */
const mostConstants = 2 ** 16;

/** The least recently used first. */
const kept = new Map<string, Compiled>();
let characters = 0;

/** As `compile` does, or what that gave for an equal graph. What it gives is never written to. */
export function compileOnce(graph: Graph, options: PipelineOptions): Compiled {
  const graphs = closedKey(graph);
  if (graphs === undefined || graphs.length > mostCharacters) return compile(graph, options);
  const key = `${flags(options.donated)} ${flags(options.pinned)} ${options.pinnedOutputs === true} ${graphs}`;
  const found = kept.get(key);
  if (found !== undefined) {
    kept.delete(key);
    kept.set(key, found);
    return found;
  }
  const compiled = compile(graph, options);
  const bytes = compiled.constants.reduce((sum, { spec }) => sum + (spec.constant?.byteLength ?? 0), 0);
  if (bytes > mostConstants) return compiled;
  kept.set(key, compiled);
  characters += key.length;
  for (const oldest of kept.keys()) {
    if (characters <= mostCharacters) break;
    kept.delete(oldest);
    characters -= oldest.length;
  }
  return compiled;
}

function flags(values: readonly boolean[] | undefined): string {
  return values?.map(Number).join("") ?? "";
}
