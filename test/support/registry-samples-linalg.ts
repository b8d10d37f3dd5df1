/**
 * Samples of linear algebra: matrices so far from singular that finite differences and rounding are harmless. All are diagonally
 * dominant, up to the order of their rows, with a condition number below 4 for the maximum norm.
 */
import type { TriangularParams } from "../../src/primitives/dense.js";
import type { DType } from "../../src/types/dtype.js";
import type { Shape } from "../../src/types/shape.js";
import {
  fixed,
  floats,
  random,
  type Sample,
  type SampleInput,
  sample,
  typed,
} from "./registry-samples-values.js";

const squares: readonly Shape[] = [
  [0, 0],
  [1, 1],
  [2, 2],
  [5, 5],
  [2, 3, 3],
  [0, 2, 2],
  [2, 0, 0],
];

/** Off the diagonal −1 … 1; on it n + 1 and a little. `order` turns the rows: row i is that of i + order. */
function dominant(shape: Shape, dtype: DType, salt = 0, order = 0): SampleInput {
  const rest = random(shape, dtype, -1, 1, salt);
  const n = shape[shape.length - 1];
  return {
    ...rest,
    values(example) {
      const array = rest.values(example);
      for (let k = 0; k < array.length; k++) {
        const [i, j] = [Math.floor(k / n) % n, k % n];
        if ((i + order) % n === j) array[k] += n + 1;
      }
      return array;
    },
  };
}

/** Rows in turned order, so that every step of an elimination exchanges some. */
const turned = (shape: Shape, dtype: DType): SampleInput => dominant(shape, dtype, 1, shape[0] === 5 ? 2 : 1);

const special = <P>(s: Sample<P>): Sample<P> => ({ ...s, valuesOnly: true });

export const choleskys = typed(floats, (dtype) => [
  ...squares.map((shape) => sample(`[${shape}]`, undefined, dominant(shape, dtype))),
  special(sample("[37,37]", undefined, dominant([37, 37], dtype))),
  special(sample("not positive definite", undefined, fixed([2, 2], dtype, [1, 2, 2, 1]))),
  special(sample("semidefinite", undefined, fixed([2, 2], dtype, [1, 1, 1, 1]))),
  special(sample("one of two", undefined, fixed([2, 2, 2], dtype, [-1, 0, 0, 1, 4, 9, 0, 9]))),
  special(sample("NaN", undefined, fixed([2, 2], dtype, [4, 0, NaN, 4]))),
]);

const systems: readonly (readonly [Shape, Shape])[] = [
  [
    [0, 0],
    [0, 2],
  ],
  [
    [2, 2],
    [2, 0],
  ],
  [
    [1, 1],
    [1, 2],
  ],
  [
    [3, 3],
    [3, 2],
  ],
  [
    [2, 2, 2],
    [2, 2, 3],
  ],
  [
    [0, 2, 2],
    [0, 2, 1],
  ],
];
const large: readonly [Shape, Shape] = [
  [37, 37],
  [37, 19],
];

const booleans = [false, true];
const triangles: readonly TriangularParams[] = booleans.flatMap((lower) =>
  booleans.flatMap((transpose) => booleans.map((unitDiagonal) => ({ lower, transpose, unitDiagonal }))),
);

/** A dominant matrix over its diagonal, so that triangles with ones for a diagonal are as harmless. */
function scaled(shape: Shape, dtype: DType): SampleInput {
  const whole = dominant(shape, dtype, 1);
  const n = shape[shape.length - 1];
  return { ...whole, values: (example) => whole.values(example).map((x) => x / (n + 1)) };
}

export const triangularSolves = triangles.flatMap((params) =>
  typed(floats, (dtype) => {
    const of = ([a, b]: readonly [Shape, Shape]): Sample<TriangularParams> =>
      sample(`[${a}] [${b}] ${JSON.stringify(params)}`, params, scaled(a, dtype), random(b, dtype, -2, 2, 2));
    return [
      ...systems.map(of),
      special(of(large)),
      special(
        sample(
          `a zero on the diagonal ${JSON.stringify(params)}`,
          params,
          fixed([2, 2], dtype, [0, 3, 3, 2]),
          fixed([2, 1], dtype, [1, 2]),
        ),
      ),
    ];
  }),
);

export const solves = booleans.flatMap((transpose) =>
  typed(floats, (dtype) => {
    const of = ([a, b]: readonly [Shape, Shape]): Sample<{ transpose: boolean }> =>
      sample(`[${a}] [${b}] ${transpose}`, { transpose }, turned(a, dtype), random(b, dtype, -2, 2, 2));
    return [
      ...systems.map(of),
      special(of(large)),
      special(
        sample(
          `singular ${transpose}`,
          { transpose },
          fixed([2, 2], dtype, [1, 2, 2, 4]),
          fixed([2, 1], dtype, [1, 1]),
        ),
      ),
    ];
  }),
);

const singular = (dtype: DType): Sample<undefined>[] => [
  sample("singular", undefined, fixed([3, 3], dtype, [1, 2, 3, 2, 4, 6, 1, 0, 1])),
  sample("of rank 1", undefined, fixed([3, 3], dtype, [1, 2, 3, 2, 4, 6, 3, 6, 9])),
  sample("of zeros", undefined, fixed([2, 2], dtype, [0, 0, 0, 0])),
  sample("with NaN", undefined, fixed([2, 2], dtype, [1, NaN, 2, 3])),
];

export const determinants = typed(floats, (dtype) => [
  ...squares.map((shape) => sample(`[${shape}]`, undefined, turned(shape, dtype))),
  special(sample("[19,19]", undefined, turned([19, 19], dtype))),
  ...singular(dtype).map(special),
]);

/** No derivatives: they are what other primitives become once these have been differentiated. */
export const factors = typed(floats, (dtype) => [
  ...squares.map((shape) => special(sample(`[${shape}]`, undefined, turned(shape, dtype)))),
  special(sample("[37,37]", undefined, turned([37, 37], dtype))),
  ...singular(dtype).map(special),
]);

export const factoredSolves = booleans.flatMap((transpose) =>
  typed(floats, (dtype) => [
    special(
      sample(
        `[3,2] [2,3] ${transpose}`,
        { transpose },
        fixed([3, 2], dtype, [4, 2, 0.5, 3, 1, 1]),
        random([2, 3], dtype, -2, 2, 2),
      ),
    ),
    special(
      sample(
        `[2,2,1] [2,1,2] ${transpose}`,
        { transpose },
        fixed([2, 2, 1], dtype, [4, 0, 5, 0]),
        random([2, 1, 2], dtype, -2, 2, 2),
      ),
    ),
  ]),
);
