/** What the library must do the same wherever it runs: imported by the browser's page and by the Node test alike. */
import {
  avgPool,
  concat,
  conv,
  device,
  devices,
  einsum,
  grad,
  jit,
  maxPool,
  outer,
  random,
  scatterAdd,
  setDevice,
  type Tensor,
  tensor,
  valueAndGrad,
  vmap,
  where,
  zeros,
} from "adjoint";

/** Scalar functions of x: float64[2, 6], smooth at the points used. */
const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  exp: (x) => x.exp().sum(),
  log: (x) => x.log().sum(),
  sqrt: (x) => x.sqrt().sum(),
  sinCos: (x) => x.sin().mul(x.cos()).sum(),
  tanh: (x) => x.tanh().prod(),
  sigmoid: (x) => x.sigmoid().square().sum(),
  softplus: (x) => x.neg().softplus().sum(),
  gelu: (x) => x.gelu().sum(),
  erf: (x) => x.erf().sum(),
  relu: (x) => x.sub(0.9).relu().sum(),
  power: (x) => x.pow(2.5).sum(),
  quotient: (x) => x.div(x.add(1)).sum(),
  logSumExp: (x) => x.logSumExp(1).sum(),
  softmax: (x) => x.softmax().mul(x).sum(),
  logSoftmax: (x) => x.logSoftmax(0).square().sum(),
  max: (x) => x.max(1).sum(),
  variance: (x) => x.var(0).sum(),
  norm: (x) => x.norm(),
  cumsum: (x) => x.cumsum(1).square().sum(),
  matmul: (x) => x.matmul(x.transpose()).tanh().sum(),
  einsum: (x) => einsum("bi,bj->ij", x, x.sin()).square().sum(),
  outer: (x) => outer(x.slice(0), x.slice(1)).sqrt().sum(),
  take: (x) => x.take([3, 0, 3], 1).square().sum(),
  scatter: (x) =>
    scatterAdd(x.square(), [0, 1, 1], x.take([0, 1, 0]).sin())
      .square()
      .sum(),
  sort: (x) =>
    x
      .sort()
      .mul(tensor([1, 2, 3, 4, 5, 6]))
      .sum(),
  conv: (x) =>
    conv(x.reshape([1, 2, 6]), x.reshape([2, 2, 3]), { padding: 1 })
      .square()
      .sum(),
  maxPool: (x) =>
    maxPool(x.reshape([1, 2, 6]), { size: 2 })
      .square()
      .sum(),
  avgPool: (x) =>
    avgPool(x.reshape([1, 1, 2, 6]), { size: 2 })
      .exp()
      .sum(),
  where: (x) => where(x.gt(0.9), x.square(), x.exp()).sum(),
  concat: (x) =>
    concat([
      x,
      x.flip(1).pad([
        [0, 1],
        [0, 0],
      ]),
    ])
      .square()
      .sum(),
};

export interface Outcome {
  readonly device: string;
  /** By function: the gradient, eager and compiled. */
  readonly gradients: Readonly<Record<string, { readonly eager: number[]; readonly compiled: number[] }>>;
  /** By function: the gradient's largest difference from centred differences, relative to 1 + |gradient|. */
  readonly differences: Readonly<Record<string, number>>;
  /** jit, vmap and second derivatives, by name. */
  readonly transforms: Readonly<Record<string, number[]>>;
  readonly training: { readonly losses: number[]; readonly logits: number[] };
}

function checkGradients(): Pick<Outcome, "gradients" | "differences"> {
  const x = random
    .uniform(random.key(11), { shape: [2, 6], dtype: "float64" })
    .mul(1.2)
    .add(0.3);
  const point = [...x.dataSync()];
  const gradients: Record<string, { eager: number[]; compiled: number[] }> = {};
  const differences: Record<string, number> = {};
  for (const [name, f] of Object.entries(functions)) {
    const eager = [...grad(f)(x).dataSync()];
    gradients[name] = { eager, compiled: [...jit(grad(f))(x).dataSync()] };
    const valueAt = (values: number[]): number =>
      f(tensor(values, { shape: [2, 6], dtype: "float64" })).itemSync();
    // the step that balances truncation h² against rounding ε/h: the cube root of ε
    const h = 6e-6;
    const apart = eager.map((g, i) => {
      const [above, below] = [h, -h].map((step) => valueAt(point.map((v, j) => (j === i ? v + step : v))));
      return Math.abs((above - below) / (2 * h) - g) / (1 + Math.abs(g));
    });
    differences[name] = Math.max(...apart);
  }
  return { gradients, differences };
}

function checkTransforms(): Outcome["transforms"] {
  const x = random.uniform(random.key(5), { shape: [3, 4] }).sub(0.5);
  const f = (t: Tensor): Tensor => t.tanh().mul(t).sum();
  const numbers = (t: Tensor): number[] => [...t.dataSync()];
  return {
    eager: numbers(grad(f)(x)),
    jitOfGrad: numbers(jit(grad(f))(x)),
    gradOfJit: numbers(grad(jit(f))(x)),
    vmapOfGrad: numbers(vmap(grad(f))(x)),
    second: numbers(grad((t: Tensor) => grad(f)(t).square().sum())(x)),
  };
}

/** Exclusive or, which no linear model learns: [2] → 8 tanh → 1, full-batch gradient descent, compiled. */
function train(): Outcome["training"] {
  const x = tensor([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ]);
  const y = tensor([[0], [1], [1], [0]]);
  const [first, second] = random.split(random.key(3));
  // uniform numbers are made without a transcendental function: the same bits in every engine
  const uniform = (key: Tensor, shape: number[]): Tensor => random.uniform(key, { shape }).sub(0.5).mul(3);
  let parameters = {
    w1: uniform(first, [2, 8]),
    b1: zeros([8]),
    w2: uniform(second, [8, 1]),
    b2: zeros([1]),
  };
  type Parameters = typeof parameters;
  const logits = (p: Parameters): Tensor => x.matmul(p.w1).add(p.b1).tanh().matmul(p.w2).add(p.b2);
  const loss = (p: Parameters): Tensor => logits(p).softplus().sub(logits(p).mul(y)).mean();
  const step = jit((p: Parameters): [Tensor, Parameters] => {
    const [value, g] = valueAndGrad(loss)(p);
    const moved = (key: keyof Parameters): Tensor => p[key].sub(g[key].mul(0.5));
    return [value, { w1: moved("w1"), b1: moved("b1"), w2: moved("w2"), b2: moved("b2") }];
  });
  const losses: number[] = [];
  for (let i = 0; i < 400; i++) {
    const [value, next] = step(parameters);
    parameters = next;
    losses.push(value.itemSync());
  }
  return { losses, logits: [...jit(logits)(parameters).dataSync()] };
}

/** Everything, on every device of this place; the device chosen before is chosen again. */
export function runChecks(): Outcome[] {
  const before = device();
  const outcomes = devices().map((name) => {
    setDevice(name);
    return { device: name, ...checkGradients(), transforms: checkTransforms(), training: train() };
  });
  setDevice(before);
  return outcomes;
}
