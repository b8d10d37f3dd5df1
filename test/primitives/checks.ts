/**
 * What must hold for every primitive. Each check gives one line for each way in which a case breaks it; the suite over the
 * registry expects none, and the planted bugs expect some.
 */

import { constantNode, makeNode, type Node, readValue } from "../../src/graph/node.js";
import { gradCheck, jvp, type Tensor, vjp } from "../../src/index.js";
import { fromNode } from "../../src/tensor/convert.js";
import { seededDraws } from "../../src/transforms/gradcheck-elements.js";
import { checkRules, forwardAgainstReverse } from "../../src/transforms/gradcheck-rules.js";
import { allocate, isFloating } from "../../src/types/dtype.js";
import { sameShape, sizeOf } from "../../src/types/shape.js";
import { apply, type Case, evaluate, inputsOf, labelOf, sameElements, show } from "./cases.js";

/** Forward and reverse mode differ by rounding only: sums of at most a few thousand terms of 2⁻⁵². */
const ADJOINT_TOLERANCE = 1e-12;
const precision = { tolerance: 1e-6, floor: 0, epsilon: 2 ** -52 };
const sampling = { maxElements: 100, directions: 4 };
/** Second derivatives of every element by every element are only affordable for small inputs. */
const SECOND_ORDER_ELEMENTS = 40;
const BATCH = 3;

/** The shape rule gives what evaluation gives, in number, shape and element type, and what abstract tensors get. */
export function shapeRuleProblems(test: Case): string[] {
  const inputs = inputsOf(test);
  const { types, values } = evaluate(test, inputs);
  const problems: string[] = [];
  if (types.length !== values.length)
    problems.push(`${values.length} results, ${types.length} by the shape rule`);
  types.forEach(({ shape, dtype }, i) => {
    const value = values[i];
    if (value.length !== sizeOf(shape)) problems.push(`${value.length} elements, shape rule [${shape}]`);
    if (value.constructor !== allocate(dtype, 0).constructor)
      problems.push(`${value.constructor.name} for the shape rule's ${dtype}`);
  });
  const abstract = inputs.map((input) => makeNode(input.shape, input.dtype, null));
  const abstractly = abstract.length === 0 ? types : apply(test, abstract);
  if (!abstractly.every((node, i) => sameShape(node.shape, types[i].shape) && node.dtype === types[i].dtype))
    problems.push("another type for abstract inputs");
  return problems.map((problem) => `${labelOf(test)}: ${problem}`);
}

/** Are derivatives to be checked here: float64 variables at ordinary points? */
export function isDifferentiableCase({ name, sample }: Case): boolean {
  // stopGradient's derivative is zero by intention
  if (name === "stopGradient" || sample.valuesOnly === true) return false;
  return sample.inputs.some(({ dtype }) => dtype === "float64");
}

/** VJP and JVP against central differences, and against each other. */
export function derivativeProblems(test: Case): string[] {
  const inputs = inputsOf(test);
  const { types, values } = evaluate(test, inputs);
  const outputs = values.map((value, i) => constantNode(types[i].shape, types[i].dtype, value));
  const application = { primitive: test.primitive, params: test.sample.params, inputs, outputs };
  const draw = seededDraws(1);
  const culprits = checkRules(application, { precision, sampling, draw });
  const problems = culprits.map(
    ({ rule, input, worst }) =>
      `${rule} ${input ?? "together"} at [${worst.index}]: ${worst.analytic} against ${worst.numeric}`,
  );
  const { forward, reverse, error } = forwardAgainstReverse(application, draw);
  // a cast through float32 rounds both ways
  const isNarrow = [...inputs, ...outputs].some(({ dtype }) => dtype === "float32");
  if (!(error <= (isNarrow ? 1e-5 : ADJOINT_TOLERANCE)))
    problems.push(`⟨ȳ, Jẋ⟩ = ${forward}, ⟨Jᵀȳ, ẋ⟩ = ${reverse}`);
  return problems.map((problem) => `${labelOf(test)}: ${problem}`);
}

