/**
 * Gradient checking: a function's derivatives by reverse mode against finite differences and against forward mode, in
 * float64; where they disagree, the operation at fault by name.
 */

import { constantNode, type Node, readValue } from "../graph/node.js";
import { adopt, isTensor } from "../tensor/convert.js";
import type { Tensor } from "../tensor/tensor.js";
import { isFloating } from "../types/dtype.js";
import { sizeOf } from "../types/shape.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import { leafPaths } from "../util/tree.js";
import {
  checkFunction,
  checkSynchronous,
  flattenTensors,
  type LiftableArguments,
  lift,
  rebuild,
} from "./arguments.js";
import { pushForward } from "./forward.js";
import { compareElements, inner, seededDraws } from "./gradcheck-elements.js";
import { findCulprits } from "./gradcheck-locate.js";
import { symmetricError } from "./gradcheck-numeric.js";
import { type ForwardReverseReport, GradCheckReport } from "./gradcheck-report.js";
import { epsilonOf } from "./gradcheck-rules.js";
import { pullBack, type Recorded, recordOn } from "./reverse.js";

/** How closely, and where, derivatives are checked. */
export interface GradCheckOptions {
  /** The largest |analytic − numeric| / (|analytic| + |numeric|) that passes. Default 1e-6 (1e-3 where f computes in float32). */
  readonly tolerance?: number;
  /** Derivatives below this are compared absolutely. Default 0: only what rounding hides is forgiven. */
  readonly floor?: number;
  /** Inputs with more elements are checked in random directions. Default 2000. */
  readonly maxElements?: number;
  /** How many random directions. Default 16. */
  readonly directions?: number;
  /** Of the random cotangents and directions. Default 0. */
  readonly seed?: number;
}

type Anything = readonly unknown[];
/** An evaluation of f: its tensors. */
type Outputs = readonly Node[];

const FLOAT64_EPSILON = 2 ** -52;
/** Largest float64 rounding that forward and reverse may differ by, relative to the terms of their sums. */
const FORWARD_REVERSE_TOLERANCE = 1e-9;

/**
 * Checks a function's derivatives at a point: reverse mode against finite differences of every element, and against forward
 * mode. Inputs are taken in float64. What is wrong is traced to the primitive whose rule is at fault.
 *
 * @param f a deterministic function of tensors (or trees of them) whose result may be any tree of tensors
 * @param inputs its arguments, as an array
 * @returns the report; read `passed`, or print it
 * @throws AdjointError `invalid-argument` where inputs are no array or f is not deterministic, `not-differentiable` where
 * no input or no output is floating-point, `async-function`
 * @example gradCheck((x) => x.sin().sum(), [tensor([0.5, 2])]).passed; // → true
 */
export function gradCheck<A extends Anything>(
  f: (...args: A) => unknown,
  inputs: readonly [...LiftableArguments<A>],
  options: GradCheckOptions = {},
): GradCheckReport {
  checkFunction(f, "gradCheck");
  if (!Array.isArray(inputs) || isTensor(inputs))
    throw new AdjointError(
      "invalid-argument",
      `gradCheck: inputs must be an array of f's arguments, received ${formatReceived(inputs)}`,
      { operation: "gradCheck", argument: "inputs", expected: "an array", received: formatReceived(inputs) },
    );
  const { floor = 0, maxElements = 2000, directions = 16, seed = 0 } = options;
  const flat = flattenTensors(inputs.map(lift));
  const paths = leafPaths(flat.structure);
  const variables = flat.leaves.flatMap((leaf, i) =>
    isFloating(leaf.dtype)
      ? [{ path: paths[i], at: i, shape: leaf.shape, x: Float64Array.from(readValue(leaf, "gradCheck")) }]
      : [],
  );
  if (variables.length === 0) throw notDifferentiable("no input is a floating-point tensor");
  const call = (values: readonly Tensor[]): Outputs => {
    const leaves: Node[] = [...flat.leaves];
    variables.forEach(({ at }, v) => {
      leaves[at] = values[v];
    });
    const result = f(...rebuild<A>(flat.structure, leaves));
    checkSynchronous(result, "gradCheck");
    return flattenTensors(result).leaves;
  };

  const primals = variables.map(({ x, shape }) => adopt(x, shape, "float64"));
  const { recorded } = recordOn("gradCheck", primals, (leaves) => ({
    outputs: call(leaves as readonly Tensor[]),
    result: undefined,
  }));
  if (!recorded.outputs.some((output) => isFloating(output.dtype)))
    throw notDifferentiable("no output is a floating-point tensor");
  const draw = seededDraws(seed);
  const weights = recorded.outputs.map(({ dtype, shape }) =>
    isFloating(dtype) ? draw(sizeOf(shape)) : new Float64Array(sizeOf(shape)),
  );
  const evaluate = (values: readonly Tensor[]): readonly ArrayLike<number>[] =>
    call(values).map((output) => readValue(output, "gradCheck"));
  checkDeterministic(recorded.outputs, evaluate(primals));

  const touched = recorded.operations.flatMap(({ inputs: from, outputs: to }) => [...from, ...to]);
  const epsilon = epsilonOf(touched, FLOAT64_EPSILON);
  const tolerance = options.tolerance ?? (epsilon > FLOAT64_EPSILON ? 1e-3 : 1e-6);
  const settings = { precision: { tolerance, floor, epsilon }, sampling: { maxElements, directions }, draw };

  const { bars, failure } = cotangentsOrFailure(recorded, weights);
  const reports = variables.map(({ path, shape, x }, v) => {
    const moved = (values: Float64Array): readonly ArrayLike<number>[] =>
      evaluate(primals.map((primal, k) => (k === v ? adopt(values, shape, "float64") : primal)));
    return {
      path,
      ...compareElements(moved, x, shape, weights, bars[v], settings.precision, settings.sampling, draw),
    };
  });
  const dots = variables.map(({ x }) => draw(x.length));
  const forwardReverse = compareModes(
    recorded,
    weights,
    bars,
    dots,
    Math.max(FORWARD_REVERSE_TOLERANCE, 8 * epsilon),
  );
  const clean = forwardReverse.verdict !== "wrong" && reports.every(({ verdict }) => verdict !== "wrong");
  const culprits = clean ? [] : findCulprits(recorded.operations, settings);
  // a backward pass that broke off for a reason of its own is not a matter of derivatives
  if (failure !== undefined && culprits.length === 0) throw failure;
  return new GradCheckReport({ inputs: reports, forwardReverse, culprits, tolerance, seed });
}

