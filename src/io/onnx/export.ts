/** Writing a function of tensors as an ONNX file. */
import { AdjointError, isTensor, type Tensor } from "../../index.js";
import { checkOptionNames, invalidArgument, isNatural } from "../../util/checks.js";
import { formatReceived } from "../../util/errors.js";
import { notLearned } from "../../util/not-learned.js";
import { flatten, leafPaths, type Structure } from "../../util/tree.js";
import { checkPath, writeAtomically } from "../files.js";
import { encodeModel } from "./codec.js";
import { emitGraph, type NamedParameter } from "./export-graph.js";
import { type Inference, traceInference } from "./trace.js";

/** What can be exported: a model, or a function of tensors. */
export type Exportable =
  | { forward(x: Tensor): unknown }
  // biome-ignore lint/suspicious/noExplicitAny: a function of any tensors, which any parameter list is
  | ((...inputs: any[]) => unknown);

/** How a graph is exported. */
export interface ExportOnnxOptions {
  /** One for each input. Default `input`, or `input_0`, `input_1`, … */
  readonly inputNames?: readonly string[];
  /** One for each output. Default `output`, or the fields' names of what the function returns. */
  readonly outputNames?: readonly string[];
  /** The version of the operator set, 18 to 21. Default 18. */
  readonly opset?: number;
  /** Leaves the extent of axis 0 open: of all inputs that have one, or of the inputs with these indices. Default false. */
  readonly dynamicBatch?: boolean | readonly number[];
  /** A tree of tensors that a function is given before the inputs; they become named weights. */
  readonly parameters?: unknown;
  /** What the graph is called. Default `adjoint`. */
  readonly name?: string;
}

const optionNames = ["inputNames", "outputNames", "opset", "dynamicBatch", "parameters", "name"] as const;

/** Lengths of messages are int32, and beside the weights there is the graph. */
const largestFile = 2 ** 31 - 2 ** 20;

/** The version of the file format that came with each operator set. */
const irVersions: Readonly<Record<number, number>> = { 18: 8, 19: 9, 20: 9, 21: 10 };

/**
 * Writes an inference as an ONNX file, at once: the function is recorded on tensors of the examples' shapes and dtypes, and each
 * of its operations becomes one or several ONNX operators. The weights of a model are named as its fields, `layers.0.weight`.
 *
 * @param path written whole, or not at all
 * @param f a model, or a function of tensors that returns a tensor or a tree of tensors
 * @param inputs one example for each input; values are not read
 * @throws AdjointError `unsupported-operator` for a primitive without a form in ONNX, `unsupported` where the graph depends on
 * the size of the batch though that is to stay open, `invalid-argument`, `unwritable-output`
 * @example
 * await io.exportOnnx("scale.onnx", (x) => x.mul(2), [ones([3])]);
 * (await io.importOnnx("scale.onnx")).forward(tensor([1, 2, 3])).array(); // → 2,4,6
 */
export async function exportOnnx(
  path: string,
  f: Exportable,
  inputs: readonly Tensor[],
  options: ExportOnnxOptions = {},
): Promise<void> {
  checkPath(path, "exportOnnx");
  await writeAtomically(path, await encodeOnnx(f, inputs, options), "exportOnnx");
}

/**
 * The bytes of the file that `exportOnnx` writes.
 *
 * @throws AdjointError `unsupported-operator`, `unsupported`, `invalid-argument`
 * @example
 * const bytes = await io.encodeOnnx(new nn.Linear(4, 3), [ones([1, 4])], { dynamicBatch: true });
 * (await io.importOnnx(bytes)).forward(ones([7, 4])).shape; // → 7,3
 */
export async function encodeOnnx(
  f: Exportable,
  inputs: readonly Tensor[],
  options: ExportOnnxOptions = {},
): Promise<Uint8Array> {
  checkOptionNames(options, optionNames, "exportOnnx");
  if (!Array.isArray(inputs) || !inputs.every(isTensor))
    throw invalidArgument("exportOnnx", "inputs", "a list of tensors", receivedList(inputs));
  const { opset = 18, name = "adjoint" } = options;
  const irVersion = irVersions[opset];
  if (irVersion === undefined)
    throw invalidArgument("exportOnnx", "opset", "18, 19, 20 or 21", formatReceived(opset));
  if (typeof name !== "string" || name === "")
    throw invalidArgument("exportOnnx", "name", "a text", formatReceived(name));
  const { inference, tree } = inferenceOf(f, inputs, options);
  const open = openInputs(inputs, options.dynamicBatch ?? false);
  const parameters = await parametersOf(tree);
  const trace = traceInference(inference, tree, inputs, open);
  const inputNames = namesFor("inputNames", options.inputNames, numbered("input", inputs.length));
  const outputNames = namesFor(
    "outputNames",
    options.outputNames,
    outputDefaults(trace.outputPaths),
    inputNames,
  );
  const [first] = open;
  const batch = first === undefined ? undefined : inputNames[first];
  const graph = emitGraph(trace, parameters, inputNames, outputNames, batch);
  return await encodeModel({ name, opset, irVersion, producerVersion: await version(), ...graph });
}

