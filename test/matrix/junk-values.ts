/** Arguments nobody should pass, and some that are nearly right: what the sweep of the public face draws from. */
import fc from "fast-check";
import { dtypes, isTensor, jit, type Tensor, tensor } from "../../src/index.js";

/** Small, special, or so large that it must be refused before memory is asked for. */
const number = fc.constantFrom(
  ...[0, 1, 2, 3, -1, -2, -0, 0.5, 1.5, 4, 5],
  ...[NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31), 1e15, -1e15, 2 ** 53, 1e300, 5e-324],
);

const word = fc.constantFrom(
  "",
  "a",
  "0",
  "same",
  "valid",
  "float32",
  "int32",
  "bool",
  "float16",
  "ij,jk->ik",
);

const smallTensor: fc.Arbitrary<Tensor> = fc
  .record({
    shape: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 }),
    dtype: fc.constantFrom(...dtypes),
  })
  .map(({ shape, dtype }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const data = Float64Array.from({ length: size }, (_, i) => (i % 5) - 1);
    return tensor(data, { shape, dtype });
  });

/** A tensor that was given away, and one that escaped from a trace. */
const spent = fc.constantFrom("donated", "leaked").map((kind) => {
  const x = tensor([1, 2]);
  if (kind === "donated") {
    jit((y: Tensor) => y.mul(2), { donate: [0] })(x);
    return x;
  }
  let kept = x;
  jit((y: Tensor) => {
    kept = y.mul(2);
    return y;
  })(x);
  return kept;
});

/** Functions that throw nothing themselves: what a transform throws is then its own. */
const squareSum = (x: unknown): unknown => (isTensor(x) ? x.mul(x).sum() : 0);
const aFunction = fc.constantFrom<(...args: unknown[]) => unknown>(
  (x) => x,
  () => 1,
  () => undefined,
  (...all) => all,
  squareSum,
  (x) => [squareSum(x), x],
  async (x) => x,
  (x) => ({ a: x, b: squareSum(x) }),
);

const cyclic = (): unknown[] => {
  const list: unknown[] = [1];
  list[1] = list;
  list[0] = list;
  return list;
};

const strange = fc.constantFrom<() => unknown>(
  () => null,
  () => undefined,
  () => true,
  () => Symbol("s"),
  () => 10n,
  () => Object.create(null),
  () => new Map(),
  () => new Date(0),
  () => Object.assign(new Array(3), { 0: 1, 2: 2 }),
  () => [[1, 2], [3]],
  () => new DataView(new ArrayBuffer(8)),
  () => new BigInt64Array(2),
  () => new Float32Array(2),
  () => new Int8Array([1, 0]),
  cyclic,
  () => Promise.resolve(1),
);

const optionNames =
  "shape dtype keepDims approximate size stride padding dilation groups argnums argnum hasAux mode inAxes outAxes donate static low high mean std forward backward epsilon tolerance seed";

const scalar = fc.oneof(
  number,
  word,
  strange.map((make) => make()),
);
const list = fc.oneof(
  fc.array(number, { maxLength: 4 }),
  fc.array(fc.array(number, { minLength: 2, maxLength: 2 }), { maxLength: 4 }),
  fc.array(fc.oneof(scalar, smallTensor), { maxLength: 3 }),
);
const plain = fc.oneof(scalar, list, smallTensor, spent, aFunction);
const options = fc.dictionary(fc.constantFrom(...optionNames.split(" ")), plain, { maxKeys: 3 });

/** One argument of any kind; tensors come often, so that later arguments are looked at too. */
export const junk: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: smallTensor },
  { weight: 4, arbitrary: plain },
  { weight: 2, arbitrary: options },
);

export const junkList: fc.Arbitrary<unknown[]> = fc.array(junk, { maxLength: 4 });

/** For failures: what was passed, tensors by dtype and shape. */
export function show(value: unknown): string {
  if (isTensor(value)) return `${value.dtype}[${value.shape.join(", ")}]`;
  if (typeof value === "function") return String(value);
  if (Array.isArray(value))
    return value.includes(value) ? "cyclic" : `[${Array.from(value, show).join(", ")}]`;
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return `{ ${Object.entries(value)
      .map(([key, entry]) => `${key}: ${show(entry)}`)
      .join(", ")} }`;
  return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : String(value);
}
