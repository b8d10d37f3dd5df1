/**
 * LSTM, GRU and RNN of ONNX: gates one below the other (LSTM: i, o, f, c; GRU: z, r, h), one or both directions, steps unrolled.
 * Entries shorter than the longest keep their state after their last step, and give zeros.
 */
import { full, stack, type Tensor, where } from "../../../index.js";
import type { Call, Operator, Operators } from "../call.js";
import { range } from "./support.js";

type Activation = (x: Tensor) => Tensor;

function activation(call: Call, name: string, index: number): Activation {
  const parameter = (list: string, otherwise: number): number => call.numbers(list)?.[index] ?? otherwise;
  const alpha = (otherwise: number): number => parameter("activation_alpha", otherwise);
  const beta = (otherwise: number): number => parameter("activation_beta", otherwise);
  switch (name.toLowerCase()) {
    case "sigmoid":
      return (x) => x.sigmoid();
    case "tanh":
      return (x) => x.tanh();
    case "relu":
      return (x) => x.relu();
    case "affine":
      return (x) => x.mul(alpha(1)).add(beta(0));
    case "leakyrelu":
      return (x) => x.leakyRelu(alpha(0.01));
    case "elu":
      return (x) => x.elu(alpha(1));
    case "hardsigmoid":
      return (x) => x.mul(alpha(0.2)).add(beta(0.5)).clip(0, 1);
    case "softsign":
      return (x) => x.div(x.abs().add(1));
    case "softplus":
      return (x) => x.softplus();
    default:
      throw call.unsupported(`activation ${name}`);
  }
}

/** One direction's weights, and its part of the state. */
interface Direction {
  /** [gates · hidden, in], [gates · hidden, hidden] */
  readonly w: Tensor;
  readonly r: Tensor;
  /** [2 · gates · hidden], the input's biases before the state's */
  readonly b: Tensor | undefined;
  /** [3 · hidden] */
  readonly peepholes: Tensor | undefined;
  readonly activations: readonly Activation[];
  readonly hidden: number;
  readonly limit: (x: Tensor) => Tensor;
}

/** One step: x [batch, in] and the state [batch, hidden] each → the new state, h first. */
type Cell = (x: Tensor, state: readonly Tensor[], direction: Direction, call: Call) => Tensor[];

function parts(x: Tensor, count: number): Tensor[] {
  const size = x.shape[x.rank - 1] / count;
  return range(count).map((i) =>
    x.slice(
      ...x.shape.map((_, a): [number, number] | null =>
        a === x.rank - 1 ? [i * size, (i + 1) * size] : null,
      ),
    ),
  );
}

function affine(x: Tensor, w: Tensor, b: Tensor | undefined): Tensor {
  const y = x.matmul(w.transpose());
  return b === undefined ? y : y.add(b);
}

/** A direction's biases of the input and of the state. */
function biases({ b }: Direction): [Tensor | undefined, Tensor | undefined] {
  if (b === undefined) return [undefined, undefined];
  const [first, second] = parts(b, 2);
  return [first, second];
}

const lstm: Cell = (x, [h, c], direction, call) => {
  const {
    w,
    r,
    peepholes,
    activations: [f, g, final],
    limit,
  } = direction;
  const [wb, rb] = biases(direction);
  const [i, o, forget, candidate] = parts(affine(x, w, wb).add(affine(h, r, rb)), 4);
  const [pi, po, pf] = peepholes === undefined ? [] : parts(peepholes, 3);
  const seen = (gate: Tensor, peephole: Tensor | undefined, cell: Tensor): Tensor =>
    f(limit(peephole === undefined ? gate : gate.add(peephole.mul(cell))));
  const input = seen(i, pi, c);
  const kept = call.number("input_forget", 0) === 1 ? input.neg().add(1) : seen(forget, pf, c);
  const cell = kept.mul(c).add(input.mul(g(limit(candidate))));
  return [seen(o, po, cell).mul(final(cell)), cell];
};

