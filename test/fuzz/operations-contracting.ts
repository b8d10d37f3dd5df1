/** Indexing, contractions, and windows. */
import * as adjoint from "../../src/index.js";
import { type Tensor, tensor } from "../../src/index.js";
import { type Applied, axisOf, js, largestSize, type Operation, positive, sizeOf } from "./operation.js";
import type { Random } from "./random.js";

/** A tensor of indices into an axis of this extent. */
function indicesInto(random: Random, extent: number, shape: readonly number[]): number[] {
  const count = sizeOf(shape);
  return Array.from({ length: count }, () => random.integer(-extent, extent - 1));
}

const int = (values: readonly number[], shape: readonly number[]): Tensor =>
  tensor(Int32Array.from(values), { shape });

const indexing: readonly Operation[] = [
  {
    name: "take",
    operands: 1,
    takes: "any",
    weight: 1,
    draw: (random, [x]) => {
      if (x.rank === 0 || x.size > 600) return null;
      const axis = axisOf(random, x);
      const extent = x.shape[positive(axis, x.rank)];
      const shape = Array.from({ length: random.integer(0, 2) }, () =>
        random.integer(extent === 0 ? 0 : 1, 3),
      );
      if (extent === 0 && !shape.includes(0)) return null;
      const picks = indicesInto(random, extent, shape);
      return {
        text: `$0.take(tensor(${js(picks)}, ${js(shape)}), ${axis})`,
        run: (a) => a.take(int(picks, shape), axis),
      };
    },
  },
  {
    name: "take by a computed index",
    operands: 2,
    takes: "any",
    weight: 1,
    draw: (random, [x, y]) => {
      if (x.rank === 0 || y.dtype !== "int32" || x.size * Math.max(1, y.size) > largestSize) return null;
      const axis = axisOf(random, x);
      const extent = x.shape[positive(axis, x.rank)];
      if (extent === 0) return null;
      return { text: `$0.take($1.mod(${extent}), ${axis})`, run: (a, b) => a.take(b.mod(extent), axis) };
    },
  },
  {
    name: "takeAlong",
    operands: 1,
    takes: "any",
    weight: 0.8,
    draw: (random, [x]) => {
      if (x.rank === 0) return null;
      const axis = positive(axisOf(random, x), x.rank);
      const extent = x.shape[axis];
      if (extent === 0) return null;
      const shape = x.shape.map((n, a) => (a === axis ? random.integer(1, 3) : n));
      if (sizeOf(shape) > 64) return null;
      const picks = indicesInto(random, extent, shape);
      return {
        text: `$0.takeAlong(tensor(${js(picks)}, ${js(shape)}), ${axis})`,
        run: (a) => a.takeAlong(int(picks, shape), axis),
      };
    },
  },
  {
    name: "scatterAdd",
    operands: 2,
    takes: "number",
    weight: 1.2,
    draw: (random, [x, y]) => {
      if (x.rank === 0) return null;
      for (const axis of random.shuffled(x.shape.map((_, a) => a))) {
        const extent = x.shape[axis];
        if (extent === 0) continue;
        // updates are y where its other axes fit, else a part of x
        const fits = y.rank === x.rank && y.shape.every((n, a) => a === axis || n === x.shape[a]);
        const count = fits ? y.shape[axis] : random.integer(0, extent);
        const picks = indicesInto(random, extent, [count]);
        const cut = x.shape.map((_, a) => (a === axis ? ([0, count] as const) : null));
        return fits
          ? {
              text: `scatterAdd($0, ${js(picks)}, $1, ${axis})`,
              run: (a, b) => adjoint.scatterAdd(a, int(picks, [count]), b, axis),
            }
          : {
              text: `scatterAdd($0, ${js(picks)}, $0.slice(${cut.map(js).join(", ")}), ${axis})`,
              run: (a) => adjoint.scatterAdd(a, int(picks, [count]), a.slice(...cut), axis),
            };
      }
      return null;
    },
  },
];

/** Letters for the axes of two operands, equal ones only where extents agree. */
function einsumTerms(random: Random, x: Tensor, y: Tensor): string {
  const letters = "abcdefgh";
  let used = 0;
  const extents = new Map<string, number>();
  const term = (shape: readonly number[], repeat: boolean): string => {
    let own = "";
    for (const extent of shape) {
      const known = [...extents].filter(
        ([letter, size]) => size === extent && (!own.includes(letter) || (repeat && random.chance(0.2))),
      );
      let letter: string;
      if (known.length > 0 && random.chance(0.7)) letter = random.pick(known)[0];
      else {
        letter = letters[used++];
        extents.set(letter, extent);
      }
      own += letter;
    }
    return own;
  };
  const [first, second] = [term(x.shape, true), term(y.shape, true)];
  const result = random.shuffled(random.some([...extents.keys()])).join("");
  return `${first},${second}->${result}`;
}

