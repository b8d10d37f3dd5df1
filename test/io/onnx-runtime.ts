/** ONNX Runtime, installed apart from the rest: what exported models are run in. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type DType, type Tensor, tensor } from "../../src/index.js";
import { skipWithout } from "../support/needs.js";

/** The part of its interface that is used here. */
interface Runtime {
  readonly Tensor: new (type: string, data: ArrayBufferView, dims: readonly number[]) => RuntimeTensor;
  readonly InferenceSession: { create(bytes: Uint8Array, options: object): Promise<Session> };
}

interface RuntimeTensor {
  readonly type: string;
  readonly data: ArrayLike<number>;
  readonly dims: readonly number[];
}

interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, RuntimeTensor>>): Promise<Readonly<Record<string, RuntimeTensor>>>;
  release(): Promise<void>;
}

const folder = new URL("../onnxruntime/", import.meta.url);

/** Skips a test that runs models where the runtime is not installed. @param skip of the test's context */
export function needsRuntime(skip: (reason: string) => void): void {
  skipWithout(fileURLToPath(new URL("node_modules/onnxruntime-node", folder)), skip);
}

function load(): Runtime {
  return createRequire(new URL("package.json", folder))("onnxruntime-node");
}

let runtime: Runtime | undefined;

const dtypes: Readonly<Record<string, DType>> = {
  float32: "float32",
  float64: "float64",
  int32: "int32",
  bool: "bool",
};

/** The outputs of an ONNX model, in order, as ONNX Runtime computes them; loading one is a check of the whole file. */
export async function runOnnx(bytes: Uint8Array, inputs: readonly Tensor[]): Promise<Tensor[]> {
  runtime ??= load();
  const ort = runtime;
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  try {
    const feeds = session.inputNames.map((name, i) => {
      const { dtype, shape } = inputs[i];
      return [name, new ort.Tensor(dtype, inputs[i].dataSync(), shape)] as const;
    });
    const results = await session.run(Object.fromEntries(feeds));
    return session.outputNames.map((name) => {
      const { type, data, dims } = results[name];
      return tensor(Array.from(data), { shape: dims, dtype: dtypes[type] });
    });
  } finally {
    await session.release();
  }
}

/** The largest |a − b| / (1 + |b|); NaN where one is not finite and the other differs, so that no bound holds. */
export function difference(a: Tensor, b: Tensor): number {
  if (String(a.shape) !== String(b.shape) || a.dtype !== b.dtype) return Number.NaN;
  const [left, right] = [a.dataSync(), b.dataSync()];
  let largest = 0;
  for (let i = 0; i < right.length; i++) {
    if (Object.is(left[i], right[i]) || left[i] === right[i]) continue;
    const error = Math.abs(left[i] - right[i]) / (1 + Math.abs(right[i]));
    if (!(error <= largest)) largest = error;
  }
  return largest;
}