const gru: Cell = (x, [h], direction, call) => {
  const {
    w,
    r,
    activations: [f, g],
    limit,
  } = direction;
  const [wb, rb] = biases(direction);
  const [xz, xr, xh] = parts(affine(x, w, wb), 3);
  const update = (before: Tensor, candidate: Tensor, z: Tensor): Tensor[] => [
    candidate.mul(z.neg().add(1)).add(z.mul(before)),
  ];
  if (call.number("linear_before_reset", 0) === 1) {
    const [hz, hr, hh] = parts(affine(h, r, rb), 3);
    const reset = f(limit(xr.add(hr)));
    return update(h, g(limit(xh.add(reset.mul(hh)))), f(limit(xz.add(hz))));
  }
  // the state is reset before its product with the weights
  const [rz, rr, rh] = range(3).map((i) => r.slice([i * direction.hidden, (i + 1) * direction.hidden]));
  const [bz, br, bh] = rb === undefined ? [] : parts(rb, 3);
  const reset = f(limit(xr.add(affine(h, rr, br))));
  const z = f(limit(xz.add(affine(h, rz, bz))));
  return update(h, g(limit(xh.add(affine(reset.mul(h), rh, bh)))), z);
};

const rnn: Cell = (x, [h], direction) => {
  const [wb, rb] = biases(direction);
  const {
    w,
    r,
    activations: [f],
    limit,
  } = direction;
  return [f(limit(affine(x, w, wb).add(affine(h, r, rb))))];
};

/** One direction over all steps: outputs in the order of time, and the state after the last step. */
function walk(
  call: Call,
  steps: readonly Tensor[],
  start: readonly Tensor[],
  isBackward: boolean,
  lengths: Tensor | undefined,
  cell: Cell,
  direction: Direction,
): { outputs: Tensor[]; state: readonly Tensor[] } {
  const outputs = new Array<Tensor>(steps.length);
  let state = start;
  // backwards, entries that are shorter begin later: their state is still the first one until then
  const order = isBackward ? range(steps.length).reverse() : range(steps.length);
  for (const t of order) {
    const next = cell(steps[t], state, direction, call);
    if (lengths === undefined) {
      state = next;
      outputs[t] = next[0];
      continue;
    }
    const runs = lengths.gt(t).reshape([lengths.size, 1]);
    outputs[t] = where(runs, next[0], next[0].mul(0));
    state = next.map((part, i) => where(runs, part, state[i]));
  }
  return { outputs, state };
}

function recurrent(gates: number, stateCount: number, defaults: readonly string[], cell: Cell): Operator {
  return {
    inputs: [3, 8],
    gives: ({ elements }) => [elements[0], elements[0], elements[0]],
    run: (call) => {
      const batchFirst = call.number("layout", 0) === 1;
      const x = batchFirst ? call.input(0).transpose([1, 0, 2]) : call.input(0);
      const [time, batch] = x.shape;
      const [w, r] = [call.input(1), call.input(2)];
      const [directions, rows] = w.shape;
      const hidden = rows / gates;
      const names = call.texts("activations") ?? range(directions).flatMap(() => defaults);
      const sense = call.text("direction", "forward");
      const steps = range(time).map((t) => x.slice(t));
      // h is input 5, c input 6
      const given = range(stateCount).map((i) => call.maybe(5 + i));
      const bound = call.has("clip") ? call.number("clip") : undefined;
      const walked = range(directions).map((d) => {
        const start = given.map((part) => {
          if (part === undefined) return full([batch, hidden], 0, { dtype: x.dtype });
          return batchFirst ? part.slice(null, d) : part.slice(d);
        });
        const direction: Direction = {
          w: w.slice(d),
          r: r.slice(d),
          b: call.maybe(3)?.slice(d),
          peepholes: stateCount === 2 ? call.maybe(7)?.slice(d) : undefined,
          activations: defaults.map((_, i) => {
            const at = d * defaults.length + i;
            return activation(call, names[at], at);
          }),
          hidden,
          limit: (value) => (bound === undefined ? value : value.clip(-bound, bound)),
        };
        const isBackward = sense === "reverse" || d === 1;
        return walk(call, steps, start, isBackward, call.maybe(4), cell, direction);
      });
      // [time, directions, batch, hidden], or with the batch first
      const all = stack(
        walked.map(({ outputs }) => stack(outputs, 0)),
        1,
      );
      const ends = range(stateCount).map((i) =>
        stack(
          walked.map(({ state }) => state[i]),
          batchFirst ? 1 : 0,
        ),
      );
      return [batchFirst ? all.transpose([2, 0, 1, 3]) : all, ...ends];
    },
  };
}

export const recurrentOperators: Operators = {
  LSTM: recurrent(4, 2, ["Sigmoid", "Tanh", "Tanh"], lstm),
  GRU: recurrent(3, 1, ["Sigmoid", "Tanh"], gru),
  RNN: recurrent(1, 1, ["Tanh"], rnn),
};
