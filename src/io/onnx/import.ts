/** Reading an ONNX file as a model. */
import { isTensor, type Tensor } from "../../index.js";
import { invalidArgument } from "../../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../../util/errors.js";
import { notLearned } from "../../util/not-learned.js";
import { readBytes } from "../files.js";
import { decodeModel } from "./codec.js";
import { readExternal } from "./external.js";
import { type ImportedGraph, type OnnxPort, readGraph } from "./import-graph.js";
import { toTensor } from "./import-tensor.js";
import { runner } from "./program.js";
import type { Step } from "./steps.js";

type Tensors = Readonly<Record<string, Tensor>>;

/** Runs a graph: its parameters, statistics and inputs by name → every value it keeps. */
type Program = (parameters: Tensors, statistics: Tensors, inputs: ReadonlyMap<string, Tensor>) => Tensor[];

/** Numbers a model was given and does not learn: means and variances of batch normalisations. */
class FixedTensors {
  constructor(tensors: Tensors) {
    for (const [name, value] of Object.entries(tensors))
      Object.defineProperty(this, name, { value, enumerable: true, writable: true, configurable: true });
  }

  /** Optimizers ask for this: what is not learned they pass through. */
  get [notLearned](): true {
    return true;
  }
}

/**
 * A model read from an ONNX file. Its weights are a tree, so `grad`, `jit`, `fit` and `saveSafetensors` take it as any other
 * model.
 *
 * @example
 * const model = await io.importOnnx(await io.encodeOnnx(new nn.Linear(2, 3), [ones([1, 2])]));
 * Object.keys(model.parameters); // → weight,bias
 */
export class OnnxModel {
  /** The floating-point initializers that are computed with, by name. */
  readonly parameters: Tensors;
  /** Means and variances of batch normalisations, which training does not change. */
  readonly statistics: Tensors;
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  private readonly program: Program;

  /** @param graph of `importOnnx`, which is how to get a model */
  constructor(graph: ImportedGraph) {
    checkGraph(graph);
    const roles = rolesOf(graph);
    const named = (role: Role): [string, Tensor][] =>
      [...graph.initializers].flatMap(([name, value]) =>
        roles.get(name) === role ? [[name, toTensor(value)] as [string, Tensor]] : [],
      );
    this.parameters = Object.fromEntries(named("parameter"));
    // a class of its own, so that optimizers see the mark; its fields are the tensors
    this.statistics = new FixedTensors(Object.fromEntries(named("statistic"))) as unknown as Tensors;
    this.inputs = graph.inputs;
    this.outputs = graph.outputs;
    const run = runner(
      graph.steps,
      graph.outputs.map(({ name }) => name),
      new Map(named("constant")),
    );
    this.program = (parameters, statistics, inputs) =>
      run(
        (name) => inputs.get(name) ?? (Object.hasOwn(parameters, name) ? parameters[name] : statistics[name]),
      );
  }

  /**
   * The first output for the only input.
   *
   * @throws AdjointError `invalid-argument` where the model takes several, `shape-mismatch`, `dtype-mismatch`
   */
  forward(x: Tensor): Tensor {
    if (this.inputs.length !== 1)
      throw new AdjointError(
        "invalid-argument",
        `OnnxModel.forward: the model takes ${this.inputs.map(({ name }) => name).join(", ") || "no input"}; give them by name to run`,
        { operation: "OnnxModel.forward", argument: "x", expected: "a model of one input" },
      );
    return this.evaluate(new Map([[this.inputs[0].name, x]]))[0];
  }

  /**
   * All outputs by name, for inputs by name.
   *
   * @throws AdjointError `invalid-argument` for names that are missing or unknown, `shape-mismatch`, `dtype-mismatch`
   */
  run(inputs: Tensors): Record<string, Tensor> {
    if (typeof inputs !== "object" || inputs === null || isTensor(inputs))
      throw invalidArgument("OnnxModel.run", "inputs", "tensors by name", formatReceived(inputs));
    const values = this.evaluate(new Map(Object.entries(inputs)));
    return Object.fromEntries(this.outputs.map(({ name }, i) => [name, values[i]]));
  }

  /** `OnnxModel(input [batch, 4] → output [batch, 3])`: what a summary calls it. */
  toString(): string {
    const list = (ports: readonly OnnxPort[]): string => ports.map(describe).join(", ");
    return `OnnxModel(${list(this.inputs)} → ${list(this.outputs)})`;
  }

