/** Which layers a forward pass goes through, in order: found by running a copy of the model whose layers tell when they are called. */
import { isTensor, type Tensor } from "../index.js";
import { type ForwardOptions, isModule, type Module } from "./module.js";
import { Sequential } from "./sequential.js";

/** One call of a layer, with the calls inside it. */
export interface LayerCall {
  /** Where the layer is in the model: `features.0`. The model itself is "". */
  readonly path: string;
  /** The layer of the model, not its copy: a module, or a function in a Sequential. */
  readonly layer: unknown;
  readonly input: Tensor;
  /** What it gave: a tensor, unless the layer is a wrong one of the user's. */
  readonly output: unknown;
  readonly inside: readonly LayerCall[];
}

/** Runs `model.forward(x)`. @throws what its layers throw for x */
export function callsOf(model: Module, x: Tensor): LayerCall {
  let inside: LayerCall[] = [];
  /** The function, telling of its calls. */
  const told =
    (path: string, layer: unknown, forward: (input: Tensor, ...rest: unknown[]) => unknown) =>
    (input: Tensor, ...rest: unknown[]): unknown => {
      const around = inside;
      inside = [];
      const output = forward(input, ...rest);
      around.push({ path, layer, input, output, inside });
      inside = around;
      return output;
    };
  const copied = (value: unknown, path: string): unknown => {
    if (isTensor(value) || typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item, i) => copied(item, join(path, String(i))));
    if (!isModule(value) && Object.getPrototypeOf(value) !== Object.prototype) return value;
    // an instance is its fields, here as everywhere in the library
    const copy = Object.create(Object.getPrototypeOf(value)) as Record<string, unknown>;
    for (const [key, field] of Object.entries(value))
      copy[key] =
        value instanceof Sequential && key === "layers" ? undefined : copied(field, join(path, key));
    if (value instanceof Sequential)
      copy.layers = value.layers.map((layer: unknown, i) => {
        const at = join(path, String(i));
        return typeof layer === "function" ? told(at, layer, layer as () => unknown) : copied(layer, at);
      });
    if (isModule(value)) {
      const { forward } = value;
      // what is passed on is what the caller passed
      copy.forward = told(path, value, (input, ...rest) =>
        forward.call(copy, input, ...(rest as [options?: ForwardOptions])),
      );
    }
    return copy;
  };
  // a copy of a module is one
  (copied(model, "") as Module).forward(x);
  return inside[0];
}

const join = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);
