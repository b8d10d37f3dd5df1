/** Data sets from two arrays of one of NumPy's archives. */
import { type Tensor, tensor } from "../index.js";
import { loadNpz } from "../io/index.js";
import { checkFinite, checkOptionNames } from "../util/checks.js";
import { arrays } from "./arrays.js";
import { checkText, checkTexts } from "./checks.js";
import type { Dataset } from "./dataset.js";

/** Options of {@link npz}. */
export interface NpzOptions {
  /** The name of the inputs in the archive; default "x". */
  readonly x?: string;
  /** The name of the targets; default "y". */
  readonly y?: string;
  /** What inputs are multiplied by; default 1. Pixels from 0 to 255 come into [0, 1] by 1 / 255. */
  readonly scale?: number;
  /** The names of the classes: targets are then labels 0 … classes − 1. */
  readonly classes?: readonly string[];
  /** What messages call the data; by default the path. */
  readonly name?: string;
}

const operation = "data.npz";

/**
 * A data set from a .npz file of NumPy's: inputs x [size, …] and targets y [size, …], read as {@link arrays} takes them. Targets of
 * one axis and an integer type are class labels. Nothing else in the archive is read.
 *
 * @param source a path, or the bytes
 * @throws AdjointError `invalid-argument` for a name that is not in the archive, with those that are; what `io.loadNpz` throws for a
 * damaged or hostile file; what `data.arrays` throws where the arrays do not fit each other
 * @example
 * const file = await io.encodeNpz({ x: tensor([[0, 1], [2, 3]]), y: tensor([1, 0], { dtype: "int32" }) });
 * const pairs = await data.npz(file);
 * `${pairs.size} × ${pairs.inputShape}, labels ${pairs.targets}`; // → 2 × 2, labels 1,0
 */
export async function npz(source: string | Uint8Array, options: NpzOptions = {}): Promise<Dataset> {
  checkOptionNames(options, ["x", "y", "scale", "classes", "name"], operation);
  const { x: inputs = "x", y: targets = "y", scale = 1, classes } = options;
  checkText(inputs, operation, "x");
  checkText(targets, operation, "y");
  checkFinite(scale, operation, "scale");
  checkTexts(classes, operation, "classes");
  checkText(options.name, operation, "name");
  const loaded = await loadNpz(source, { names: [inputs, targets] });
  const [x, y] = [inputs, targets].flatMap((array) => loaded.get(array) ?? []);
  const name = options.name ?? (typeof source === "string" ? source : undefined);
  return arrays(scaled(x, scale), y, {
    ...(classes === undefined ? {} : { classes }),
    ...(name === undefined ? {} : { name }),
  });
}

/** In float64, and rounded once. */
function scaled(x: Tensor, scale: number): Tensor {
  if (scale === 1) return x;
  const values = x.dataSync();
  const products = values instanceof Float64Array ? new Float64Array(x.size) : new Float32Array(x.size);
  for (let i = 0; i < values.length; i++) products[i] = values[i] * scale;
  return tensor(products, { shape: x.shape });
}