const contractions: readonly Operation[] = [
  {
    name: "matmul",
    operands: 2,
    takes: "number",
    weight: 3,
    draw: (random, [x, y]) => {
      if (x.rank === 0 || y.rank === 0) return null;
      const inner = x.shape[x.rank - 1];
      const swap = (t: Tensor): Tensor => (t.rank > 1 ? t.swapAxes(-1, -2) : t);
      const variants: readonly Applied[] = [
        { text: "matmul($0, $1)", run: (a, b) => adjoint.matmul(a, b) },
        { text: "matmul($0, $1ᵀ)", run: (a, b) => adjoint.matmul(a, swap(b)) },
        { text: "matmul($0ᵀ, $1)", run: (a, b) => adjoint.matmul(swap(a), b) },
        { text: "dot($0, $1)", run: (a, b) => adjoint.dot(a, b) },
        { text: "matmul($0, $0ᵀ)", run: (a) => adjoint.matmul(a, swap(a)) },
      ];
      return x.size * y.size > 40_000 || inner > 64 ? null : random.pick(variants);
    },
  },
  {
    name: "einsum",
    operands: 2,
    takes: "number",
    weight: 1.5,
    draw: (random, [x, y]) => {
      if (x.size * y.size > 4000 || x.rank + y.rank > 7) return null;
      const terms = einsumTerms(random, x, y);
      return { text: `einsum("${terms}", $0, $1)`, run: (a, b) => adjoint.einsum(terms, a, b) };
    },
  },
  {
    name: "outer",
    operands: 2,
    takes: "number",
    weight: 0.4,
    draw: (_random, [x, y]) =>
      x.size * y.size > 400 ? null : { text: "outer($0, $1)", run: (a, b) => adjoint.outer(a, b) },
  },
];

/** The operand as [batch, channels, …spatial]. */
function asImage(
  random: Random,
  x: Tensor,
): { text: string; shape: number[]; run: (a: Tensor) => Tensor } | null {
  if (x.size === 0 || x.size > 512 || x.rank === 0) return null;
  if (x.rank >= 3 && x.rank <= 4) return { text: "$0", shape: [...x.shape], run: (a) => a };
  const shape = [1, ...(x.rank === 1 ? [1] : []), ...x.shape].slice(0, 4);
  if (x.rank > 4) return null;
  if (shape.length === 3 && shape[2] % 3 === 0 && random.chance(0.5)) shape.splice(2, 1, shape[2] / 3, 3);
  return { text: `$0.reshape(${js(shape)})`, shape, run: (a) => a.reshape(shape) };
}

const windows: readonly Operation[] = [
  {
    name: "conv",
    operands: 1,
    weight: 1.2,
    draw: (random, [x]) => {
      const image = asImage(random, x);
      if (image === null) return null;
      const channels = image.shape[1];
      const groups = random.pick(channels % 2 === 0 ? [1, 2] : [1]);
      const out = groups * random.integer(1, 2);
      const size = image.shape.slice(2).map(() => random.integer(1, 3));
      const weightShape = [out, channels / groups, ...size];
      const count = sizeOf(weightShape);
      if (count > 200) return null;
      const options = {
        stride: random.integer(1, 2),
        padding: random.pick([0, 1, 2, "same" as const]),
        dilation: random.integer(1, 2),
        groups,
      };
      // weights made of the image itself, so that both sides have a gradient
      const fraction = 1 / count;
      const weights = (a: Tensor): Tensor =>
        a
          .mean()
          .mul(
            tensor(
              Float64Array.from({ length: count }, (_, i) => Math.sin(i + 1)),
              { shape: weightShape },
            ).cast(a.dtype),
          )
          .add(fraction);
      return {
        text: `conv(${image.text}, $0.mean() · sin(1…) ${js(weightShape)} + ${fraction}, ${js(options)})`,
        run: (a) => adjoint.conv(image.run(a), weights(a), options),
      };
    },
  },
  {
    name: "convTranspose",
    operands: 1,
    weight: 0.5,
    draw: (random, [x]) => {
      const image = asImage(random, x);
      if (image === null) return null;
      const size = image.shape.slice(2).map(() => random.integer(1, 3));
      const weightShape = [image.shape[1], random.integer(1, 2), ...size];
      const count = sizeOf(weightShape);
      if (count > 100) return null;
      const options = { stride: random.integer(1, 2), padding: random.integer(0, 1) };
      const weights = (a: Tensor): Tensor =>
        tensor(
          Float64Array.from({ length: count }, (_, i) => Math.cos(i + 1)),
          { shape: weightShape },
        ).cast(a.dtype);
      return {
        text: `convTranspose(${image.text}, cos(1…) ${js(weightShape)}, ${js(options)})`,
        run: (a) => adjoint.convTranspose(image.run(a), weights(a), options),
      };
    },
  },
  {
    name: "pool",
    operands: 1,
    weight: 1,
    draw: (random, [x]) => {
      const image = asImage(random, x);
      if (image === null) return null;
      const options = {
        size: random.integer(1, 3),
        stride: random.integer(1, 2),
        padding: random.pick([0, 0, 1, "same" as const]),
      };
      return random.chance(0.5)
        ? {
            text: `maxPool(${image.text}, ${js(options)})`,
            run: (a) => adjoint.maxPool(image.run(a), options),
            breaks: { kind: "all" },
          }
        : {
            text: `avgPool(${image.text}, ${js(options)})`,
            run: (a) => adjoint.avgPool(image.run(a), options),
          };
    },
  },
];

export const contracting: readonly Operation[] = [...indexing, ...contractions, ...windows];
