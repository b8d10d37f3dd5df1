/** Reductions, and the same elements in other places. */

import * as adjoint from "../../src/index.js";
import {
  type Applied,
  axesOf,
  axisOf,
  type Breaks,
  every,
  js,
  largestSize,
  type Operation,
  positive,
  sizeOf,
} from "./operation.js";
import type { Random } from "./random.js";

type Reduction = "sum" | "mean" | "max" | "min" | "prod" | "var" | "logSumExp" | "norm" | "std";

const reduction = (name: Reduction): Operation => ({
  name,
  operands: 1,
  takes: name === "sum" || name === "max" || name === "min" || name === "prod" ? "number" : "float",
  weight: name === "sum" ? 1.5 : 0.6,
  draw: (random, [x]) => {
    const all = random.chance(0.2);
    const axes = all ? undefined : axesOf(random, x);
    const reduced = (axes ?? x.shape.map((_, axis) => axis)).map((axis) => positive(axis, x.rank));
    if (name !== "sum" && name !== "prod" && reduced.some((axis) => x.shape[axis] === 0)) return null;
    // the square root of a variance or a norm near 0 is no smooth function
    if ((name === "std" || name === "norm") && x.size === 0) return null;
    const keepDims = random.chance(0.4);
    const options = keepDims ? { keepDims } : {};
    const result: Applied = {
      text: `$0.${name}(${axes === undefined ? "undefined" : js(axes)}${keepDims ? ", { keepDims: true }" : ""})`,
      run: (a) => a[name](axes, options),
      ...(name === "max" || name === "min" ? { breaks: { kind: "ties", axes: reduced } as const } : {}),
    };
    if (name === "std" || name === "norm") return every(result.run(x), (v) => v > 0.1) ? result : null;
    return result;
  },
});

const reductions: readonly Operation[] = [
  ...(["sum", "mean", "max", "min", "prod", "var", "logSumExp", "norm", "std"] as const).map(reduction),
  {
    name: "along an axis",
    operands: 1,
    takes: "float",
    weight: 1.5,
    draw: (random, [x]) => {
      if (x.rank === 0) return null;
      const axis = axisOf(random, x);
      const breaks: Breaks = { kind: "ties", axes: [positive(axis, x.rank)] };
      switch (random.integer(0, 5)) {
        case 0:
          return { text: `$0.softmax(${axis})`, run: (a) => a.softmax(axis) };
        case 1:
          return { text: `$0.logSoftmax(${axis})`, run: (a) => a.logSoftmax(axis) };
        case 2:
        case 3:
          return { text: `$0.cumsum(${axis})`, run: (a) => a.cumsum(axis) };
        case 4:
          return { text: `$0.sort(${axis})`, run: (a) => a.sort(axis), breaks };
        default: {
          const k = random.integer(0, x.shape[positive(axis, x.rank)]);
          return { text: `$0.topK(${k}, ${axis})[0]`, run: (a) => a.topK(k, axis)[0], breaks };
        }
      }
    },
  },
  {
    name: "positions",
    operands: 1,
    takes: "number",
    weight: 0.5,
    draw: (random, [x]) => {
      if (x.rank === 0) return null;
      const axis = axisOf(random, x);
      if (x.shape[positive(axis, x.rank)] === 0) return null;
      const breaks: Breaks = { kind: "ties", axes: [positive(axis, x.rank)] };
      switch (random.integer(0, 3)) {
        case 0:
          return { text: `$0.argmax(${axis})`, run: (a) => a.argmax(axis), breaks };
        case 1:
          return { text: `$0.argmin(${axis})`, run: (a) => a.argmin(axis), breaks };
        case 2:
          return x.size === 0
            ? null
            : { text: "$0.argmax()", run: (a) => a.argmax(), breaks: { kind: "all" } };
        default:
          return { text: `$0.argsort(${axis})`, run: (a) => a.argsort(axis), breaks };
      }
    },
  },
  {
    name: "all, any",
    operands: 1,
    takes: "bool",
    weight: 0.4,
    draw: (random, [x]) => {
      const axes = axesOf(random, x);
      return random.chance(0.5)
        ? { text: `$0.all(${js(axes)})`, run: (a) => a.all(axes) }
        : { text: `$0.any(${js(axes)})`, run: (a) => a.any(axes) };
    },
  },
];

/** A random shape of this many elements. */
function shapeOfSize(random: Random, size: number): number[] {
  const shape: number[] = [];
  let rest = size;
  while (rest > 1 && shape.length < 3 && random.chance(0.8)) {
    const divisors = Array.from({ length: rest }, (_, i) => i + 1).filter((d) => rest % d === 0);
    const extent = random.pick(divisors);
    shape.push(extent);
    rest /= extent;
  }
  if (rest !== 1) shape.push(rest);
  return shape;
}

