/** Remedies as changes of a training run, so that they can be tried: each makes another setup, or says why it cannot. */
import { isTensor, random, type Tensor, tensor } from "../../index.js";
import * as losses from "../../losses/index.js";
import { Activation, type ActivationName, init, type Module, Sequential } from "../../nn/index.js";
import { chain, clipByGlobalNorm } from "../../optim/index.js";
import { flatten, leafPaths, unflatten } from "../../util/tree.js";
import type { LayerNodes } from "./anatomy.js";
import type { Setup } from "./trial.js";

/** A remedy. */
export interface Treatment {
  /** What is changed, as in "with …". */
  readonly change: string;
  /** The changed setup; a text says why there is none. */
  readonly apply: (setup: Setup) => Setup | string;
}

/** The same model, its tensors changed where `change` gives others. */
function withTensors(model: Module, change: (path: string, leaf: Tensor) => Tensor): Module {
  const { leaves, structure } = flatten(model, isTensor);
  const paths = leafPaths(structure);
  // the same tree with other tensors in it
  return unflatten(
    structure,
    leaves.map((leaf, i) => change(paths[i], leaf)),
  ) as Module;
}

/** Every update so many times as large. */
export function rate(times: number, change: string): Treatment {
  return { change, apply: (setup) => ({ ...setup, rate: setup.rate * times }) };
}

/** Inputs of mean 0 and deviation 1, by the statistics of the examples looked at: by feature for rows, else as a whole. */
export function standardised(x: Tensor): Treatment {
  const change =
    x.rank === 2 ? "each input feature as (x − mean) / deviation" : "the inputs as (x − mean) / deviation";
  return {
    change,
    apply(setup) {
      if (x.dtype !== "float32" && x.dtype !== "float64")
        return "the inputs are indices, which cannot be scaled";
      const mean = x.rank === 2 ? x.mean(0) : x.mean();
      const deviation = (x.rank === 2 ? x.sub(mean).square().mean(0) : x.sub(mean).square().mean()).sqrt();
      // a constant feature becomes 0 and stays it
      const scale = tensor(
        deviation.dataSync().map((value) => (value > 0 ? 1 / value : 1)),
        { shape: deviation.shape, dtype: x.dtype },
      );
      return { ...setup, prepare: (given) => setup.prepare(given).sub(mean).mul(scale) };
    },
  };
}

/** Weights of layers multiplied so that rms(w) √fanIn is what the published initialisers give them. */
export function rescaled(layers: readonly LayerNodes[]): Treatment {
  return {
    change:
      "the weights scaled to their published size (He with ReLU-like activations, else Glorot), biases 0",
    apply(setup) {
      const found = new Map(layers.map((layer) => [layer.weightPath, layer]));
      const biases = new Set(layers.map(({ biasPath }) => biasPath));
      const model = withTensors(setup.model, (path, leaf) => {
        const layer = found.get(path);
        if (layer !== undefined) return leaf.mul(publishedRms(layer) / rmsOf(leaf));
        return biases.has(path) ? leaf.mul(0) : leaf;
      });
      return { ...setup, model };
    },
  };
}

function rmsOf(leaf: Tensor): number {
  return leaf.square().mean().sqrt().itemSync();
}

/** √(2 / fanIn) before what is flat on the left (He et al. 2015), else √(2 / (fanIn + fanOut)) (Glorot and Bengio 2010). */
function publishedRms({ weight, fanIn, units, activations }: LayerNodes): number {
  // a convolution's window counts on both sides
  const fanOut = weight.shape.length > 2 ? (fanIn * units) / Math.max(1, weight.shape[1]) : units;
  return Math.sqrt(activations[0]?.kind.flat === "left" ? 2 / fanIn : 2 / (fanIn + fanOut));
}

/** Weights drawn anew. */
export function redrawn(layers: readonly LayerNodes[], seed: number): Treatment {
  return {
    change: "random weights (He with ReLU-like activations, else Glorot)",
    apply(setup) {
      const keys = random.split(random.key(seed), Math.max(1, layers.length));
      const found = new Map(layers.map((layer, i) => [layer.weightPath, { layer, key: keys[i] }]));
      const model = withTensors(setup.model, (path, leaf) => {
        const drawn = found.get(path);
        if (drawn === undefined) return leaf;
        const start = drawn.layer.activations[0]?.kind.flat === "left" ? init.heNormal : init.xavierNormal;
        return start(drawn.key, leaf.shape, leaf.dtype);
      });
      return { ...setup, model };
    },
  };
}

