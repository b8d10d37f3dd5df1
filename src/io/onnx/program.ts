/** Running the steps of an imported graph. Values are let go after their last reader. */
import { AdjointError, isTensor, type Tensor } from "../../index.js";
import { invariant } from "../../util/errors.js";
import { Call, type RunBody } from "./call.js";
import { toTensor } from "./import-tensor.js";
import type { Body, Step } from "./steps.js";

/** A value by name, of what is outside of the steps. */
export type Lookup = (name: string) => Tensor | undefined;

/** A function of what is outside, that gives the wanted values. */
type Runner = (outside: Lookup) => Tensor[];

/** What a list of steps computes; constants are made once. */
export function runner(
  steps: readonly Step[],
  wanted: readonly string[],
  constants: ReadonlyMap<string, Tensor>,
): Runner {
  const kept = new Map(constants);
  const running: Step[] = [];
  for (const step of steps) {
    if (step.facts.operator === "Constant") kept.set(step.outputs[0], compute(step, [], noBody)[0]);
    else running.push(step);
  }
  const finished = lastReads(running, wanted);
  return (outside) => {
    const values = new Map<string, Tensor>();
    const find: Lookup = (name) => values.get(name) ?? kept.get(name) ?? outside(name);
    const runBody: RunBody = (body, inputs) => {
      const given = new Map(body.inputs.map((name, i) => [name, inputs[i]]));
      return runnerOf(body)((name) => given.get(name) ?? find(name));
    };
    running.forEach((step, i) => {
      const inputs = step.inputs.map((name) => (name === "" ? undefined : find(name)));
      const results = compute(step, inputs, runBody);
      step.outputs.forEach((name, k) => {
        if (name !== "") values.set(name, results[k]);
      });
      for (const name of finished[i]) values.delete(name);
    });
    return wanted.map((name) => {
      const value = find(name);
      invariant(value !== undefined, `importOnnx: no value ${name}`);
      return value;
    });
  };
}

const noBody: RunBody = () => [];

const runners = new WeakMap<Body, Runner>();

function runnerOf(body: Body): Runner {
  let known = runners.get(body);
  if (known === undefined) {
    const constants = new Map([...body.initializers].map(([name, value]) => [name, toTensor(value)]));
    known = runner(body.steps, body.outputs, constants);
    runners.set(body, known);
  }
  return known;
}

/** For each step, the values nobody reads after it. */
function lastReads(steps: readonly Step[], wanted: readonly string[]): string[][] {
  const seen = new Set(wanted);
  return steps
    .toReversed()
    .map(({ inputs, outputs, facts }) => {
      const captures = [...facts.bodies.values()].flatMap((body) => body.captures);
      const last = [...inputs, ...outputs, ...captures].filter((name) => !seen.has(name));
      for (const name of last) seen.add(name);
      return last;
    })
    .reverse();
}

function compute(
  { operator, facts }: Step,
  inputs: readonly (Tensor | undefined)[],
  runBody: RunBody,
): readonly Tensor[] {
  try {
    const result = operator.run(new Call(facts, inputs, runBody));
    return isTensor(result) ? [result] : result;
  } catch (cause) {
    if (!(cause instanceof AdjointError) || cause.message.startsWith("importOnnx: ")) throw cause;
    // a tensor operation names itself; say where in the file it was asked for
    throw new AdjointError(cause.code, `${facts.label}: ${cause.message}`, cause.details, { cause });
  }
}
