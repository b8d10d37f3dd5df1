/**
 * How weights start. An init is a function of a random key, a shape [out, in, …] and a dtype; the axes after the second
 * are a window's, and count for both fans: fanIn = in · window, fanOut = out · window.
 */
import { type DType, isTensor, random, type Tensor, tensor, zeros as zerosOf } from "../index.js";
import { checkFinite, invalidArgument, isList, isNatural } from "../util/checks.js";
import { AdjointError, formatList, formatReceived } from "../util/errors.js";

/** Makes weights of a shape [out, in, …]. */
export interface Init {
  (key: Tensor, shape: readonly number[], dtype?: DType): Tensor;
  /** Makes the bias beside weights of `weightShape`; without it biases are 0. */
  readonly bias?: (
    key: Tensor,
    shape: readonly number[],
    dtype: DType,
    weightShape: readonly number[],
  ) => Tensor;
}

interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

/** @throws AdjointError `shape-mismatch` for fewer than two axes, `invalid-argument` for what is no shape */
function fansOf(shape: readonly number[], operation: string): Fans {
  const expected = "[out, in, …]";
  if (!isList(shape, isNatural)) throw invalidArgument(operation, "shape", expected, formatList(shape));
  if (shape.length < 2)
    throw new AdjointError(
      "shape-mismatch",
      `${operation}: shape must be ${expected}, received ${formatList(shape)}`,
      { operation, argument: "shape", expected, received: formatList(shape) },
    );
  const window = shape.slice(2).reduce((product, extent) => product * extent, 1);
  // an axis of extent 0 has no weights to start: 1 avoids the infinite scale
  return { fanIn: Math.max(1, shape[1] * window), fanOut: Math.max(1, shape[0] * window) };
}

function uniformOf(name: string, bound: (fans: Fans) => number): Init {
  return (key, shape, dtype = "float32") => {
    const high = bound(fansOf(shape, name));
    return random.uniform(key, { shape, dtype, low: -high, high });
  };
}

function normalOf(name: string, std: (fans: Fans) => number): Init {
  return (key, shape, dtype = "float32") =>
    random.normal(key, { shape, dtype, std: std(fansOf(shape, name)) });
}

/**
 * Uniform in ±√(6 / (fanIn + fanOut)), biases 0 (Glorot and Bengio 2010): keeps the variance of activations and of gradients
 * under tanh-like activations.
 * @example nn.init.xavierUniform(random.key(0), [2, 3]).shape; // → 2,3
 */
export const xavierUniform: Init = uniformOf("xavierUniform", ({ fanIn, fanOut }) =>
  Math.sqrt(6 / (fanIn + fanOut)),
);

/**
 * Normal with variance 2 / (fanIn + fanOut), biases 0 (Glorot and Bengio 2010).
 * @example nn.init.xavierNormal(random.key(0), [2, 3]).shape; // → 2,3
 */
export const xavierNormal: Init = normalOf("xavierNormal", ({ fanIn, fanOut }) =>
  Math.sqrt(2 / (fanIn + fanOut)),
);

/**
 * Uniform in ±√(6 / fanIn), biases 0 (He et al. 2015): keeps the variance of activations under ReLU, which halves it.
 * @example nn.init.heUniform(random.key(0), [2, 3]).shape; // → 2,3
 */
export const heUniform: Init = uniformOf("heUniform", ({ fanIn }) => Math.sqrt(6 / fanIn));

/**
 * Normal with variance 2 / fanIn, biases 0 (He et al. 2015).
 * @example nn.init.heNormal(random.key(0), [2, 3]).shape; // → 2,3
 */
export const heNormal: Init = normalOf("heNormal", ({ fanIn }) => Math.sqrt(2 / fanIn));

/**
 * Normal with variance 1 / fanIn, biases 0 (LeCun et al. 1998); not truncated.
 * @example nn.init.lecunNormal(random.key(0), [2, 3]).shape; // → 2,3
 */
export const lecunNormal: Init = normalOf("lecunNormal", ({ fanIn }) => Math.sqrt(1 / fanIn));

/**
 * Uniform in [0, 1), biases too.
 * @example nn.init.uniform(random.key(0), [2, 3]).max().itemSync() < 1; // → true
 */
export const uniform: Init = withBias((key, shape, dtype = "float32") =>
  random.uniform(key, { shape, dtype }),
);

/**
 * Normal with mean 0 and variance 1, biases 0.
 * @example nn.init.normal(random.key(0), [2, 3]).shape; // → 2,3
 */
