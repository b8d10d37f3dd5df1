/** From a program that fails to a small one that fails. */
import type { Program } from "./generate.js";

/** The program with only what the outputs need. */
function prune(program: Program): Program {
  const needed = new Set(program.outputs);
  const count = program.inputs.length;
  for (let i = program.steps.length - 1; i >= 0; i--)
    if (needed.has(count + i)) for (const k of program.steps[i].operands) needed.add(k);
  const kept = program.values.map((_, k) => k).filter((k) => needed.has(k));
  const renamed = new Map(kept.map((k, i) => [k, i]));
  const name = (k: number): number => renamed.get(k) ?? -1;
  return {
    seed: program.seed,
    inputs: program.inputs.filter((_, k) => needed.has(k)),
    steps: program.steps
      .filter((_, i) => needed.has(count + i))
      .map((step) => ({ ...step, operands: step.operands.map(name) })),
    outputs: program.outputs.map(name),
    values: kept.map((k) => program.values[k]),
  };
}

/** A value that was computed becomes an input. */
function cut(program: Program, step: number): Program {
  const count = program.inputs.length;
  const at = count + step;
  const moved = (k: number): number => (k === at ? count : k >= count && k < at ? k + 1 : k);
  const value = program.values[at];
  return {
    ...program,
    inputs: [
      ...program.inputs,
      { shape: value[0].shape, dtype: value[0].dtype, shared: false, examples: value },
    ],
    steps: program.steps.filter((_, i) => i !== step).map((s) => ({ ...s, operands: s.operands.map(moved) })),
    outputs: program.outputs.map(moved),
    values: [
      ...program.values.slice(0, count),
      value,
      ...program.values.slice(count).filter((_, i) => i !== step),
    ],
  };
}

/** A smaller program that still fails: fewer outputs, and computed values given instead. */
export function minimise(program: Program, fails: (program: Program) => boolean): Program {
  let best = program;
  for (let improved = true; improved; ) {
    improved = false;
    const candidates: Program[] = [];
    if (best.outputs.length > 1)
      for (const k of best.outputs)
        candidates.push(prune({ ...best, outputs: best.outputs.filter((o) => o !== k) }));
    for (let i = best.steps.length - 1; i >= 0; i--) candidates.push(prune(cut(best, i)));
    const pruned = prune(best);
    if (pruned.steps.length < best.steps.length) candidates.push(pruned);
    for (const candidate of candidates)
      if (candidate.outputs.length > 0 && fails(candidate)) {
        best = candidate;
        improved = true;
        break;
      }
  }
  return best;
}