  private evaluate(inputs: ReadonlyMap<string, Tensor>): Tensor[] {
    const names = this.inputs.map(({ name }) => name);
    const unknown = [...inputs.keys()].find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw invalidArgument("OnnxModel", "inputs", names.join(", ") || "none", JSON.stringify(unknown));
    for (const port of this.inputs) checkInput(inputs.get(port.name), port);
    return this.program(this.parameters, this.statistics, inputs);
  }
}

/** @throws AdjointError `invalid-argument` for what no file was read as */
function checkGraph(graph: Partial<ImportedGraph> | null | undefined): void {
  const lists = [graph?.steps, graph?.inputs, graph?.outputs];
  if (graph?.initializers instanceof Map && lists.every(Array.isArray)) return;
  throw invalidArgument("OnnxModel", "graph", "what io.importOnnx reads; call that", formatReceived(graph));
}

function describe({ name, shape }: OnnxPort): string {
  return `${name} ${shape === null ? "of any shape" : `[${shape.map((extent) => extent ?? "?").join(", ")}]`}`;
}

function checkInput(value: unknown, { name, dtype, shape }: OnnxPort): void {
  if (!isTensor(value)) throw invalidArgument("OnnxModel", name, "a tensor", formatReceived(value));
  if (value.dtype !== dtype)
    throw new AdjointError(
      "dtype-mismatch",
      `OnnxModel: input ${name} is ${dtype}, received ${value.dtype}`,
      {
        operation: "OnnxModel",
        argument: name,
        expected: dtype,
        received: value.dtype,
      },
    );
  const fits =
    shape === null ||
    (shape.length === value.rank &&
      shape.every((extent, axis) => typeof extent !== "number" || extent === value.shape[axis]));
  if (fits) return;
  const expected = `[${shape?.map((extent) => extent ?? "?").join(", ")}]`;
  const received = formatShape(value.shape);
  throw new AdjointError(
    "shape-mismatch",
    `OnnxModel: input ${name} must be ${expected}, received ${received}`,
    { operation: "OnnxModel", argument: name, expected, received },
  );
}

/** What an initializer is to training. */
type Role = "parameter" | "statistic" | "constant";

/** Inputs that say how an operator works rather than what it works with. */
const settings: Readonly<Record<string, readonly number[]>> = {
  Clip: [1, 2],
  Pad: [2],
  Pow: [1],
  Resize: [1, 2],
  Upsample: [1],
  OneHot: [1, 2],
  Range: [0, 1, 2],
  Dropout: [1],
};

/** Means and variances are statistics; of the rest, floats that an operator works with are parameters. */
function rolesOf({ initializers, steps }: ImportedGraph): Map<string, Role> {
  const roles = new Map<string, Role>();
  for (const { facts, inputs } of withInner(steps))
    inputs.forEach((name, i) => {
      const initializer = initializers.get(name);
      if (initializer === undefined) return;
      const isFloat = initializer.dtype === "float32" || initializer.dtype === "float64";
      if (facts.operator === "BatchNormalization" && i > 2) roles.set(name, "statistic");
      else if (isFloat && settings[facts.operator]?.includes(i) !== true) {
        if (roles.get(name) !== "statistic") roles.set(name, "parameter");
      } else if (!roles.has(name)) roles.set(name, "constant");
    });
  // what is handed out as it is
  for (const name of initializers.keys()) if (!roles.has(name)) roles.set(name, "constant");
  return roles;
}

/** The steps of graphs inside nodes too. */
function withInner(steps: readonly Step[]): Step[] {
  return steps.flatMap((step) => [
    step,
    ...[...step.facts.bodies.values()].flatMap((body) => withInner(body.steps)),
  ]);
}

/**
 * Reads an ONNX file as a model, with its operators checked before anything runs. Integers become int32 (those that do not fit are
 * refused), half precision becomes float32. Elements in files beside it are read where they lie in its directory.
 *
 * @param source a path, or the bytes
 * @throws AdjointError `file-not-found`, `file-format` for a damaged file, `unsupported-operator` naming operator, domain, version
 * and node, `unsupported` for types and versions, `invalid-argument`
 * @example
 * const bytes = await io.encodeOnnx((a, b) => a.matmul(b), [ones([2, 3]), ones([3, 4])], { inputNames: ["a", "b"] });
 * const model = await io.importOnnx(bytes);
 * model.run({ a: ones([2, 3]), b: ones([3, 4]) }).output.shape; // → 2,4
 */
export async function importOnnx(source: string | Uint8Array): Promise<OnnxModel> {
  const { file, bytes } = await readBytes(source, "importOnnx");
  const model = await decodeModel(bytes, file);
  const external = typeof source === "string" ? await readExternal(model, source) : new Map();
  return new OnnxModel(readGraph(model, file, external));
}