/** The derivatives' own derivatives: of reverse and of forward mode, towards primals and (co)tangents. */
export function secondOrderProblems(test: Case): string[] {
  const { sample, primitive } = test;
  const inputs = inputsOf(test);
  const elements = inputs.reduce((sum, input) => sum + sizeOf(input.shape), 0);
  if (
    primitive.jvp === "none" ||
    primitive.vjp === "none" ||
    elements > SECOND_ORDER_ELEMENTS ||
    elements === 0
  )
    return [];
  const variables = inputs.flatMap((input, i) => (isFloating(input.dtype) ? [i] : []));
  const f = (...xs: Tensor[]): Tensor[] => {
    const given: Node[] = [...inputs];
    variables.forEach((at, v) => {
      given[at] = xs[v];
    });
    return apply(test, given).map(fromNode);
  };
  const xs = variables.map((at) => fromNode(inputs[at]));
  const draw = seededDraws(2);
  const like = (node: Node): Tensor =>
    fromNode(constantNode(node.shape, "float64", draw(sizeOf(node.shape))));
  const outputs = f(...xs);
  if (!outputs.every(({ dtype }) => isFloating(dtype))) return [];
  const reverse = gradCheck(
    (cotangents: Tensor[], ...at: Tensor[]) => vjp(f, ...at)[1](cotangents),
    [outputs.map(like), ...xs],
  );
  const forward = gradCheck(
    (tangents: Tensor[], ...at: Tensor[]) => jvp(f, at, tangents)[1],
    [xs.map(like), ...xs],
  );
  const isNarrow = [...inputs, ...outputs].some(({ dtype }) => dtype === "float32");
  return [
    ...(reverse.passed ? [] : [`of its vjp: ${reverse}`]),
    ...(forward.passed ? [] : [`of its jvp: ${forward}`]),
  ].flatMap((problem) =>
    isNarrow ? [] : [`${labelOf(test)} (${sample.inputs.length} inputs): second order ${problem}`],
  );
}

/** The batching rule against a loop over examples, for every choice of inputs that are batched. */
export function batchingProblems(test: Case): string[] {
  const { primitive, sample } = test;
  const count = sample.inputs.length;
  const problems: string[] = [];
  for (let mask = 1; mask < 2 ** count; mask++) {
    const batched = sample.inputs.map((_, i) => ((mask >> i) & 1) === 1);
    for (const size of [BATCH, 1, 0])
      problems.push(
        ...batchProblems(test, batched, size).map((p) => `${batched.map(Number)} × ${size}: ${p}`),
      );
  }
  // without inputs there is nothing to batch, but the rule must repeat
  if (count === 0) {
    const [y] = primitive.batch({ params: sample.params, inputs: [], batched: [], size: BATCH });
    const { values } = evaluate(test, []);
    const expected = Array.from({ length: BATCH }, () => Array.from(values[0])).flat();
    if (!sameElements(readValue(y), expected))
      problems.push(`${show(readValue(y))}, expected ${show(expected)}`);
  }
  return problems.map((problem) => `${labelOf(test)} batched ${problem}`);
}

function batchProblems(test: Case, batched: readonly boolean[], size: number): string[] {
  const { primitive, sample } = test;
  const examples = Array.from({ length: size }, (_, example) =>
    inputsOf(test, example).map((input, i) => (batched[i] ? input : inputsOf(test, 0)[i])),
  );
  const stacked = sample.inputs.map(({ shape, dtype, values }, i) => {
    if (!batched[i]) return constantNode(shape, dtype, values(0));
    const whole = allocate(dtype, size * sizeOf(shape));
    for (let example = 0; example < size; example++) whole.set(values(example), example * sizeOf(shape));
    return constantNode([size, ...shape], dtype, whole);
  });
  const results = primitive.batch({ params: sample.params, inputs: stacked, batched, size });
  const types = primitive.outputTypes(inputsOf(test), sample.params);
  const one = examples.map((inputs) => evaluate(test, inputs).values);
  return types.flatMap(({ shape, dtype }, k) => {
    const result = results[k];
    if (!sameShape(result.shape, [size, ...shape]) || result.dtype !== dtype)
      return [`${result.dtype}[${result.shape}], expected ${dtype}[${[size, ...shape]}]`];
    const expected = one.flatMap((values) => Array.from(values[k]));
    const got = readValue(result);
    return sameElements(got, expected) ? [] : [`${show(got)}, expected ${show(expected)}`];
  });
}
