/**
 * What a kernel computes, as people write it: `t₁ = relu(x·weight₀ᵀ + bias₀)`. For profiles, where names of operations say too little.
 */
import type { Kernel, Schedule } from "../loops/ir.js";
import { FormulaWriter, subscript } from "./formula.js";
import { buffersOf, outputsOf } from "./kernels.js";
import { leavesOf } from "./nested.js";
import type { Compiled } from "./pipeline.js";

/** A kernel for people. */
export interface KernelDescription {
  /** `t₁ = relu(x·weight₀ᵀ + bias₀)`, in at most 84 characters. */
  readonly formula: string;
  /** `[64, 784]·[784, 128]`, or the extents of its loops. */
  readonly extents: string;
}

const longest = 84;

/**
 * Every kernel of a schedule, in order. Values between kernels are called t₁, t₂, … in the order in which they are made.
 *
 * @param names of buffers that have one: inputs and outputs
 */
export function describeKernels(
  schedule: Schedule,
  names: ReadonlyMap<number, string>,
): readonly KernelDescription[] {
  const known = new Map(names);
  let made = 0;
  let constants = 0;
  return schedule.kernels.map((kernel) => {
    const written = outputsOf(kernel);
    for (const buffer of buffersOf(kernel)) {
      if (known.has(buffer) || written.has(buffer)) continue;
      constants++;
      known.set(buffer, `c${subscript(constants)}`);
    }
    for (const buffer of written) {
      if (known.has(buffer)) continue;
      made++;
      known.set(buffer, `t${subscript(made)}`);
    }
    return { formula: formulaOf(kernel, known), extents: extentsOf(kernel) };
  });
}

/**
 * Short names for leaves: `weight₂` for `model.layers.2.weight`. Where that is taken already, the word that tells them apart stands
 * before it (`velocity.weight₂`), or else the whole path: parameters come first, then what an optimizer remembers of them.
 *
 * @param paths of leaves, each with the name of its argument in front
 */
export function shortNames(paths: readonly string[]): string[] {
  const owners = new Map<string, readonly string[]>();
  return paths.map((path) => {
    const words = path.split(".");
    const short = shortName(words);
    const owner = owners.get(short);
    const telling =
      owner === undefined ? [] : [words[1], words[0]].filter((word, i) => word !== owner[1 - i]);
    const candidates = [short, ...telling.map((word) => `${word}.${short}`), path];
    const name = candidates.find((candidate) => !owners.has(candidate)) ?? path;
    owners.set(name, words);
    return name;
  });
}

/** The last word, with the numbers around it as subscripts. */
function shortName(words: readonly string[]): string {
  const isNumber = (word: string | undefined): word is string => word !== undefined && /^\d+$/.test(word);
  let last = words.length - 1;
  while (last > 0 && isNumber(words[last])) last--;
  const numbers = words.slice(last + 1);
  if (isNumber(words[last - 1])) numbers.unshift(words[last - 1]);
  return `${words[last]}${numbers.map((word) => subscript(Number(word))).join("₋")}`;
}

/** Names of a program's buffers from the paths of its inputs; results written over inputs have theirs. */
export function namesOfBuffers(
  { inputs, outputs, inputOfOutput }: Compiled,
  paths: readonly string[],
): ReadonlyMap<number, string> {
  const names = shortNames(paths);
  const named = new Map(inputs.map((buffer, i) => [buffer, names[i]]));
  const fresh = outputs.filter((buffer, o) => inputOfOutput[o] < 0 && !named.has(buffer));
  outputs.forEach((buffer, o) => {
    const input = inputOfOutput[o];
    if (named.has(buffer)) return;
    const result = fresh.length === 1 ? "out" : `out${subscript(1 + fresh.indexOf(buffer))}`;
    named.set(buffer, input >= 0 ? names[input] : result);
  });
  return named;
}

function extentsOf(kernel: Kernel): string {
  switch (kernel.kind) {
    case "scan":
      return `${kernel.length} steps`;
    case "loops":
      return `[${kernel.loops.join(", ")}]`;
    case "rows":
      return `[${kernel.rows.join(", ")}]`;
    case "dot": {
      const batch = kernel.batch.length === 0 ? "" : `${kernel.batch.join(", ")}, `;
      return `[${batch}${kernel.m}, ${kernel.k}]·[${batch}${kernel.k}, ${kernel.n}]`;
    }
    case "cumsum":
      return `[${kernel.rows}, ${kernel.length}, ${kernel.inner}]`;
    case "argsort":
      return `[${kernel.rows}, ${kernel.length}]`;
    case "factor":
      return `[${kernel.matrices}, ${kernel.n}, ${kernel.n}]`;
    case "substitute":
      return `[${kernel.matrices}, ${kernel.n}, ${kernel.columns}]`;
    case "randomBits":
      return `[${kernel.keyCount}, ${kernel.count}]`;
    default:
      return "";
  }
}

function formulaOf(kernel: Kernel, names: ReadonlyMap<number, string>): string {
  const nameOf = (buffer: number): string => names.get(buffer) ?? `b${buffer}`;
  switch (kernel.kind) {
    case "loops":
    case "dot":
    case "rows":
      break;
    case "scan":
    case "cond":
    case "while":
      return cut(
        `${kernel.name} of ${leavesOf([kernel])
          .map(({ name }) => name)
          .join("; ")}`,
      );
    case "cumsum":
      return `${nameOf(kernel.output)} = cumsum ${nameOf(kernel.input)}`;
    case "argsort":
      return `${nameOf(kernel.output)} = argsort ${nameOf(kernel.input)}`;
    case "factor":
      return `${nameOf(kernel.output)} = ${kernel.op} ${nameOf(kernel.input)}`;
    case "substitute": {
      const inverse = kernel.matrix.transpose ? "⁻ᵀ" : "⁻¹";
      return `${nameOf(kernel.output)} = ${nameOf(kernel.factors)}${inverse}·${nameOf(kernel.input)}`;
    }
    case "randomBits":
      return `${nameOf(kernel.output)} = random bits of ${nameOf(kernel.keys)}`;
    default:
      return ownFormula(kernel, nameOf);
  }
  const parts = kernel.kind === "rows" ? kernel.parts : [kernel];
  for (let depth = 8; depth >= 0; depth--) {
    const text = parts
      .flatMap((part) => {
        const writer = new FormulaWriter(part, nameOf, depth);
        // several into one buffer are one thing, written place by place
        const firsts = part.stores.filter(
          (store, i) => part.stores.findIndex(({ buffer }) => buffer === store.buffer) === i,
        );
        return firsts.map((store) => writer.store(store));
      })
      .join("; ");
    if (text.length <= longest) return text;
  }
  return ownFormula(kernel, nameOf);
}

/** Where formulas do not fit: the operations, and what goes in and out. */
function ownFormula(kernel: Kernel, nameOf: (buffer: number) => string): string {
  const written = outputsOf(kernel);
  const read = [...buffersOf(kernel)].filter((buffer) => !written.has(buffer));
  return cut(`${[...written].map(nameOf).join(", ")} = ${kernel.name}(${read.map(nameOf).join(", ")})`);
}

const cut = (text: string): string => (text.length > longest ? `${text.slice(0, longest - 1)}…` : text);
