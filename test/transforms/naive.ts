/** Operations as plain loops over indices: slow, and too simple to be wrong. */
import { type Tensor, tensor } from "../../src/index.js";
import { sizeOf } from "../../src/types/shape.js";

/** A float64 tensor from a function of the index. */
export function elementsOf(shape: readonly number[], f: (index: readonly number[]) => number): Tensor {
  const data: number[] = [];
  const visit = (index: readonly number[]): void => {
    if (index.length === shape.length) data.push(f(index));
    else for (let i = 0; i < shape[index.length]; i++) visit([...index, i]);
  };
  visit([]);
  return tensor(Float64Array.from(data), { shape: [...shape] });
}

/** Reads by index; outside there is 0. */
function reader(x: Tensor): (index: readonly number[]) => number {
  const data = x.dataSync();
  const { shape } = x;
  return (index) => {
    if (index.some((i, axis) => i < 0 || i >= shape[axis])) return 0;
    return data[index.reduce((flat, i, axis) => flat * shape[axis] + i, 0)];
  };
}

/** Batched over broadcast leading axes. */
export function matrixProduct(a: Tensor, b: Tensor): Tensor {
  const [left, right] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const rank = Math.max(left.length, right.length);
  const extent = (s: readonly number[], axis: number): number => s[axis - rank + s.length] ?? 1;
  const batch = Array.from({ length: rank }, (_, axis) => Math.max(extent(left, axis), extent(right, axis)));
  const inner = a.shape[a.rank - 1];
  const own = (s: readonly number[], index: readonly number[]): number[] =>
    s.map((n, axis) => (n === 1 ? 0 : index[axis + rank - s.length]));
  const [readA, readB] = [reader(a), reader(b)];
  return elementsOf([...batch, a.shape[a.rank - 2], b.shape[b.rank - 1]], (index) => {
    const [row, column] = index.slice(rank);
    let total = 0;
    for (let k = 0; k < inner; k++)
      total += readA([...own(left, index), row, k]) * readB([...own(right, index), k, column]);
    return total;
  });
}

interface ConvolutionOptions {
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly groups: number;
}

/** y[n, o, p…] = Σ x[n, group · c + i, p · stride + q · dilation − padding] · w[o, i, q…] */
export function convolve(
  x: Tensor,
  w: Tensor,
  { stride, padding, dilation, groups }: ConvolutionOptions,
): Tensor {
  const size = w.shape.slice(2);
  const positions = size.map(
    (k, i) => Math.floor((x.shape[i + 2] + 2 * padding - (k - 1) * dilation - 1) / stride) + 1,
  );
  const perGroup = w.shape[1];
  const outPerGroup = w.shape[0] / groups;
  const [readX, readW] = [reader(x), reader(w)];
  return elementsOf([x.shape[0], w.shape[0], ...positions], ([n, o, ...p]) => {
    let total = 0;
    const group = Math.floor(o / outPerGroup);
    elementsOf([perGroup, ...size], ([i, ...q]) => {
      const place = p.map((at, axis) => at * stride + q[axis] * dilation - padding);
      total += readX([n, group * perGroup + i, ...place]) * readW([o, i, ...q]);
      return 0;
    });
    return total;
  });
}

/** Python's start:stop:step on every axis. */
export function sliced(
  x: Tensor,
  ranges: readonly (readonly [number | null, number | null, number])[],
): Tensor {
  const picks = x.shape.map((n, axis) => {
    const [start, stop, step] = ranges[axis];
    const place = (at: number | null, otherwise: number): number =>
      at === null ? otherwise : at < 0 ? at + n : at;
    const list: number[] = [];
    if (step > 0)
      for (let i = Math.max(0, place(start, 0)); i < Math.min(n, place(stop, n)); i += step) list.push(i);
    else
      for (let i = Math.min(n - 1, place(start, n - 1)); i > Math.max(-1, place(stop, -1)); i += step)
        list.push(i);
    return list;
  });
  const read = reader(x);
  const shape = picks.map((list) => list.length);
  return sizeOf(shape) === 0
    ? elementsOf(shape, () => 0)
    : elementsOf(shape, (index) => read(index.map((i, axis) => picks[axis][i])));
}
