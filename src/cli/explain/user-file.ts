/** A file of the user's that exports a function and the point to explain it at. */
import { type Tensor, type TensorData, tensor } from "../../index.js";
import { usage } from "../arguments.js";
import { type Exports, importUserModule } from "../user-module.js";
import type { Subject } from "./subject.js";

type AnyFunction = (...args: never[]) => unknown;

/** Names by which the function is known among several exports. */
const functionNames = ["default", "cost", "loss", "f"];

/**
 * The function of a file: its default export, or `cost`, `loss` or `f`, or the only function there is; and its exports `args`
 * (an array, or a function that returns one), `of` and `names`, as explain takes them.
 *
 * @param given arguments of the command line, instead of those exported
 * @throws AdjointError `file-not-found`, `file-format` where it cannot be loaded, `usage` where the function or its
 * arguments are missing
 */
export async function userSubject(path: string, given: readonly unknown[] | undefined): Promise<Subject> {
  const exported = await importUserModule(path);
  const f = functionIn(exported, path);
  const args = given === undefined ? await argumentsIn(exported, f, path) : given.map(asTensor);
  const { of, names } = exported;
  if (of !== undefined && typeof of !== "string")
    throw usage(`${path}: its export of must be a text, such as "w[0]"`, "WHAT");
  if (names !== undefined && !(Array.isArray(names) && names.every((name) => typeof name === "string")))
    throw usage(`${path}: its export names must be a list of texts`, "WHAT");
  return {
    f,
    args,
    about: [`${path}${f.name === "" || f.name === "default" ? "" : `: ${f.name}`}`],
    hasPlaces: true,
    ...(of === undefined ? {} : { of }),
    ...(names === undefined ? {} : { names: names as readonly string[] }),
  };
}

/** A number or nested list of the command line, in float64. */
function asTensor(value: unknown): Tensor {
  return tensor(value as TensorData, { dtype: "float64" });
}

function functionIn(exported: Exports, path: string): AnyFunction {
  const isFunction = (value: unknown): value is AnyFunction => typeof value === "function";
  for (const name of functionNames) {
    const value = exported[name];
    if (isFunction(value)) return value;
  }
  const others = Object.entries(exported).filter(
    (entry): entry is [string, AnyFunction] => entry[0] !== "args" && isFunction(entry[1]),
  );
  if (others.length === 1) return others[0][1];
  const found = others.map(([name]) => name).join(", ");
  throw usage(
    others.length === 0
      ? `${path} exports no function; write export default (w) => …, which returns a scalar tensor`
      : `${path} exports several functions (${found}); export the one to explain as default`,
    "WHAT",
  );
}

async function argumentsIn(exported: Exports, f: AnyFunction, path: string): Promise<readonly unknown[]> {
  const { args } = exported;
  const list: unknown = typeof args === "function" ? await args() : args;
  if (Array.isArray(list)) return list as unknown[];
  if (list === undefined && f.length === 0) return [];
  throw usage(
    `${path} does not say where to explain its function: export const args = […] with its ${f.length === 1 ? "argument" : `${f.length} arguments`}, or give --args '[…]'`,
    "--args",
  );
}
