/** The tensors of a model by name, out and in again. */
import { isTensor, type Tensor } from "../index.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { flatten, unflatten } from "../util/tree.js";
import { namedTensors, namesOf } from "./names.js";

/** Tensors of a model by name. */
export type StateDict = Record<string, Tensor>;

/**
 * What a model learns, with names, in the order of its fields: `0.weight`, `0.bias`, `2.weight`, … in a Sequential. Names
 * are PyTorch's: fields joined by dots. Running statistics are no parameters; `nn.stateDict` has them too.
 *
 * @param model any tree of objects, arrays and class instances
 * @returns [name, tensor] pairs, for `for (const [name, tensor] of …)` or `new Map(…)`
 * @example
 * const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Activation("tanh"), new nn.Linear(3, 1));
 * nn.parameters(model).map(([name]) => name); // → 0.weight,0.bias,2.weight,2.bias
 */
export function parameters(model: unknown): [name: string, parameter: Tensor][] {
  return namedTensors(model).flatMap(({ name, value, learned }): [string, Tensor][] =>
    learned ? [[name, value]] : [],
  );
}

/**
 * All tensors of a model by name: its parameters as `nn.parameters` names them, and running statistics.
 *
 * @example
 * const { weight } = nn.stateDict(new nn.Linear(2, 3));
 * weight.shape; // → 3,2
 */
export function stateDict(model: unknown): StateDict {
  return Object.fromEntries(namedTensors(model).map(({ name, value }) => [name, value]));
}

/**
 * The same model with other parameters; the given model does not change. The dictionary must have exactly its names, each
 * with the shape it has there; numbers of another dtype are converted to the model's.
 *
 * @param dict from `nn.stateDict`, or a Map as `io.loadSafetensors` gives it
 * @throws AdjointError `tree-mismatch` for names that are missing or unexpected, `shape-mismatch` (all of them in the message)
 * @example
 * const layer = nn.loadStateDict(new nn.Linear(1, 1), { weight: tensor([[2]]), bias: tensor([1]) });
 * layer.forward(tensor([3])).item(); // → 7
 */
export function loadStateDict<Model>(
  model: Model,
  dict: Readonly<StateDict> | ReadonlyMap<string, Tensor>,
): Model {
  if (typeof dict !== "object" || dict === null || isTensor(dict))
    throw new AdjointError(
      "invalid-argument",
      `loadStateDict: dict must map names to tensors, received ${formatReceived(dict)}`,
      { operation: "loadStateDict", argument: "dict", received: formatReceived(dict) },
    );
  const { leaves, structure } = flatten(model, isTensor);
  const names = namesOf(structure).map(({ name }) => name);
  const given = new Map<string, unknown>();
  // a Map's keys may be anything; what is no text is no parameter's name, and is refused under what messages call it
  for (const [name, value] of dict instanceof Map ? dict : Object.entries(dict))
    given.set(typeof name === "string" ? name : formatReceived(name), value);
  checkNames(names, given);
  const wrong: string[] = [];
  const loaded = names.map((name, i) => {
    const value = given.get(name);
    if (isTensor(value) && formatShape(value.shape) === formatShape(leaves[i].shape))
      return value.cast(leaves[i].dtype);
    const received = isTensor(value) ? formatShape(value.shape) : formatReceived(value);
    wrong.push(`${name} must be ${formatShape(leaves[i].shape)}, received ${received}`);
    return leaves[i];
  });
  if (wrong.length > 0)
    throw new AdjointError("shape-mismatch", `loadStateDict: ${wrong.join("; ")}`, {
      operation: "loadStateDict",
      argument: "dict",
    });
  // the same tree with other tensors in it
  return unflatten(structure, loaded) as Model;
}

function checkNames(names: readonly string[], given: ReadonlyMap<string, unknown>): void {
  const expected = new Set(names);
  const missing = names.filter((name) => !given.has(name));
  const unexpected = [...given.keys()].filter((name) => !expected.has(name));
  if (missing.length === 0 && unexpected.length === 0) return;
  const parts = [
    ...(missing.length > 0 ? [`missing ${missing.join(", ")}`] : []),
    ...(unexpected.length > 0 ? [`unexpected ${unexpected.join(", ")}`] : []),
  ];
  throw new AdjointError(
    "tree-mismatch",
    `loadStateDict: the names differ from the model's: ${parts.join("; ")}`,
    {
      operation: "loadStateDict",
      argument: "dict",
      expected: names.join(", "),
      received: [...given.keys()].join(", "),
    },
  );
}
