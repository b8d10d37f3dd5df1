/** A recorded inference as an ONNX graph. */
import { AdjointError, type TypedArray } from "../../index.js";
import { invariant } from "../../util/errors.js";
import { Builder } from "./builder.js";
import { elementOf, spec } from "./elements.js";
import { type Emission, functionOf } from "./emission.js";
import { emitterOf } from "./emitters.js";
import { emitControl, isControl } from "./export-control.js";
import { type Extent, isFixed } from "./extents.js";
import { prune, rename } from "./prune.js";
import type { Held, NodeSpec, Port } from "./specs.js";
import type { Trace, TracedConstant, TracedFunction, TracedOperation } from "./trace.js";

/** A tensor of the model, under the name it gets. */
export interface NamedParameter {
  readonly name: string;
  readonly elements: TypedArray;
  /** False for running statistics. */
  readonly learned: boolean;
}

export interface EmittedGraph {
  readonly nodes: readonly NodeSpec[];
  readonly initializers: Builder["initializers"];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/**
 * Writes the graph.
 *
 * @param parameters the first inputs of the trace, which become initializers where the graph reads them
 * @param batch the input whose first axis is the batch, where that is open
 * @throws AdjointError `unsupported-operator`, `unsupported`
 */
export function emitGraph(
  trace: Trace,
  parameters: readonly NamedParameter[],
  inputNames: readonly string[],
  outputNames: readonly string[],
  batch: string | undefined,
): EmittedGraph {
  const builder = new Builder([...inputNames, ...outputNames], batch);
  const values = trace.inputs.map(({ dtype, shape }, i): Held => {
    const parameter = parameters[i];
    if (parameter === undefined) return builder.held(inputNames[i - parameters.length], dtype, shape);
    const { name } = parameter;
    const elements = spec(parameter.elements, dtype, fixed(shape));
    // a node is no weight to who reads the file
    if (!parameter.learned) return builder.held(builder.named(name, elements), dtype, shape);
    return builder.held(builder.initializer(name, elements), dtype, shape);
  });
  const results = emitFunction(trace, trace.functions, values, builder);
  const outputs = results.map((result, i): Port => {
    const { name, dtype, shape } = builder.full(result);
    builder.nodes.push({ operator: "Identity", inputs: [name], outputs: [outputNames[i]], attributes: {} });
    return { name: outputNames[i], element: elementOf[dtype], shape };
  });
  const inputs = trace.inputs.slice(parameters.length).map(({ dtype, shape }, i): Port => {
    return { name: inputNames[i], element: elementOf[dtype], shape };
  });
  const { nodes, read } = prune(builder.nodes, outputNames);
  const initializers = new Map([...builder.initializers].filter(([name]) => read.has(name)));
  return { nodes: rename(nodes, outputNames), initializers, inputs, outputs };
}

function emitFunction(
  traced: TracedFunction,
  functions: readonly TracedFunction[],
  args: readonly Held[],
  builder: Builder,
): Held[] {
  const values = new Map<number, Held>();
  const makers = new Map<number, TracedOperation>();
  const counts = new Map<number, number>();
  for (const id of [...traced.operations.flatMap(({ inputs }) => inputs), ...traced.outputs])
    counts.set(id, (counts.get(id) ?? 0) + 1);
  const held = (id: number): Held => {
    const value = values.get(id);
    invariant(value !== undefined, `exportOnnx: no value ${id}`);
    return value;
  };
  const around: Around = { maker: (id) => makers.get(id), held, uses: (id) => counts.get(id) ?? 0 };
  traced.inputs.forEach(({ id }, i) => {
    values.set(id, args[i]);
  });
  for (const constant of traced.constants) values.set(constant.id, constantOf(constant, builder));
  for (const operation of traced.operations) {
    const inputs = operation.inputs.map(held);
    const results = emitOperation(operation, inputs, functions, builder, around);
    operation.outputs.forEach(({ id }, i) => {
      values.set(id, results[i]);
      makers.set(id, operation);
    });
  }
  return traced.outputs.map(held);
}

/** What an emitter may ask about the values around its operation. */
type Around = Pick<Emission, "maker" | "held" | "uses">;

function emitOperation(
  operation: TracedOperation,
  inputs: readonly Held[],
  functions: readonly TracedFunction[],
  builder: Builder,
  around: Around,
): readonly Held[] {
  switch (operation.primitive) {
    // compiled and recomputed functions dissolve into what they are made of
    case "call":
    case "checkpoint":
      return emitFunction(functions[functionOf(operation, "graph")], functions, inputs, builder);
    // a rule for derivatives, which an inference has none of
    case "customVjp":
      return inputs.slice(0, operation.outputs.length);
    default: {
      if (isControl(operation))
        return emitControl(operation, inputs, builder, (index, args, inner) =>
          emitFunction(functions[index], functions, args, inner),
        );
      const [output] = operation.outputs;
      return [emitterOf(operation.primitive)({ builder, operation, inputs, output, ...around })];
    }
  }
}

function fixed(extents: readonly Extent[]): number[] {
  return extents.filter(isFixed);
}

/** A constant of one number, or a tensor; where it repeats along the batch, it has extent 1 there. */
function constantOf({ value, shape, dtype, dims = shape }: TracedConstant, builder: Builder): Held {
  if (typeof value === "number" || typeof value === "string")
    return builder.number(Number(value), dtype, shape);
  const extents = fixed(dims);
  if (value === null || !Array.isArray(value) || extents.length < dims.length)
    throw new AdjointError(
      "unsupported",
      value === null
        ? "exportOnnx: the function uses a tensor that another transform is watching; export outside of grad, jit and vmap"
        : "exportOnnx: a constant of the graph depends on the size of the batch. Export it for one size, without dynamicBatch",
      { operation: "exportOnnx", argument: "f" },
    );
  const [first] = value;
  if (value.length > 0 && value.every((element) => element === first))
    return builder.number(Number(first), dtype, shape);
  const name = builder.initializer("constant", spec(value.map(Number), dtype, extents));
  return { name, dtype, shape, dims };
}
