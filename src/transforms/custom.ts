/**
 * customVjp: the user's own backward rule. The forward function runs and is recorded as always; its outputs then pass through
 * one more operation, an identity that sends cotangents to the arguments by the user's rule instead of through the
 * forward computation. Higher derivatives follow, because the residuals the rule reads are ordinary recorded values.
 */

import { traceGraph } from "../graph/graph.js";
import { bindAll, type Node, uniformNode } from "../graph/node.js";
import type { Primitive, TensorType } from "../graph/primitive.js";
import { broadcast } from "../primitives/broadcast.js";
import { batchAll } from "../primitives/support.js";
import { checkOptions, invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import type { Structure } from "../util/tree.js";
import { checkSynchronous, flattenTensors, lift, matchLeaves, rebuild } from "./arguments.js";
import { pullBack, recordOn } from "./reverse.js";
import { evaluateBatched } from "./vmap.js";

/** Cotangents of the arguments from residuals and cotangents of the outputs. */
type BackwardRule = (residuals: readonly Node[], cotangents: readonly Node[]) => readonly (Node | null)[];

export interface CustomParams {
  /** Of the user's forward function, for messages. */
  readonly name: string;
  readonly outputs: number;
  readonly residuals: number;
  readonly backward: BackwardRule;
}

const zeroLike = (type: TensorType): Node => uniformNode(type.shape, type.dtype, 0);

/** Inputs: outputs…, residuals…, arguments… */
export const customPrimitive: Primitive<CustomParams> = {
  name: "customVjp",
  outputTypes: (inputs, { outputs }) =>
    inputs.slice(0, outputs).map(({ shape, dtype }) => ({ shape, dtype })),
  evaluate: (inputs, { params }) => inputs.slice(0, params.outputs),
  // the rule is linear in the cotangent: ẏ is its transpose applied to ẋ
  jvp: ({ primals, tangents, params }) => {
    const outputs = primals.slice(0, params.outputs);
    const residuals = primals.slice(params.outputs, params.outputs + params.residuals);
    const args = primals.slice(params.outputs + params.residuals);
    const argTangents = tangents.slice(params.outputs + params.residuals);
    if (argTangents.every((dot) => dot === null)) return outputs.map(() => null);
    const { recorded, result: given } = recordOn("customVjp", outputs.map(zeroLike), (cotangents) => {
      const bars = params.backward(residuals, cotangents);
      return { outputs: bars.map((bar, i) => bar ?? zeroLike(args[i])), result: bars };
    });
    return pullBack(
      recorded,
      argTangents.map((dot, i) => (given[i] === null ? null : dot)),
    );
  },
  vjp: ({ primals, cotangents, params }) => {
    const outputs = primals.slice(0, params.outputs);
    const residuals = primals.slice(params.outputs, params.outputs + params.residuals);
    const held = [...outputs, ...residuals].map(() => null);
    const bars = params.backward(
      residuals,
      cotangents.map((bar, i) => bar ?? zeroLike(outputs[i])),
    );
    return [...held, ...bars];
  },
  batch(context) {
    const { params, size } = context;
    const inputs = batchAll(context, broadcast);
    const backward: BackwardRule = (residuals, cotangents) => {
      const all = [...residuals, ...cotangents];
      const present: boolean[] = [];
      const graph = traceGraph(
        "vmap",
        all.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype })),
        (leaves) => {
          const bars = params.backward(leaves.slice(0, residuals.length), leaves.slice(residuals.length));
          for (const bar of bars) present.push(bar !== null);
          return bars.filter((bar) => bar !== null);
        },
      );
      const result = evaluateBatched(
        graph,
        all,
        all.map(() => true),
        size,
      );
      const whole = result.outputs.map((node, i) =>
        result.batched[i] ? node : broadcast(node, [0], [size]),
      );
      return present.map((has) => (has ? (whole.shift() ?? null) : null));
    };
    return bindAll(customPrimitive, inputs, { ...params, backward });
  },
  lowering: { kind: "inline", expand: (inputs, { outputs }) => inputs.slice(0, outputs) },
  cost: () => ({ flops: 0 }),
};