const movement: readonly Operation[] = [
  {
    name: "reshape",
    operands: 1,
    takes: "any",
    weight: 1.2,
    draw: (random, [x]) => {
      const shape = shapeOfSize(random, x.size);
      return { text: `$0.reshape(${js(shape)})`, run: (a) => a.reshape(shape) };
    },
  },
  {
    name: "transpose",
    operands: 1,
    takes: "any",
    weight: 1.2,
    draw: (random, [x]) => {
      const order = random.shuffled(Array.from(x.shape, (_, axis) => axis));
      return { text: `$0.transpose(${js(order)})`, run: (a) => a.transpose(order) };
    },
  },
  {
    name: "expandDims",
    operands: 1,
    takes: "any",
    weight: 0.8,
    draw: (random, [x]) => {
      if (x.rank > 3) return null;
      const axis = random.integer(-x.rank - 1, x.rank);
      const extent = random.integer(1, 3);
      const place = positive(axis, x.rank + 1);
      const shape = [...x.shape.slice(0, place), extent, ...x.shape.slice(place)];
      return x.size * extent > largestSize
        ? null
        : {
            text: `$0.expandDims(${axis}).broadcastTo(${js(shape)})`,
            run: (a) => a.expandDims(axis).broadcastTo(shape),
          };
    },
  },
  {
    name: "squeeze",
    operands: 1,
    takes: "any",
    weight: 0.3,
    draw: () => ({ text: "$0.squeeze()", run: (a) => a.squeeze() }),
  },
  {
    name: "flip",
    operands: 1,
    takes: "any",
    weight: 0.6,
    draw: (random, [x]) => {
      const axes = axesOf(random, x);
      return { text: `$0.flip(${js(axes)})`, run: (a) => a.flip(axes) };
    },
  },
  {
    name: "slice",
    operands: 1,
    takes: "any",
    weight: 1.8,
    draw: (random, [x]) => {
      const indices = x.shape.slice(0, random.integer(0, x.rank)).map((extent) => {
        const kind = random.next();
        if (kind < 0.2 && extent > 0) return random.integer(-extent, extent - 1);
        if (kind < 0.4) return null;
        const bound = (): number | null =>
          random.chance(0.3) ? null : random.integer(-extent - 1, extent + 1);
        return [bound(), bound(), random.pick([1, 1, 2, 3, -1, -2, -3])] as const;
      });
      return { text: `$0.slice(${indices.map(js).join(", ")})`, run: (a) => a.slice(...indices) };
    },
  },
  {
    name: "pad",
    operands: 1,
    takes: "number",
    weight: 1,
    draw: (random, [x]) => {
      const amounts = x.shape.map((extent) => {
        const low = random.integer(-1, 2);
        return [low, random.integer(Math.max(-1, -extent - low), 2)] as const;
      });
      if (amounts.some(([low, high], axis) => x.shape[axis] + low + high < 0)) return null;
      const value = random.pick([0, 0, 1, 2]);
      return { text: `$0.pad(${js(amounts)}, ${value})`, run: (a) => a.pad(amounts, value) };
    },
  },
  {
    name: "tile",
    operands: 1,
    takes: "any",
    weight: 0.5,
    draw: (random, [x]) => {
      const repeats = Array.from({ length: random.integer(0, Math.min(3, x.rank + 1)) }, () =>
        random.integer(1, 2),
      );
      return x.size * sizeOf(repeats) > largestSize
        ? null
        : { text: `$0.tile(${js(repeats)})`, run: (a) => a.tile(repeats) };
    },
  },
  {
    name: "split",
    operands: 1,
    takes: "any",
    weight: 0.6,
    draw: (random, [x]) => {
      if (x.rank === 0) return null;
      const axis = axisOf(random, x);
      const extent = x.shape[positive(axis, x.rank)];
      const cut = random.integer(0, extent);
      const part = random.integer(0, 1);
      return {
        text: `split($0, [${cut}, ${extent - cut}], ${axis})[${part}]`,
        run: (a) => adjoint.split(a, [cut, extent - cut], axis)[part],
      };
    },
  },
  {
    name: "concat",
    operands: 2,
    takes: "number",
    weight: 1,
    draw: (random, [x, y]) => {
      if (x.rank === 0 || x.rank !== y.rank || x.size + y.size > largestSize) return null;
      const axes = x.shape
        .map((_, axis) => axis)
        .filter((axis) => x.shape.every((extent, a) => a === axis || extent === y.shape[a]));
      if (axes.length === 0) return null;
      const axis = random.pick(axes);
      const thrice = random.chance(0.2);
      return thrice
        ? { text: `concat([$0, $1, $0], ${axis})`, run: (a, b) => adjoint.concat([a, b, a], axis) }
        : { text: `concat([$0, $1], ${axis})`, run: (a, b) => adjoint.concat([a, b], axis) };
    },
  },
  {
    name: "stack",
    operands: 2,
    takes: "number",
    weight: 0.6,
    draw: (random, [x, y]) => {
      if (x.shape.join() !== y.shape.join() || x.rank > 3 || x.size > 1024) return null;
      const axis = random.integer(-x.rank - 1, x.rank);
      return { text: `stack([$0, $1], ${axis})`, run: (a, b) => adjoint.stack([a, b], axis) };
    },
  },
];

export const structural: readonly Operation[] = [...reductions, ...movement];
