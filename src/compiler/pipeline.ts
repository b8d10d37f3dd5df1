/**
 * The compiler, top to bottom: graph passes, then fusion, loops, donation and memory. One pass, one file, one verb; set
 * ADJOINT_PRINT=inline,unite,prune,hoist,defer,simplify,cse,masks,convolve,unroll,fuse,merge,rows,memory (some of them, or `all`) to see what each made, ADJOINT_VERIFY=1 to check every step.
 */
import type { Graph } from "../graph/graph.js";
import { formatGraph, listGraph } from "../graph/print.js";
import type { Schedule } from "../loops/ir.js";
import { donate } from "./donate.js";
import { fuse } from "./fuse.js";
import { verifyGraph, verifySchedule } from "./legality.js";
import { type BufferSpec, type Lowered, lower } from "./lower.js";
import { planMemory } from "./memory.js";
import { merge } from "./merge.js";
import { convolve } from "./passes/convolve.js";
import { cse } from "./passes/cse.js";
import { defer } from "./passes/defer.js";
import { hoist } from "./passes/hoist.js";
import { inline } from "./passes/inline.js";
import { masks } from "./passes/masks.js";
import { prune } from "./passes/prune.js";
import { simplify } from "./passes/simplify.js";
import { unite } from "./passes/unite.js";
import { unroll } from "./passes/unroll.js";
import { formatKernels, formatSchedule } from "./print.js";
import { rows } from "./rows.js";

export type PassName =
  | "inline"
  | "unite"
  | "prune"
  | "hoist"
  | "defer"
  | "simplify"
  | "cse"
  | "masks"
  | "convolve"
  | "unroll"
  | "fuse"
  | "merge"
  | "rows";

interface GraphPass {
  readonly name: PassName;
  readonly run: (graph: Graph) => Graph;
  /** A pass the program would be wrong without. */
  readonly required?: true;
}

interface KernelPass {
  readonly name: PassName;
  readonly run: (lowered: Lowered) => Lowered;
}

// dead code goes with every pass: a rewritten graph holds only what its outputs need
const graphPasses: readonly GraphPass[] = [
  { name: "inline", run: inline, required: true },
  { name: "unite", run: unite },
  { name: "prune", run: prune },
  { name: "hoist", run: hoist },
  { name: "defer", run: defer },
  { name: "simplify", run: simplify },
  { name: "cse", run: cse },
  { name: "masks", run: masks },
  { name: "convolve", run: convolve },
  { name: "unroll", run: unroll },
];

const kernelPasses: readonly KernelPass[] = [
  { name: "merge", run: merge },
  { name: "rows", run: rows },
];

export const passNames: readonly PassName[] = [
  ...graphPasses.map(({ name }) => name),
  "fuse",
  ...kernelPasses.map(({ name }) => name),
];

export interface PipelineOptions {
  readonly donated: readonly boolean[];
  /** For each graph input: keep its memory to itself, so that what was copied there stays from run to run. Default none. */
  readonly pinned?: readonly boolean[];
  /** Likewise all outputs: what a run has made is there until the next. Default false. */
  readonly pinnedOutputs?: boolean;
  /** Passes to leave out, for tests that compare programs with and without them. */
  readonly disable?: ReadonlySet<PassName>;
  readonly verify?: boolean;
}

/** A compiled program before a backend makes code of it. */
export interface Compiled {
  readonly schedule: Schedule;
  readonly constants: readonly { readonly buffer: number; readonly spec: BufferSpec }[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** For each output the input whose memory holds it after a run, or −1. */
  readonly inputOfOutput: readonly number[];
}

export function compile(graph: Graph, options: PipelineOptions): Compiled {
  const verify = options.verify === true || environment("ADJOINT_VERIFY") === "1";
  const printed = new Set((environment("ADJOINT_PRINT") ?? "").split(","));
  const show = (name: string, text: () => string): void => {
    if (printed.has(name) || printed.has("all")) console.error(`── ${name}\n${text()}`);
  };
  const isOn = (name: PassName): boolean => options.disable?.has(name) !== true;
  // graphs inside scans, choices and loops go the same way
  const lowerGraph = (given: Graph): Lowered => {
    let current = given;
    for (const pass of graphPasses) {
      if (!isOn(pass.name) && pass.required !== true) continue;
      current = pass.run(current);
      if (verify) verifyGraph(current);
      show(pass.name, () => formatGraph(listGraph(current)));
    }
    let fused = lower(current, fuse(current, isOn("fuse")), lowerGraph);
    show("fuse", () => formatKernels(fused.kernels));
    for (const pass of kernelPasses) {
      if (!isOn(pass.name)) continue;
      fused = pass.run(fused);
      show(pass.name, () => formatKernels(fused.kernels));
    }
    return fused;
  };
  const { lowered, inputOfOutput, resident } = donate(lowerGraph(graph), options.donated);
  const pinned = lowered.inputs.filter((_, i) => options.pinned?.[i] === true);
  if (options.pinnedOutputs === true) pinned.push(...lowered.outputs);
  const schedule = planMemory({ ...lowered, resident: new Set([...resident, ...pinned]) });
  if (verify) verifySchedule(schedule);
  show("memory", () => formatSchedule(schedule));
  return {
    schedule,
    constants: lowered.buffers.flatMap((spec, buffer) =>
      spec.constant === undefined ? [] : [{ buffer, spec }],
    ),
    inputs: lowered.inputs,
    outputs: lowered.outputs,
    inputOfOutput,
  };
}

/** An environment variable, where there is an environment. */
function environment(name: string): string | undefined {
  return (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env?.[name];
}
