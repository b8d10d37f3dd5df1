/**
 * jit: record the function once for each signature (trees, shapes, dtypes, everything that is not a tensor), compile the
 * graph, and from then on only run the program.
 */

import { currentDevice, type Device, type Executable } from "../graph/device.js";
import { closeOver, evaluateGraph, type Graph, liveCaptures, traceGraph } from "../graph/graph.js";
import { constantNode, isRecorded, type Node, Recording, readValue } from "../graph/node.js";
import type { Storage } from "../graph/storage.js";
import type { Tensor } from "../tensor/tensor.js";
import { checkOptionNames, invalidArgument, isList, isNatural } from "../util/checks.js";
import { AdjointError, formatList, formatShape } from "../util/errors.js";
import { type Structure, staticKey, structureKey } from "../util/tree.js";
import { checkArgumentIndex, checkFunction, checkSynchronous, flattenTensors, rebuild } from "./arguments.js";
import { call, executableOf, run } from "./call.js";
import { leavesLike, type Parts, type Pattern, patternOf } from "./jit-pattern.js";

type Anything = readonly unknown[];

/** How arguments are treated. */
export interface JitOptions {
  /**
   * Arguments the caller gives up: their memory is reused for the results, as a training step does with its
   * parameters. Reading a donated tensor afterwards is an error.
   */
  readonly donate?: readonly number[];
  /** Arguments compared by value or identity instead of being traced; a new one is a new signature. */
  readonly static?: readonly number[];
}

interface Traced {
  readonly graph: Graph;
  /** Nodes of transforms outside that the function used; they follow the inputs. */
  readonly captures: readonly Node[];
  readonly output: Structure;
  /** For each input of the graph: may its memory be reused? */
  readonly donated: readonly boolean[];
  /** The program, and the device it was compiled for. */
  compiled?: { readonly device: Device | undefined; readonly executable: Executable };
}

/** Signatures of one function beyond which every new one costs memory without an end in sight. */
const signatureWarning = 64;

/** What a donated tensor is left with. */
const donatedStorage: Storage = {
  gone: "donated",
  read() {
    throw new AdjointError(
      "donated",
      "this tensor was donated to a jit call, which has reused its memory; use the call's result, or leave the argument out of donate",
      { operation: "jit", expected: "a tensor with a value", received: "a donated tensor" },
    );
  },
};

/**
 * Compiles a function of tensors. The first call for a signature traces and compiles; every further one runs the program.
 * Values that are not tensors belong to the signature. The function must be pure: what it does besides computing happens
 * only while tracing, and tensors it closes over are read then.
 *
 * @throws AdjointError `abstract-value` where the function reads a tensor's value, `async-function`, `donated`
 * @example jit((x) => x.mul(x).sum())(tensor([1, 2, 3])).item(); // → 14
 */
export function jit<R, A extends Anything = Tensor[]>(
  f: (...args: A) => R,
  options: JitOptions = {},
): (...args: A) => R {
  checkFunction(f, "jit");
  checkOptionNames(options, ["donate", "static"], "jit");
  const signatures = new Map<string, Traced>();
  const statics = argumentSet(options.static, "static");
  const donations = argumentSet(options.donate, "donate");
  // most calls have the signature of the one before: comparing with it is cheaper than writing a key
  let last: { readonly pattern: Pattern; readonly traced: Traced } | undefined;
  const compiled = (...args: A): R => {
    const recent = last;
    const alike = recent === undefined ? undefined : leavesLike(recent.pattern, args);
    if (recent !== undefined && alike !== undefined) {
      const storages = plainStorages(alike);
      if (storages !== undefined) return runPlainly(recent.traced, alike, storages);
      return dissolves(alike)
        ? f(...args)
        : rebuild<R>(recent.traced.output, call(recent.traced.graph, alike));
    }
    const parts = partsOf(args);
    const leaves = parts.flatMap((part) => part.leaves);
    if (dissolves(leaves)) return f(...args);
    const traced = lookUp(args, parts);
    const inputs = [...leaves, ...traced.captures];
    const storages = plainStorages(inputs);
    if (storages !== undefined) return runPlainly(traced, leaves, storages);
    return rebuild<R>(traced.output, call(traced.graph, inputs));
  };
  const runPlainly = (traced: Traced, leaves: readonly Node[], storages: readonly Storage[]): R => {
    const outputs = run(traced.graph, programOf(traced), storages);
    if (donations.size > 0)
      for (let i = 0; i < leaves.length; i++) if (traced.donated[i]) leaves[i].storage = donatedStorage;
    return rebuild<R>(traced.output, outputs);
  };
  const partsOf = (args: A): Parts => {
    for (const index of statics) checkArgumentIndex(index, args.length, "jit", "static");
    for (const index of donations) checkArgumentIndex(index, args.length, "jit", "donate");
    return args.map((value, index) => flattenTensors(statics.has(index) ? undefined : value, "jit"));
  };
  const lookUp = (args: A, parts: Parts): Traced => {
    const key = signatureOf(args, parts, statics);
    let traced = signatures.get(key);
    if (traced === undefined) {
      traced = trace(f, args, parts, statics, donations);
      // a trace that used a node of a running transform holds for this call only
      if (traced.captures.length > 0) return traced;
      signatures.set(key, traced);
      if (signatures.size === signatureWarning) warnOfSignatures(f.name);
    }
    last = { pattern: patternOf(args, parts, statics), traced };
    return traced;
  };
  Object.defineProperty(compiled, "name", { value: f.name, configurable: true });
  return compiled;
}