export const normal: Init = (key, shape, dtype = "float32") => random.normal(key, { shape, dtype });

/**
 * Weights and biases all normal with mean 0 and variance 1: how the networks of Nielsen's first two chapters start.
 * @example
 * const neuron = new nn.Linear(1, 1, { init: nn.init.nielsen, key: random.key(0) });
 * neuron.bias.item() === 0; // → false
 */
export const nielsen: Init = withBias((key, shape, dtype = "float32") =>
  random.normal(key, { shape, dtype }),
);

/**
 * Everything 0. A network whose hidden layers start so cannot break the symmetry between its neurons.
 * @example nn.init.zeros(random.key(0), [2, 2]).array(); // → 0,0,0,0
 */
export const zeros: Init = (_key, shape, dtype = "float32") => zerosOf(shape, { dtype });

/**
 * What layers start with unless told otherwise, PyTorch's default: weights and biases uniform in ±1/√fanIn.
 * @example nn.init.standard(random.key(0), [2, 3]).shape; // → 2,3
 */
export const standard: Init = Object.assign(
  uniformOf("standard", ({ fanIn }) => 1 / Math.sqrt(fanIn)),
  {
    bias: (key: Tensor, shape: readonly number[], dtype: DType, weightShape: readonly number[]) => {
      const high = 1 / Math.sqrt(fansOf(weightShape, "standard").fanIn);
      return random.uniform(key, { shape, dtype, low: -high, high });
    },
  },
);

/** The same for weights and biases. */
function withBias(f: (key: Tensor, shape: readonly number[], dtype?: DType) => Tensor): Init {
  return Object.assign((key: Tensor, shape: readonly number[], dtype?: DType) => f(key, shape, dtype), {
    bias: f,
  });
}

/**
 * A random matrix with orthonormal rows (columns, where there are more rows than columns), biases 0 (Saxe et al. 2014);
 * further axes count as columns. It keeps lengths, whatever the depth. Values are computed at once, so not inside `jit`.
 * @example
 * const w = nn.init.orthogonal(random.key(0), [2, 3]);
 * w.matmul(w.transpose()).sub(eye(2)).abs().max().itemSync() < 1e-6; // → true
 */
export const orthogonal: Init = (key, shape, dtype = "float32") => {
  fansOf(shape, "orthogonal");
  const rows = shape[0];
  const columns = shape.slice(1).reduce((product, extent) => product * extent, 1);
  const [count, length] = rows <= columns ? [rows, columns] : [columns, rows];
  const vectors = orthonormalRows(
    random.normal(key, { shape: [count, length], dtype: "float64" }),
    count,
    length,
  );
  const matrix = tensor(vectors, { shape: [count, length], dtype });
  return (rows <= columns ? matrix : matrix.transpose()).reshape(shape);
};

/** Gram–Schmidt, each vector cleaned twice ("twice is enough", Kahan and Parlett), which leaves rounding errors only. */
function orthonormalRows(random: Tensor, count: number, length: number): Float64Array {
  const rows = Float64Array.from(random.dataSync());
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * length, (i + 1) * length);
    for (let pass = 0; pass < 2; pass++)
      for (let j = 0; j < i; j++) {
        const other = rows.subarray(j * length, (j + 1) * length);
        const overlap = dotOf(row, other);
        for (let k = 0; k < length; k++) row[k] -= overlap * other[k];
      }
    const norm = Math.sqrt(dotOf(row, row));
    for (let k = 0; k < length; k++) row[k] /= norm;
  }
  return rows;
}

function dotOf(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let k = 0; k < a.length; k++) total += a[k] * b[k];
  return total;
}

/**
 * An init with its weights (not its biases) multiplied by a gain.
 * @throws AdjointError `invalid-argument` unless the gain is a finite number and the init a function that makes tensors
 * @example nn.init.scaled(nn.init.heNormal, 0.5)(random.key(0), [2, 3]).shape; // → 2,3
 */
export function scaled(init: Init, gain: number): Init {
  if (typeof init !== "function")
    throw invalidArgument("scaled", "init", "a function such as nn.init.heNormal", formatReceived(init));
  checkFinite(gain, "scaled", "gain");
  const weights = (key: Tensor, shape: readonly number[], dtype?: DType): Tensor => {
    const made: unknown = init(key, shape, dtype);
    if (!isTensor(made))
      throw invalidArgument("scaled", "init", "a function that gives a tensor", formatReceived(made));
    return made.mul(gain);
  };
  return init.bias === undefined ? weights : Object.assign(weights, { bias: init.bias });
}
