/** Samples of the pointwise primitives. */

import type { BinaryOp, CompareOp, UnaryOp } from "../../src/loops/ir.js";
import { binaryTable } from "../../src/primitives/binary.js";
import type { CastParams } from "../../src/primitives/select.js";
import { unaryTable } from "../../src/primitives/unary.js";
import { type DType, dtypes } from "../../src/types/dtype.js";
import type { Shape } from "../../src/types/shape.js";
import { fixed, floats, random, type Sample, sample, typed } from "./registry-samples-values.js";

/** Odd lengths leave a remainder behind every vector width. */
export const shapes: readonly Shape[] = [[], [0], [3, 0], [1], [7], [2, 3], [2, 1, 5], [37]];
export const special = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1,
  -1,
  1e-40,
  -1e-40,
  1e30,
  -1e30,
  0.5,
  2.5,
  -2.5,
  1e-8,
];

export function unary(name: UnaryOp): Sample<undefined>[] {
  const { domain, dtypes: types } = unaryTable[name];
  return typed(types, (dtype) => [
    ...shapes.map((shape) => sample(`[${shape}]`, undefined, random(shape, dtype, domain[0], domain[1]))),
    ...(furtherUnary[name] ?? []).map(([low, high]) =>
      sample(`${low} … ${high}`, undefined, random([5], dtype, low, high)),
    ),
    ...(floats.includes(dtype)
      ? [
          {
            ...sample("special values", undefined, fixed([special.length], dtype, special)),
            valuesOnly: true,
          },
        ]
      : []),
  ]);
}

type Interval = readonly [low: number, high: number];

/** Domains beside the tables' own, where a rule has another branch. */
export const furtherDomains: { readonly [N in BinaryOp]?: readonly (readonly [Interval, Interval])[] } = {
  div: [
    [
      [-3, 3],
      [-3, -0.5],
    ],
  ],
  // quotients of 2 and of −3
  mod: [
    [
      [5.1, 5.9],
      [2.1, 2.5],
    ],
    [
      [-5.9, -5.1],
      [2.1, 2.5],
    ],
  ],
  atan2: [
    [
      [-3, -0.3],
      [-3, -0.3],
    ],
    [
      [0.3, 3],
      [-3, -0.3],
    ],
  ],
};
export const furtherUnary: { readonly [N in UnaryOp]?: readonly Interval[] } = {
  abs: [[-3, -0.1]],
  sign: [[-3, -0.1]],
  floor: [[-1.9, -1.1]],
  ceil: [[-1.9, -1.1]],
  round: [[-1.4, -0.6]],
};

export function binary(name: BinaryOp): Sample<undefined>[] {
  const { domains, dtypes: types } = binaryTable[name];
  const [a, b] = domains;
  // every pair of the special values
  const left = special.flatMap((x) => special.map(() => x));
  const right = special.flatMap(() => special);
  return typed(types, (dtype) => [
    ...shapes.map((shape) =>
      dtype === "int32"
        ? sample(`[${shape}]`, undefined, random(shape, dtype, -9, 9, 1), random(shape, dtype, 0, 5, 2))
        : sample(
            `[${shape}]`,
            undefined,
            random(shape, dtype, a[0], a[1], 1),
            random(shape, dtype, b[0], b[1], 2),
          ),
    ),
    ...(floats.includes(dtype) ? (furtherDomains[name] ?? []) : []).map(([low, high]) =>
      sample(
        `${low} ${high}`,
        undefined,
        random([5], dtype, low[0], low[1], 1),
        random([5], dtype, high[0], high[1], 2),
      ),
    ),
    ...(floats.includes(dtype)
      ? [
          {
            ...sample(
              "special values",
              undefined,
              fixed([left.length], dtype, left),
              fixed([left.length], dtype, right),
            ),
            valuesOnly: true,
          },
        ]
      : []),
  ]);
}

export function compare(_name: CompareOp): Sample<undefined>[] {
  const pairs = (dtype: DType): Sample<undefined> =>
    sample(
      "equal and unequal",
      undefined,
      fixed([6], dtype, [0, 0, 1, 1, 1, 0]),
      fixed([6], dtype, [0, 1, 0, 1, 1, 0]),
    );
  return typed(dtypes, (dtype) => [
    ...shapes.map((shape) =>
      sample(`[${shape}]`, undefined, random(shape, dtype, -2, 2, 1), random(shape, dtype, -2, 2, 2)),
    ),
    pairs(dtype),
    ...(floats.includes(dtype)
      ? [sample("NaN", undefined, fixed([4], dtype, [NaN, NaN, 1, -0]), fixed([4], dtype, [NaN, 1, NaN, 0]))]
      : []),
  ]);
}

export const casts: Sample<CastParams>[] = dtypes.flatMap((from) =>
  dtypes.flatMap((to) => [
    ...shapes.map((shape) =>
      sample(`${from} to ${to} [${shape}]`, { dtype: to }, random(shape, from, -3, 3)),
    ),
    ...(floats.includes(from)
      ? [
          {
            ...sample(
              `${from} to ${to} special values`,
              { dtype: to },
              fixed([special.length + 3], from, [...special, 3e9, -3e9, 2147483520]),
            ),
            valuesOnly: true,
          },
        ]
      : []),
  ]),
);
