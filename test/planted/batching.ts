/** Planted bugs in batching rules: an axis not moved over, a batch dropped, neighbours mixed. */

import { broadcast, sum } from "../../src/primitives/broadcast.js";
import { dot } from "../../src/primitives/dot.js";
import { gather } from "../../src/primitives/gather.js";
import { concat, sliceAxis } from "../../src/primitives/pad.js";
import { cumsum, reduceMax } from "../../src/primitives/reduce.js";
import { flip, permute, reshape } from "../../src/primitives/reshape.js";
import { select } from "../../src/primitives/select.js";
import { argsort } from "../../src/primitives/sort.js";
import { randomBits } from "../../src/primitives/source.js";
import { range } from "../../src/types/shape.js";
import { bug, type PlantedBug } from "./plant.js";

export const batchingBugs: readonly PlantedBug[] = [
  bug("sum's axes not moved over", "sum", { batch: ({ inputs, params }) => [sum(inputs[0], params.axes)] }),
  bug("max's axes not moved over", "reduceMax", {
    batch: ({ inputs, params }) => [reduceMax(inputs[0], params.axes)],
  }),
  bug("cumsum along the batch", "cumsum", {
    batch: ({ inputs, params }) => [cumsum(inputs[0], params.axis, params.reverse)],
  }),
  bug("flip's axes not moved over", "flip", {
    batch: ({ inputs, params }) => [flip(inputs[0], params.axes)],
  }),
  bug("broadcast's axes not moved over", "broadcast", {
    batch: ({ inputs, params }) => [broadcast(inputs[0], params.axes, params.sizes)],
  }),
  bug("concat along the batch", "concat", {
    batch: ({ inputs, batched, params, size }) => {
      const whole = inputs.map((x, i) => (batched[i] ? x : broadcast(x, [0], [size])));
      return [concat(whole, params.axis)];
    },
  }),
  bug("the batch dropped: every example is the first", "permute", {
    batch: ({ inputs, params, size }) => {
      const first = reshape(
        sliceAxis(inputs[0], 0, 0, Math.min(1, size)),
        inputs[0].shape.slice(size === 0 ? 0 : 1),
      );
      if (size === 0)
        return [reshape(inputs[0], [0, ...params.permutation.map((axis) => inputs[0].shape[axis + 1])])];
      return [broadcast(permute(first, params.permutation), [0], [size])];
    },
  }),
  bug("indices not moved to their own example", "gather", {
    batch: ({ inputs: [x, indices], batched, size }) => {
      if (!batched[0]) return [gather(x, indices)];
      const own = batched[1] ? indices : broadcast(indices, [0], [size]);
      return [gather(reshape(x, [x.shape[0] * x.shape[1], ...x.shape.slice(2)]), own)];
    },
  }),
  bug("a shared operand of a product after the batch", "dot", {
    batch: ({ inputs: [a, b], batched, params, size }) => {
      const { batchA, batchB, contractA, contractB } = params;
      const shift = (axes: readonly number[]): number[] => axes.map((axis) => axis + 1);
      const whole = [a, b].map((x, i) => (batched[i] ? x : broadcast(x, [0], [size])));
      if (batched[0] && batched[1])
        return [
          dot(whole[0], whole[1], {
            batchA: [0, ...shift(batchA)],
            batchB: [0, ...shift(batchB)],
            contractA: shift(contractA),
            contractB: shift(contractB),
          }),
        ];
      // the batch of b is left where it comes out, behind a's free axes
      if (batched[1] && batchA.length === 0) return [dot(a, b, { ...params, contractB: shift(contractB) })];
      return [dot(a, b, { ...params, contractA: shift(contractA) })];
    },
  }),
  bug("where's shared branch from the wrong side", "select", {
    batch: ({ inputs, batched, size }) => {
      const [c, a, b] = inputs.map((x, i) => (batched[i] ? x : broadcast(x, [0], [size])));
      return [batched[2] ? select(c, a, b) : select(c, b, a)];
    },
  }),
  bug("the same random bits in every example", "randomBits", {
    batch: ({ inputs: [key], params, size }) => {
      if (size === 0) return [randomBits(key, params.shape)];
      const first = reshape(sliceAxis(key, 0, 0, 1), key.shape.slice(1));
      return [broadcast(randomBits(first, params.shape), [0], [size])];
    },
  }),
  bug("argsort of the batch as one row", "argsort", {
    batch: ({ inputs: [x] }) => {
      if (x.shape.includes(0) || x.shape.length < 2) return [argsort(x)];
      const order = range(x.shape.length);
      return [
        permute(argsort(permute(x, [...order.slice(1), 0])), [order.length - 1, ...order.slice(0, -1)]),
      ];
    },
  }),
];
