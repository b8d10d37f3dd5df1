/** Random programs: a list of numbers that choose operations, which read what earlier ones made. */
import fc from "fast-check";
import { concat, type Tensor, where } from "../../src/index.js";

export interface Program {
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** Of each operation: which, its operands, and a choice of its own. */
  readonly steps: readonly (readonly [operation: number, first: number, second: number, choice: number])[];
}

const shape = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 });

export const programs: fc.Arbitrary<Program> = fc.record({
  left: shape,
  right: shape,
  steps: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()), { minLength: 1, maxLength: 12 }),
});

type Operation = (x: Tensor, y: Tensor, choice: number) => Tensor;

const axisOf = (x: Tensor, choice: number): number => choice % Math.max(1, x.rank);
/** Keeps values small, so that rounding does not grow with the program. */
const tame = (x: Tensor): Tensor => x.tanh();
const scalar = (x: Tensor): boolean => x.rank === 0;

const operations: readonly Operation[] = [
  (x) => x.sin(),
  (x) => x.sigmoid(),
  (x) => tame(x.exp()),
  (x) => tame(x.square().add(0.5).log()),
  (x) => x.relu().sub(0.1),
  (x) => x.abs().add(0.5).sqrt(),
  // operands of other shapes meet through their means
  (x, y) => tame(x.mul(y.mean())),
  (x, y) => x.add(y.sin().mean().cos()),
  (x, y) => (sameShape(x, y) ? tame(x.mul(y)) : tame(x.mul(2))),
  (x, y) => (sameShape(x, y) ? x.maximum(y) : x.maximum(0.2)),
  (x, y) => (sameShape(x, y) ? where(x.gt(0.1), x, y.mul(2)) : where(x.gt(0.1), x, 0.5)),
  (x, _y, choice) => (scalar(x) ? x : x.sum(axisOf(x, choice), { keepDims: true }).mul(0.3).add(x)),
  (x, _y, choice) => (scalar(x) ? x : x.mean(axisOf(x, choice))),
  (x, _y, choice) => (scalar(x) ? x : x.max(axisOf(x, choice), { keepDims: true }).sub(x)),
  (x, _y, choice) => (scalar(x) ? x : x.softmax(axisOf(x, choice))),
  (x) => x.transpose(),
  (x) => x.flatten(),
  (x, _y, choice) => (scalar(x) ? x : x.flip(axisOf(x, choice))),
  (x, _y, choice) => (scalar(x) ? x : tame(x.cumsum(axisOf(x, choice)))),
  (x, _y, choice) => (scalar(x) ? x : x.slice([choice % x.shape[0], null, 1])),
  (x, _y, choice) =>
    scalar(x) || x.size > 64
      ? x
      : x.pad(x.shape.map((_, axis) => (axis === 0 ? ([choice % 2, 1] as const) : ([0, 0] as const)))),
  (x, _y, choice) => (scalar(x) || x.size > 64 ? x : concat([x, x.neg()], axisOf(x, choice))),
  (x) => (scalar(x) ? x : tame(x.reshape([x.shape[0], -1]).matmul(x.reshape([x.shape[0], -1]).transpose()))),
  (x, y) => (scalar(x) || y.size > 16 || x.size > 64 ? x : tame(x.flatten().outer(y.flatten()))),
  (x, _y, choice) => (scalar(x) ? x : x.take([0, -1, choice % x.shape[0]])),
  (x) => (scalar(x) ? x : x.sort(-1)),
];

function sameShape(x: Tensor, y: Tensor): boolean {
  return x.shape.join() === y.shape.join();
}

/** Runs a program; its results are all that it made and nothing else read. */
export function runProgram({ steps }: Program, x: Tensor, y: Tensor): Tensor[] {
  const made = [x, y];
  const read = new Set<Tensor>();
  for (const [operation, first, second, choice] of steps) {
    const [a, b] = [made[first % made.length], made[second % made.length]];
    read.add(a).add(b);
    made.push(operations[operation % operations.length](a, b, choice));
  }
  const loose = made.filter((node) => !read.has(node));
  return [...loose, ...made.map((node) => node.sin().mean())].slice(0, 6);
}