/** What `customVjp` takes. */
export interface CustomVjp<A extends readonly unknown[], R, S> {
  /** What reports call the rule, such as a gradient check's. Default: the name of `forward`. */
  readonly name?: string;
  /** The function, giving its output and what the backward rule needs. */
  readonly forward: (...args: A) => readonly [output: R, residuals: S];
  /** One cotangent (a tree like the argument, or null for none) for each argument. */
  readonly backward: (residuals: S, cotangent: R) => readonly unknown[];
}

/**
 * A function with a backward rule of your own, for a derivative that is known in closed form, cheaper or more stable. It
 * works under every transform; forward mode transposes the rule.
 *
 * @throws AdjointError `invalid-argument`, `tree-mismatch`, `shape-mismatch` where the rule's cotangents do not fit
 * @example
 * const cube = customVjp({ forward: (x) => [x.pow(3), x], backward: (x, y) => [y.mul(3).mul(x.mul(x))] });
 * grad(cube)(2).item(); // → 12
 */
export function customVjp<A extends readonly unknown[], R, S>(rule: CustomVjp<A, R, S>): (...args: A) => R {
  checkOptions(rule, "customVjp", "an object with forward and backward", "rule");
  for (const name of ["forward", "backward"] as const)
    if (typeof rule[name] !== "function")
      throw invalidArgument("customVjp", name, "a function", formatReceived(rule[name]));
  return (...given) => {
    // numbers in tensors' places become tensors, as everywhere
    const args = given.map(lift) as unknown as A;
    const result = rule.forward(...args);
    checkSynchronous(result, "customVjp");
    if (!Array.isArray(result) || result.length !== 2)
      throw new AdjointError(
        "invalid-argument",
        `customVjp: forward must return [output, residuals], received ${formatReceived(result)}`,
        {
          operation: "customVjp",
          argument: "forward",
          expected: "[output, residuals]",
          received: formatReceived(result),
        },
      );
    const [value, kept] = result as readonly [R, S];
    const output = flattenTensors(lift(value), "customVjp");
    const residuals = flattenTensors(kept, "customVjp");
    const inputs = args.map((value) => flattenTensors(value, "customVjp"));
    const leaves = inputs.flatMap((input) => input.leaves);
    const backward: BackwardRule = (saved, cotangents) => {
      const bars = rule.backward(
        rebuild<S>(residuals.structure, saved),
        rebuild<R>(output.structure, cotangents),
      );
      return matchCotangents(bars, inputs);
    };
    const results = bindAll(customPrimitive, [...output.leaves, ...residuals.leaves, ...leaves], {
      name: rule.name ?? rule.forward.name,
      outputs: output.leaves.length,
      residuals: residuals.leaves.length,
      backward,
    });
    return rebuild<R>(output.structure, results);
  };
}

function matchCotangents(
  bars: unknown,
  inputs: readonly { readonly structure: Structure; readonly leaves: readonly Node[] }[],
): (Node | null)[] {
  if (!Array.isArray(bars) || bars.length !== inputs.length)
    throw new AdjointError(
      "tree-mismatch",
      `customVjp: backward must return an array of ${inputs.length} cotangents, one for each argument, received ${formatReceived(bars)}`,
      {
        operation: "customVjp",
        argument: "backward",
        expected: `${inputs.length} cotangents`,
        received: formatReceived(bars),
      },
    );
  return inputs.flatMap((input, index) => {
    if (bars[index] === null || bars[index] === undefined) return input.leaves.map(() => null);
    return matchLeaves(
      bars[index],
      input.structure,
      input.leaves,
      "customVjp",
      `backward's cotangent ${index}`,
    );
  });
}