/**
 * `gradCheck` that throws where a derivative is wrong: for tests.
 *
 * @throws AdjointError `gradient-check-failed` with the report as its message and as `cause`; otherwise as gradCheck
 * @example assertGradients((x) => x.tanh().mean(), [tensor([0.5, 2])]).passed; // → true
 */
export function assertGradients<A extends Anything>(
  f: (...args: A) => unknown,
  inputs: readonly [...LiftableArguments<A>],
  options: GradCheckOptions = {},
): GradCheckReport {
  const report = gradCheck(f, inputs, options);
  if (!report.passed)
    throw new AdjointError(
      "gradient-check-failed",
      `assertGradients: derivatives disagree\n${report.toString()}`,
      { operation: "assertGradients", argument: "f" },
      { cause: report },
    );
  return report;
}

/** Reverse mode; where a rule breaks it off, NaN for every element and the reason. */
function cotangentsOrFailure(
  recorded: Recorded,
  weights: readonly Float64Array[],
): { bars: readonly ArrayLike<number>[]; failure?: AdjointError } {
  const cotangents = recorded.outputs.map(({ dtype, shape }, k) =>
    isFloating(dtype)
      ? constantNode(shape, dtype, dtype === "float64" ? weights[k] : Float32Array.from(weights[k]))
      : null,
  );
  const filled = (value: number): Float64Array[] =>
    recorded.leaves.map(({ shape }) => new Float64Array(sizeOf(shape)).fill(value));
  try {
    const zeros = filled(0);
    return {
      bars: pullBack(recorded, cotangents).map((bar, i) => (bar === null ? zeros[i] : readValue(bar))),
    };
  } catch (failure) {
    if (failure instanceof AdjointError) return { bars: filled(Number.NaN), failure };
    throw failure;
  }
}

function compareModes(
  recorded: Recorded,
  weights: readonly Float64Array[],
  bars: readonly ArrayLike<number>[],
  dots: readonly Float64Array[],
  tolerance: number,
): ForwardReverseReport {
  const tangents = recorded.leaves.map(({ shape }, i) => constantNode(shape, "float64", dots[i]));
  const pushed = tangentsOrNaN(recorded, tangents);
  const sizes = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
    inner(
      Array.from(a, (value) => Math.abs(value)),
      Array.from(b, (value) => Math.abs(value)),
    );
  const forward = pushed.reduce((sum, dot, k) => sum + (dot === null ? 0 : inner(weights[k], dot)), 0);
  const reverse = bars.reduce((sum, bar, i) => sum + inner(bar, dots[i]), 0);
  const size = bars.reduce((sum, bar, i) => sum + sizes(bar, dots[i]), 0);
  // NaN and ∞ on both sides (√ at 0, say) is agreement on what there is to agree on
  const bothUndefined = !Number.isFinite(forward) && !Number.isFinite(reverse);
  const error = bothUndefined ? 0 : symmetricError(forward, reverse, size);
  const verdict = bothUndefined ? "inconclusive" : error <= tolerance ? "ok" : "wrong";
  return { forward, reverse, error, verdict };
}

/** Forward mode; where a rule breaks it off, NaN. */
function tangentsOrNaN(recorded: Recorded, tangents: readonly Node[]): (ArrayLike<number> | null)[] {
  try {
    return pushForward(recorded, tangents).map((dot) => (dot === null ? null : readValue(dot)));
  } catch (failure) {
    if (!(failure instanceof AdjointError)) throw failure;
    return recorded.outputs.map(({ shape }) => new Float64Array(sizeOf(shape)).fill(Number.NaN));
  }
}

function checkDeterministic(first: Outputs, second: readonly ArrayLike<number>[]): void {
  const same =
    first.length === second.length &&
    first.every((output, k) => readValue(output).every((value, i) => Object.is(value, second[k][i])));
  if (!same)
    throw new AdjointError(
      "invalid-argument",
      "gradCheck: f gave two different results at the same point; it must be deterministic (draw random numbers from a fixed key)",
      { operation: "gradCheck", argument: "f", expected: "a deterministic function" },
    );
}

function notDifferentiable(why: string): AdjointError {
  return new AdjointError("not-differentiable", `gradCheck: ${why}; there is nothing to differentiate`, {
    operation: "gradCheck",
    expected: "float32 or float64 tensors",
  });
}
