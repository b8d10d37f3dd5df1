/** Scans, choices and loops as ONNX's Scan, If and Loop; their bodies are graphs inside the node, which see what is around them. */
import type { Builder } from "./builder.js";
import { spec } from "./elements.js";
import { extentOf, flagOf, functionOf } from "./emission.js";
import { type Extent, isFixed } from "./extents.js";
import type { Held } from "./specs.js";
import type { TracedOperation, TracedValue } from "./trace.js";

/** Writes a listed function with these arguments. */
type EmitBody = (index: number, args: readonly Held[], builder: Builder) => readonly Held[];

type Control = (
  operation: TracedOperation,
  inputs: readonly Held[],
  builder: Builder,
  emitBody: EmitBody,
) => readonly Held[];

function outputsOf(builder: Builder, names: readonly string[], outputs: readonly TracedValue[]): Held[] {
  return outputs.map(({ dtype, shape }, i) => builder.held(names[i], dtype, shape));
}

/** Inputs: constants, carries, sequences; the body gives carries and slices. */
const scan: Control = (operation, inputs, builder, emitBody) => {
  const constants = Number(extentOf(operation, "constants"));
  const carries = Number(extentOf(operation, "carries"));
  const length = extentOf(operation, "length");
  const fixed = inputs.slice(0, constants);
  const start = inputs.slice(constants, constants + carries).map((carry) => builder.full(carry));
  const slices = inputs.slice(constants + carries);
  const { outputs } = operation;
  if (length === 0)
    return [...start, ...outputs.slice(carries).map(({ dtype, shape }) => builder.number(0, dtype, shape))];
  // the operator counts its steps by a sequence, so there must be one
  const sequences = slices.length > 0 ? slices.map((x) => builder.full(x)) : [counter(builder, length)];
  const types = [...start, ...sequences.map(({ dtype, shape }) => ({ dtype, shape: shape.slice(1) }))];
  const body = builder.subgraph(types, (inner, given) =>
    emitBody(functionOf(operation, "body"), [...fixed, ...given.slice(0, carries + slices.length)], inner),
  );
  const direction = flagOf(operation, "reverse") ? 1 : 0;
  const made = outputs.length - carries;
  const names = builder.emitAll(
    "Scan",
    [...start, ...sequences].map(({ name }) => name),
    {
      body,
      num_scan_inputs: sequences.length,
      scan_input_directions: sequences.map(() => direction),
      ...(made === 0 ? {} : { scan_output_directions: Array.from({ length: made }, () => direction) }),
    },
    outputs.length,
  );
  return outputsOf(builder, names, outputs);
};

/** One number a step, which nobody reads. */
function counter(builder: Builder, length: Extent): Held {
  if (!isFixed(length)) return builder.full(builder.number(0, "int32", [length]));
  const zeros = spec(new Uint8Array(length), "bool", [length]);
  return builder.held(builder.constant(zeros), "bool", [length]);
}

/** Inputs: the predicate, then what both branches take. */
const cond: Control = (operation, [predicate, ...operands], builder, emitBody) => {
  const branch = (name: string) =>
    builder.subgraph([], (inner) => emitBody(functionOf(operation, name), operands, inner));
  const attributes = { then_branch: branch("onTrue"), else_branch: branch("onFalse") };
  const { outputs } = operation;
  const names = builder.emitAll("If", [builder.full(predicate).name], attributes, outputs.length);
  return outputsOf(builder, names, outputs);
};

/** Inputs: constants, carries; the condition is asked before the first step and after each. */
const whileLoop: Control = (operation, inputs, builder, emitBody) => {
  const constants = inputs.slice(0, Number(extentOf(operation, "constants")));
  const start = inputs.slice(constants.length).map((carry) => builder.full(carry));
  const condition = (carries: readonly Held[], where: Builder): Held =>
    where.full(emitBody(functionOf(operation, "condition"), [...constants, ...carries], where)[0]);
  const types = [{ dtype: "int32", shape: [] }, { dtype: "bool", shape: [] }, ...start] as const;
  const body = builder.subgraph(types, (inner, [, , ...carries]) => {
    const next = emitBody(functionOf(operation, "body"), [...constants, ...carries], inner);
    return [condition(next, inner), ...next];
  });
  // the counter of the format is an int64
  const [count, ...rest] = body.inputs;
  const { outputs } = operation;
  const names = builder.emitAll(
    "Loop",
    ["", condition(start, builder).name, ...start.map(({ name }) => name)],
    { body: { ...body, inputs: [{ ...count, element: "int64" }, ...rest] } },
    outputs.length,
  );
  return outputsOf(builder, names, outputs);
};

const controls: Readonly<Record<string, Control>> = { scan, cond, whileLoop };

/** Whether an operation runs graphs of its own. */
export function isControl({ primitive }: TracedOperation): boolean {
  return Object.hasOwn(controls, primitive);
}

/** Writes it, and gives its values. */
export const emitControl: Control = (operation, ...rest) => controls[operation.primitive](operation, ...rest);