/** Biases of layers at 0. */
export function zeroBiases(layers: readonly LayerNodes[]): Treatment {
  return {
    change: "the biases of these layers at 0",
    apply(setup) {
      const paths = new Set(layers.flatMap(({ biasPath }) => (biasPath === null ? [] : [biasPath])));
      if (paths.size === 0) return "these layers have no bias of their own";
      return {
        ...setup,
        model: withTensors(setup.model, (path, leaf) => (paths.has(path) ? leaf.mul(0) : leaf)),
      };
    },
  };
}

/** The bias of the last layer moved so that outputs have the mean of the targets. */
export function shiftedBias({ biasPath }: LayerNodes, shift: Tensor): Treatment {
  return {
    change: "the last bias moved so that the outputs have the mean of the targets",
    apply(setup) {
      if (biasPath === null) return "the last layer has no bias";
      const model = withTensors(setup.model, (path, leaf) => (path === biasPath ? leaf.add(shift) : leaf));
      return { ...setup, model };
    },
  };
}

/** Gradients scaled down to a norm of 1 where they are longer (Pascanu, Mikolov and Bengio 2013). */
export const clipped: Treatment = {
  change: "gradients clipped to a norm of 1",
  apply: (setup) => ({ ...setup, optimizer: chain(clipByGlobalNorm(1), setup.optimizer) }),
};

/** ReLU in place of a saturating activation, with the weights it wants. The output's own activation stays. */
export function swapped(from: string, layers: readonly LayerNodes[]): Treatment {
  return {
    change: `relu in place of ${from} between the layers, weights scaled as He et al. do, biases 0`,
    apply(setup) {
      const last = lastActivation(setup.model);
      let count = 0;
      const model = withActivations(setup.model, (layer) => {
        if (layer === last || layer.activation !== from) return layer;
        count++;
        return new Activation("relu");
      });
      if (count === 0)
        return `the model has no nn.Activation("${from}") between its layers that could be exchanged`;
      const hidden = layers.slice(0, -1).map((layer) => ({ ...layer, isHidden: true }));
      const found = new Map(hidden.map((layer) => [layer.weightPath, layer]));
      const biases = new Set(hidden.map(({ biasPath }) => biasPath));
      const scaled = withTensors(model, (path, leaf) => {
        const layer = found.get(path);
        if (layer !== undefined) return leaf.mul(Math.sqrt(2 / layer.fanIn) / rmsOf(leaf));
        return biases.has(path) ? leaf.mul(0) : leaf;
      });
      return { ...setup, model: scaled };
    },
  };
}

function withActivations(model: Module, change: (layer: Activation) => Activation): Module {
  const isActivation = (value: unknown): value is Activation => value instanceof Activation;
  const isLeaf = (value: unknown): value is Tensor | Activation => isTensor(value) || isActivation(value);
  const { leaves, structure } = flatten(model, isLeaf);
  // the same tree with other activations in it
  return unflatten(
    structure,
    leaves.map((leaf) => (isActivation(leaf) ? change(leaf) : leaf)),
  ) as Module;
}

/** The activation a Sequential ends with. */
function lastActivation(model: Module): Activation | null {
  const last = model instanceof Sequential ? model.layers.at(-1) : undefined;
  return last instanceof Activation ? last : null;
}

/** Plain outputs, under the same loss or another. */
export function bareOutput(loss: "same" | "sigmoidCrossEntropy"): Treatment {
  const other = loss === "same" ? "" : ", and the sigmoid cross-entropy in place of the loss";
  return {
    change: `the output's activation left out${other}`,
    apply(setup) {
      const last = lastActivation(setup.model);
      if (last === null) return "the model does not end with an nn.Activation that could be left out";
      const model = withActivations(setup.model, (layer) =>
        layer === last ? new Activation("identity") : layer,
      );
      if (loss === "same") return { ...setup, model, threshold: 0 };
      const read = activationNamed(last);
      return {
        ...setup,
        model,
        loss: losses.sigmoidCrossEntropy,
        read: (output) => read(setup.read(output)),
      };
    },
  };
}

function activationNamed({ activation }: Activation): (x: Tensor) => Tensor {
  return (x) => new Activation(activation as ActivationName).forward(x);
}
