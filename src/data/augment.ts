/**
 * `data.augment`: examples changed at random, so that a model learns what does not matter. Every augmentation is a pure function of
 * a batch x [batch, …] and a key, which draws for each example by itself: the same key, the same batch. They run at once and
 * compiled, and gradients pass through them.
 */
import { isTensor, random, type Tensor, tensor } from "../index.js";
import { type ForwardOptions, isModule, type Module } from "../nn/index.js";
import { checkFinite, checkOptionNames, invalidArgument, isList } from "../util/checks.js";
import { AdjointError, formatList, formatReceived } from "../util/errors.js";
import type { Augmentation } from "./augment-images.js";
import type { Batch } from "./batches.js";

export { type Augmentation, crop, cutout, flip, rotate, shift } from "./augment-images.js";

/**
 * Adds to every number one drawn from a normal distribution of mean 0.
 *
 * @param options.deviation its standard deviation, in units of the inputs
 * @throws AdjointError `invalid-argument`
 * @example data.augment.noise({ deviation: 0 })(tensor([[1, 2]]), random.key(0)).array(); // → 1,2
 */
export function noise(options: { readonly deviation: number }): Augmentation {
  checkOptionNames(options, ["deviation"], "augment.noise");
  const deviation = checkFinite(options.deviation, "augment.noise", "deviation");
  if (deviation < 0) throw invalidArgument("augment.noise", "deviation", "at least 0", String(deviation));
  return (x, key) => x.add(random.normal(key, { shape: x.shape, dtype: x.dtype }).mul(deviation));
}

/**
 * (x − mean) / deviation for each channel: nothing is drawn. Numbers that belong to the model are better kept in it, by
 * `nn.Standardize`.
 *
 * @param options.mean one number, or one for each channel
 * @param options.deviation as many, above 0
 * @throws AdjointError `invalid-argument`
 * @example data.augment.normalize({ mean: 1, deviation: 2 })(tensor([[5, 1]]), random.key(0)).array(); // → 2,0
 */
export function normalize(options: {
  readonly mean: number | readonly number[];
  readonly deviation: number | readonly number[];
}): Augmentation {
  const operation = "augment.normalize";
  checkOptionNames(options, ["mean", "deviation"], operation);
  const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
  for (const [argument, value] of Object.entries(options))
    if (!isNumber(value) && !(isList(value, isNumber) && value.length > 0))
      throw invalidArgument(operation, argument, "a number, or one for each channel", formatList(value));
  const { mean, deviation } = options;
  const bad = [deviation].flat().find((value) => !(value > 0));
  if (bad !== undefined) throw invalidArgument(operation, "deviation", "above 0", String(bad));
  const beside = (value: number | readonly number[], x: Tensor): Tensor =>
    typeof value === "number"
      ? tensor(value, { dtype: x.dtype })
      : tensor(value, { dtype: x.dtype }).reshape([value.length, ...x.shape.slice(2).map(() => 1)]);
  return (x) => x.sub(beside(mean, x)).div(beside(deviation, x));
}

/**
 * One after the other, each with a key of its own.
 *
 * @throws AdjointError `invalid-argument` for what is no function
 * @example
 * const both = data.augment.compose(data.augment.shift({ by: 2 }), data.augment.flip());
 * both(ones([4, 1, 8, 8]), random.key(0)).shape; // → 4,1,8,8
 */
export function compose(...augmentations: readonly Augmentation[]): Augmentation {
  for (const augmentation of augmentations) checkAugmentation(augmentation, "augment.compose");
  return (x, key) => {
    const keys = random.split(key, augmentations.length);
    return augmentations.reduce((value, augmentation, i) => augmentation(value, keys[i]), x);
  };
}

/**
 * What `map` of batches and streams takes: x of each batch augmented, by a key made of the given one and the batch's number, so that
 * the same batch of the same pass is always changed in the same way.
 *
 * @throws AdjointError `invalid-argument`
 * @example
 * const images = data.dataset({ inputs: new Float32Array(32), inputShape: [1, 4, 4], targets: Int32Array.of(0, 1), targetShape: [] });
 * const batches = images.batch(1).map(data.augment.batch(data.augment.noise({ deviation: 1 }), random.key(3)));
 * [...batches].map(({ x }) => x.shape.join("×")); // → 1×1×4×4,1×1×4×4
 */
export function batch(augmentation: Augmentation, key: Tensor): (batch: Batch, index: number) => Batch {
  checkAugmentation(augmentation, "augment.batch");
  if (!isTensor(key)) throw invalidArgument("augment.batch", "key", "a random key", formatReceived(key));
  return ({ x, y }, index) => {
    const [own] = random.split(key.add(index), 1);
    return { x: augmentation(x, own), y };
  };
}

/**
 * An augmentation as the first layer of a model: in training it draws from the step's key, so that `train.fit` augments within its
 * compiled step; otherwise it does nothing.
 *
 * @throws AdjointError `invalid-argument`
 * @example
 * const model = new nn.Sequential(data.augment.layer(data.augment.shift({ by: 2 })), new nn.Flatten(), new nn.Linear(64, 3));
 * model.forward(ones([5, 1, 8, 8])).shape; // → 5,3
 */
export function layer(augmentation: Augmentation): Module {
  checkAugmentation(augmentation, "augment.layer");
  return new AugmentLayer(augmentation);
}

class AugmentLayer implements Module {
  private readonly augmentation: Augmentation;

  constructor(augmentation: Augmentation) {
    this.augmentation = augmentation;
  }

  forward(x: Tensor, { train = false, key }: ForwardOptions = {}): Tensor {
    if (!train) return x;
    if (key === undefined)
      throw new AdjointError(
        "invalid-argument",
        "augment.layer: in training it draws random numbers and needs a key, received none; pass { train: true, key: random.key(seed) }, a new one for every step",
        { operation: "augment.layer", argument: "key", expected: "a random key", received: "undefined" },
      );
    return this.augmentation(x, key);
  }

  /** What a summary calls it. */
  toString(): string {
    return "Augment";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

function checkAugmentation(value: unknown, operation: string): void {
  if (typeof value === "function" && !isModule(value)) return;
  throw invalidArgument(
    operation,
    "augmentation",
    "a function such as augment.flip()",
    formatReceived(value),
  );
}
