/**
 * What recurrent layers have in common: several layers one above the other, each a scan over time. The share of the
 * input in all gates of all steps is one product before the scan; what remains in it is the product with the state
 * before.
 */
import { add, type DType, matmul, random, scan, stack, type Tensor, zeros } from "../index.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { checkFlag, checkFloatDtype, checkLayerOptions, checkSize, refuseShape } from "./arguments.js";
import { checkInput } from "./input.js";
import type { Module } from "./module.js";
import { stateNames } from "./names.js";

/** How a recurrent layer is made. */
export interface RecurrentOptions {
  /** How many layers stand one above the other, each reading the outputs of the one below. Default 1. */
  readonly layers?: number;
  /** Whether gates have biases: two, as in PyTorch. Default true. */
  readonly bias?: boolean;
  /** The random key all start from, uniform in ±1/√hidden. Default: the next of the sequence that `setSeed` restarts. */
  readonly key?: Tensor;
  /** float32 (default) or float64. */
  readonly dtype?: DType;
}

const optionNames = ["layers", "bias", "key", "dtype"] as const satisfies readonly (keyof RecurrentOptions)[];

/** The tensors of one layer; its gates stand one below the other. */
export interface RecurrentLayer {
  /** [gates · hidden, in] */
  readonly inputWeight: Tensor;
  /** [gates · hidden, hidden] */
  readonly hiddenWeight: Tensor;
  /** [gates · hidden], or null without biases */
  readonly inputBias: Tensor | null;
  /** [gates · hidden], or null without biases */
  readonly hiddenBias: Tensor | null;
}

const pytorchNames: Readonly<Record<string, string>> = {
  inputWeight: "weight_ih",
  hiddenWeight: "weight_hh",
  inputBias: "bias_ih",
  hiddenBias: "bias_hh",
};

/** Layers scanned over time; a subclass has the cell. */
export abstract class Recurrent implements Module {
  /** From the one that reads the input upwards. */
  readonly layers: readonly RecurrentLayer[];

  /** @throws AdjointError `invalid-argument` */
  protected constructor(
    inFeatures: number,
    hiddenFeatures: number,
    gates: number,
    options: RecurrentOptions,
    name: string,
  ) {
    checkSize(inFeatures, name, "inFeatures");
    checkSize(hiddenFeatures, name, "hiddenFeatures");
    checkLayerOptions(options, optionNames, name);
    const { layers = 1, bias = true } = options;
    checkSize(layers, name, "layers");
    checkFlag(bias, name, "bias");
    const dtype = checkFloatDtype(options.dtype, name);
    const keys = random.split(options.key ?? random.next(), 4 * layers);
    const high = 1 / Math.sqrt(hiddenFeatures);
    const draw = (key: Tensor, shape: readonly number[]): Tensor =>
      random.uniform(key, { shape, dtype, low: -high, high });
    const rows = gates * hiddenFeatures;
    this.layers = Array.from({ length: layers }, (_, i) => ({
      inputWeight: draw(keys[4 * i], [rows, i === 0 ? inFeatures : hiddenFeatures]),
      hiddenWeight: draw(keys[4 * i + 1], [rows, hiddenFeatures]),
      inputBias: bias ? draw(keys[4 * i + 2], [rows]) : null,
      hiddenBias: bias ? draw(keys[4 * i + 3], [rows]) : null,
    }));
  }

  /** How many numbers a step of the input has. */
  get inFeatures(): number {
    return this.layers[0].inputWeight.shape[1];
  }

  /** How many numbers a step of the output has. */
  get hiddenFeatures(): number {
    return this.layers[0].hiddenWeight.shape[1];
  }

  /** The layer's outputs at all steps, from a state of zeros. */
  abstract forward(x: Tensor): Tensor;

  /** One step: from the shares of input and hidden state in the gates, and the parts of the state, the new parts. */
  protected abstract cell(
    fromInput: Tensor,
    fromHidden: Tensor,
    state: readonly Tensor[],
  ): readonly [hidden: Tensor, ...others: Tensor[]];

  /**
   * All layers over all steps.
   *
   * @param x [batch, time, in]
   * @param given the parts of the state before the first step, each [layers, batch, hidden]
   * @returns the outputs of the last layer, [batch, time, hidden], and the parts of the state after the last step
   */
  protected unroll(
    x: Tensor,
    given: readonly (Tensor | undefined)[],
    name: string,
  ): [outputs: Tensor, state: Tensor[]] {
    checkInput(x, name);
    if (x.rank !== 3 || x.shape[2] !== this.inFeatures || x.shape[1] === 0)
      throw refuseShape(name, `[batch, time, ${this.inFeatures}] with a step at least`, x);
    const [batch] = x.shape;
    const shape = [this.layers.length, batch, this.hiddenFeatures];
    const start = given.map((part) => checkPart(part, shape, x.dtype, name));
    const ends: Tensor[][] = given.map(() => []);
    // [batch, time, in] → [time, batch, in]
    let inputs = x.swapAxes(0, 1);
    this.layers.forEach((layer, index) => {
      // [time, batch, in] · [in, gates · hidden] → [time, batch, gates · hidden]
      const shares = plus(matmul(inputs, layer.inputWeight.transpose()), layer.inputBias);
      const hiddenWeight = layer.hiddenWeight.transpose();
      const before = start.map((part) => part.slice(index));
      const [state, outputs] = scan(
        (parts, fromInput) => {
          const fromHidden = plus(matmul(parts[0], hiddenWeight), layer.hiddenBias);
          const next = this.cell(fromInput, fromHidden, parts);
          return [[...next], next[0]];
        },
        before,
        shares,
      );
      inputs = outputs;
      state.forEach((part, i) => {
        ends[i].push(part);
      });
    });
    return [inputs.swapAxes(0, 1), ends.map((parts) => stack(parts, 0))];
  }

  /** PyTorch's names: `weight_ih_l0`. */
  [stateNames](path: string): string {
    return path.replace(/^layers\.(\d+)\.(\w+)$/, (_, index: string, field: string) =>
      field in pytorchNames ? `${pytorchNames[field]}_l${index}` : path,
    );
  }

  protected describe(name: string): string {
    const count = this.layers.length;
    return `${name}(${this.inFeatures} → ${this.hiddenFeatures}${count === 1 ? "" : `, ${count} layers`})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return String(this);
  }
}

/** The gates' shares as parts of equal size along the last axis. */
export function partsOf(gates: Tensor, count: number): Tensor[] {
  return gates.split(count, -1);
}

function plus(x: Tensor, bias: Tensor | null): Tensor {
  return bias === null ? x : add(x, bias);
}

function checkPart(part: unknown, shape: readonly number[], dtype: DType, name: string): Tensor {
  if (part === undefined) return zeros(shape, { dtype: dtype === "float64" ? dtype : "float32" });
  const found = checkInput(part, name);
  if (formatShape(found.shape) === formatShape(shape)) return found;
  throw new AdjointError(
    "shape-mismatch",
    `${name}: the state must be [layers, batch, hidden] = ${formatShape(shape)}, received ${formatShape(found.shape)}`,
    { operation: name, argument: "state", expected: formatShape(shape), received: formatReceived(found) },
  );
}