function argumentSet(list: readonly number[] = [], option: string): ReadonlySet<number> {
  if (!isList(list, isNatural))
    throw invalidArgument("jit", option, "an array of argument numbers", formatList(list));
  return new Set(list);
}

/** The program for the device that computes now. */
function programOf(traced: Traced): Executable {
  const device = currentDevice();
  if (traced.compiled === undefined || traced.compiled.device !== device)
    traced.compiled = { device, executable: executableOf(traced.graph, traced.donated) };
  return traced.compiled.executable;
}

/** Whether a call is part of another jit function that is being traced. */
function dissolves(leaves: readonly Node[]): boolean {
  return leaves.some((leaf) => leaf.isAbstract) && Recording.innermostTrace()?.name === "jit";
}

/** The values of nodes that no transform watches; undefined where one has none, or is watched. */
function plainStorages(nodes: readonly Node[]): Storage[] | undefined {
  const storages: Storage[] = [];
  for (const node of nodes) {
    if (node.storage === null || isRecorded(node)) return undefined;
    storages.push(node.storage);
  }
  return storages;
}

function signatureOf(
  args: Anything,
  parts: readonly { readonly leaves: readonly Node[]; readonly structure: Structure }[],
  statics: ReadonlySet<number>,
): string {
  let key = "";
  parts.forEach((part, index) => {
    key += `;${statics.has(index) ? staticKey(args[index]) : structureKey(part.structure)}`;
    for (const leaf of part.leaves) key += `${leaf.dtype}${formatShape(leaf.shape)}`;
  });
  return key;
}

function trace<A extends Anything, R>(
  f: (...args: A) => R,
  args: A,
  parts: readonly { readonly leaves: readonly Node[]; readonly structure: Structure }[],
  statics: ReadonlySet<number>,
  donations: ReadonlySet<number>,
): Traced {
  let output: Structure = { kind: "static", value: undefined };
  const types = parts.flatMap((part) => part.leaves);
  const open = traceGraph("jit", types, (abstract) => {
    let next = 0;
    const substituted = parts.map((part, index) => {
      const own = abstract.slice(next, next + part.leaves.length);
      next += own.length;
      return statics.has(index) ? args[index] : rebuild(part.structure, own);
    });
    // the same trees with other tensors in them
    const result = f(...(substituted as unknown as A));
    checkSynchronous(result, "jit");
    const flat = flattenTensors(result, "jit");
    output = flat.structure;
    return flat.leaves;
  });
  const captures = liveCaptures(open);
  const donated =
    donations.size === 0
      ? []
      : [
          ...parts.flatMap((part, index) => part.leaves.map(() => donations.has(index))),
          ...captures.map(() => false),
        ];
  return { graph: freeze(closeOver(open, captures)), captures, output, donated };
}

/**
 * The same graph over constants of its own: what the function closed over is read now, whatever later becomes of those
 * tensors (another jit call may take them as a donation).
 */
function freeze(graph: Graph): Graph {
  const constants = graph.captures.filter((capture) => capture.storage?.uniform === undefined);
  if (constants.length === 0) return graph;
  const copies = constants.map((node) => constantNode(node.shape, node.dtype, readValue(node, "jit")));
  return traceGraph("jit", graph.inputs, (leaves) =>
    evaluateGraph(closeOver(graph, constants), [...leaves, ...copies]),
  );
}

function warnOfSignatures(name: string): void {
  console.warn(
    `adjoint: jit has compiled ${name === "" ? "a function" : name} for ${signatureWarning} different signatures. A number or shape that changes with every call makes a new one each time: pass numbers as tensors, and keep shapes few.`,
  );
}
