/** Samples of the structural primitives, reductions and contractions. */

import type { DotDimensions } from "../../src/loops/lowering.js";
import type { DType } from "../../src/types/dtype.js";
import type { Shape } from "../../src/types/shape.js";
import { fixed, random, rotating, type Sample, type SampleInput, sample } from "./registry-samples-values.js";

export const reductions: readonly (readonly [Shape, { axes: readonly number[] }])[] = [
  [[7], { axes: [0] }],
  [[2, 3], { axes: [0] }],
  [[2, 3], { axes: [1] }],
  [[2, 3], { axes: [0, 1] }],
  [[2, 3, 4], { axes: [1] }],
  [[2, 3, 4], { axes: [0, 2] }],
  [[37, 19], { axes: [1] }],
  [[3, 1], { axes: [1] }],
  [[0, 3], { axes: [1] }],
];

/** dot of a and b with the shapes its dimensions give. */
export function dots(dtype: DType): Sample<DotDimensions>[] {
  const none = { batchA: [], batchB: [] };
  const cases = [
    [[4], [4], { ...none, contractA: [0], contractB: [0] }],
    [[2, 3], [3, 4], { ...none, contractA: [1], contractB: [0] }],
    [[3, 2], [3, 4], { ...none, contractA: [0], contractB: [0] }],
    [[2, 3], [4, 3], { ...none, contractA: [1], contractB: [1] }],
    [[3, 2], [4, 3], { ...none, contractA: [0], contractB: [1] }],
    [[2], [3], { ...none, contractA: [], contractB: [] }],
    [[], [3], { ...none, contractA: [], contractB: [] }],
    [[], [], { ...none, contractA: [], contractB: [] }],
    // contracted axes in different orders on either side
    [[2, 3, 4], [4, 3, 5], { ...none, contractA: [1, 2], contractB: [1, 0] }],
    [[2, 3, 4], [5, 3, 4], { ...none, contractA: [2, 1], contractB: [2, 1] }],
    // batch axes, in front and not
    [[2, 3, 4], [2, 4, 5], { batchA: [0], batchB: [0], contractA: [2], contractB: [1] }],
    [[3, 2, 4], [4, 5, 2], { batchA: [1], batchB: [2], contractA: [2], contractB: [0] }],
    [[2, 3, 2, 4], [3, 2, 4, 2], { batchA: [0, 1], batchB: [1, 0], contractA: [3], contractB: [2] }],
    [[3], [3], { batchA: [0], batchB: [0], contractA: [], contractB: [] }],
    // zero sizes, on free, contracted and batch axes
    [[0, 3], [3, 4], { ...none, contractA: [1], contractB: [0] }],
    [[2, 0], [0, 4], { ...none, contractA: [1], contractB: [0] }],
    [[0, 2, 3], [0, 3, 2], { batchA: [0], batchB: [0], contractA: [2], contractB: [1] }],
    [[17, 33], [33, 19], { ...none, contractA: [1], contractB: [0] }],
  ] as const;
  return cases.map(([a, b, params]) =>
    sample(
      `[${a}]·[${b}] ${JSON.stringify(params)}`,
      params,
      random(a, dtype, -2, 2, 1),
      random(b, dtype, -2, 2, 2),
    ),
  );
}

export const windows = [
  [[5], { size: [2], stride: [1], dilation: [1] }],
  [[2, 7], { size: [3], stride: [2], dilation: [1] }],
  [[2, 7], { size: [2], stride: [1], dilation: [3] }],
  [[8], { size: [2], stride: [3], dilation: [2] }],
  [[1, 2, 5, 6], { size: [3, 2], stride: [2, 1], dilation: [1, 2] }],
  [[2, 3, 4, 3], { size: [2, 2, 2], stride: [1, 2, 1], dilation: [1, 1, 1] }],
  // more window than there is: no positions
  [[2], { size: [3], stride: [1], dilation: [1] }],
  [[0, 5], { size: [2], stride: [1], dilation: [1] }],
] as const;

export function gathers(dtype: DType): Sample<undefined>[] {
  return [
    sample(
      "rows",
      undefined,
      random([4, 3], dtype),
      rotating([3], "int32", [
        [0, 3, 1],
        [2, 2, 0],
        [1, 1, 1],
      ]),
    ),
    sample(
      "negative",
      undefined,
      random([4, 3], dtype),
      rotating([2], "int32", [
        [-1, -4],
        [-2, 0],
        [3, -3],
      ]),
    ),
    sample(
      "elements",
      undefined,
      random([5], dtype),
      rotating([2, 2], "int32", [
        [0, 4, 4, -5],
        [1, 2, 3, 4],
      ]),
    ),
    sample("one", undefined, random([3, 2, 2], dtype), rotating([], "int32", [[2], [0], [-1]])),
    sample("none", undefined, random([3, 2], dtype), fixed([0], "int32", [])),
    sample("empty rows", undefined, random([3, 0], dtype), fixed([2], "int32", [0, 2])),
  ];
}

export function scatters(dtype: DType): Sample<undefined>[] {
  const scatter = (label: string, target: Shape, indices: SampleInput): Sample<undefined> =>
    sample(
      label,
      undefined,
      random(target, dtype, -3, 3, 1),
      indices,
      random([...indices.shape, ...target.slice(1)], dtype, -3, 3, 2),
    );
  return [
    scatter(
      "rows",
      [4, 3],
      rotating([3], "int32", [
        [0, 3, 1],
        [2, 2, 0],
        [1, 1, 1],
      ]),
    ),
    scatter(
      "repeated, negative",
      [4, 2],
      rotating([4], "int32", [
        [-1, 3, 0, 3],
        [2, 2, -2, 2],
      ]),
    ),
    scatter(
      "elements",
      [5],
      rotating([2, 2], "int32", [
        [0, 4, 4, -5],
        [1, 2, 3, 4],
      ]),
    ),
    scatter("one", [3, 2], rotating([], "int32", [[2], [0], [-1]])),
    scatter("none", [3, 2], fixed([0], "int32", [])),
    scatter("empty rows", [3, 0], fixed([2], "int32", [0, 2])),
  ];
}

export const pads = [
  [[3], { low: [1], high: [2], interior: [0], value: 0 }],
  [[3], { low: [0], high: [0], interior: [2], value: 5 }],
  [[2, 3], { low: [1, 0], high: [0, 2], interior: [1, 0], value: -1 }],
  [[5], { low: [-1], high: [-2], interior: [0], value: 0 }],
  [[5], { low: [-2], high: [1], interior: [1], value: 3 }],
  [[4], { low: [-3], high: [-3], interior: [2], value: 0 }],
  [[2, 4], { low: [2, -1], high: [-1, 1], interior: [0, 1], value: 0 }],
  [[0], { low: [2], high: [1], interior: [3], value: 7 }],
  [[1], { low: [0], high: [0], interior: [4], value: 0 }],
  [[0, 2], { low: [0, 1], high: [0, 0], interior: [0, 0], value: 0 }],
  [[], { low: [], high: [], interior: [], value: 0 }],
] as const;
export const slices = [
  [[5], { start: [1], stop: [4], step: [1] }],
  [[7], { start: [0], stop: [7], step: [3] }],
  [[7], { start: [2], stop: [6], step: [2] }],
  [[6], { start: [1], stop: [6], step: [4] }],
  [[3, 4], { start: [1, 0], stop: [3, 4], step: [1, 2] }],
  [[4], { start: [2], stop: [2], step: [1] }],
  [[0], { start: [0], stop: [0], step: [1] }],
  [[], { start: [], stop: [], step: [] }],
] as const;