/** The function with its parameters in front. */
function inferenceOf(
  f: Exportable,
  inputs: readonly Tensor[],
  { parameters }: ExportOnnxOptions,
): { inference: Inference; tree: unknown } {
  if (typeof f === "function")
    return parameters === undefined
      ? { inference: (_, ...given) => f(...given), tree: null }
      : { inference: (tree, ...given) => f(tree, ...given), tree: parameters };
  if (typeof f !== "object" || f === null || typeof f.forward !== "function")
    throw invalidArgument("exportOnnx", "f", "a model or a function of tensors", formatReceived(f));
  if (parameters !== undefined)
    throw invalidArgument("exportOnnx", "parameters", "left out for a model, which has its own", "them");
  if (inputs.length !== 1)
    throw new AdjointError(
      "invalid-argument",
      `exportOnnx: a model takes one input, received ${inputs.length}; for several give a function, with the model as parameters: (model, a, b) => …`,
      { operation: "exportOnnx", argument: "inputs", expected: "1 tensor", received: String(inputs.length) },
    );
  // the tree is the model itself, on abstract tensors
  return { inference: (model, x) => (model as typeof f).forward(x), tree: f };
}

async function parametersOf(tree: unknown): Promise<NamedParameter[]> {
  const { leaves, structure } = flatten(tree, isTensor, "exportOnnx");
  const paths = leafPaths(structure);
  const learned = learnedLeaves(structure);
  const elements = await Promise.all(leaves.map((leaf) => leaf.data()));
  const bytes = elements.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes > largestFile)
    throw new AdjointError(
      "unsupported",
      `exportOnnx: the weights take ${bytes} bytes, and one ONNX file holds ${largestFile}; export the model in parts`,
      { operation: "exportOnnx", expected: `at most ${largestFile} bytes`, received: String(bytes) },
    );
  return leaves.map((_, i) => ({
    name: paths[i] === "" ? "parameter" : paths[i],
    elements: elements[i],
    learned: learned[i],
  }));
}

/** For each leaf whether gradients change it, as the class it is in says. */
function learnedLeaves(structure: Structure, isLearned = true): boolean[] {
  if (structure.kind === "leaf") return [isLearned];
  if (structure.kind === "static") return [];
  const isFixed =
    structure.kind === "object" &&
    structure.prototype !== null &&
    Reflect.get(structure.prototype, notLearned) === true;
  return structure.items.flatMap((item) => learnedLeaves(item, isLearned && !isFixed));
}

/** The inputs whose first axis is the batch. */
function openInputs(inputs: readonly Tensor[], wanted: boolean | readonly number[]): Set<number> {
  const all = inputs.flatMap(({ rank }, i) => (rank > 0 ? [i] : []));
  if (wanted === false) return new Set();
  const chosen = wanted === true ? all : wanted;
  const fits = Array.isArray(chosen) && chosen.every((i) => isNatural(i) && all.includes(i));
  if (!fits || (wanted === true && all.length === 0))
    throw invalidArgument(
      "exportOnnx",
      "dynamicBatch",
      "true, false, or the indices of inputs that have an axis",
      receivedList(wanted),
    );
  return new Set(chosen);
}

function numbered(word: string, count: number): string[] {
  return count === 1 ? [word] : Array.from({ length: count }, (_, i) => `${word}_${i}`);
}

/** The fields' names, numbers in a list. */
function outputDefaults(paths: readonly string[]): string[] {
  return paths.map((path) => (path === "" ? "output" : /^\d/.test(path) ? `output_${path}` : path));
}

function namesFor(
  option: "inputNames" | "outputNames",
  given: readonly string[] | undefined,
  defaults: readonly string[],
  taken: readonly string[] = [],
): readonly string[] {
  const names = given ?? defaults.map((name) => (taken.includes(name) ? `${name}_out` : name));
  const isNames = Array.isArray(names) && names.every((name) => typeof name === "string" && name !== "");
  if (!isNames || names.length !== defaults.length)
    throw invalidArgument(
      "exportOnnx",
      option,
      `a list of ${defaults.length} names, none of them empty`,
      receivedList(given),
    );
  const all = [...taken, ...names];
  const twice = names.find((name) => all.indexOf(name) !== all.lastIndexOf(name));
  if (twice !== undefined)
    throw invalidArgument("exportOnnx", option, "names that differ", `${JSON.stringify(twice)} twice`);
  return names;
}

/** A list by its items: its length alone may be right. */
function receivedList(value: unknown): string {
  if (!Array.isArray(value)) return formatReceived(value);
  const shown = value.slice(0, 8).map(formatReceived);
  return `[${shown.join(", ")}${shown.length < value.length ? ", …" : ""}]`;
}

/** The version of this package, from package.json, which lies beside dist/ and src/; unknown in a browser. */
async function version(): Promise<string> {
  try {
    const { readFile } = await import("node:fs/promises");
    // named apart from the URL: bundlers would take the file for one that belongs to a page
    const place = "../../../package.json";
    return (
      JSON.parse(await readFile(new URL(place, import.meta.url), "utf8")) as { readonly version: string }
    ).version;
  } catch {
    return "unknown";
  }
}
