/** Claims about types, checked by the compiler alone: trees go through every transform as what they are. */
import { grad, hvp, jit, jvp, linearize, type Tensor, valueAndGrad, vjp, vmap } from "adjoint";
import { same } from "./same.js";

interface Layer {
  weight: Tensor;
  bias: Tensor | null;
}

class Model {
  readonly layers: readonly Layer[];
  readonly scale: Tensor;
  readonly name = "model";

  constructor(layers: readonly Layer[], scale: Tensor) {
    this.layers = layers;
    this.scale = scale;
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((h, { weight }) => h.matmul(weight), x).mul(this.scale);
  }
}

declare const model: Model;
declare const x: Tensor;
declare const record: { w: Tensor; inner: { b: [Tensor, Tensor] } };

const lossOfModel = (m: Model, input: Tensor): Tensor => m.forward(input).sum();
const lossOfRecord = (p: typeof record): Tensor => p.w.mul(p.inner.b[0]).sum();
const lossOfList = (list: Tensor[]): Tensor => list[0].sum();
const forward = (m: Model, input: Tensor): Tensor => m.forward(input);

export function gradients(): void {
  same<ReturnType<ReturnType<typeof grad<[Tensor]>>>, Tensor>();
  const ofModel = grad(lossOfModel)(model, x);
  same<typeof ofModel, Model>();
  // methods survive: the gradient of a model is a model
  same<ReturnType<typeof ofModel.forward>, Tensor>();
  const ofRecord = grad(lossOfRecord)(record);
  same<typeof ofRecord, typeof record>();
  same<typeof ofRecord.inner.b, [Tensor, Tensor]>();
  const ofList = grad(lossOfList)([x, x]);
  same<typeof ofList, Tensor[]>();
  const ofScalar = grad((t: Tensor) => t.mul(t))(3);
  same<typeof ofScalar, Tensor>();
}

export function argnums(): void {
  const second = grad(lossOfModel, { argnums: 1 })(model, x);
  same<typeof second, Tensor>();
  const both = grad(lossOfModel, { argnums: [0, 1] })(model, x);
  same<typeof both, [Model, Tensor]>();
  const swapped = grad(lossOfModel, { argnums: [1, 0] })(model, x);
  same<typeof swapped, [Tensor, Model]>();
  const [value, gradient] = valueAndGrad(lossOfModel, { argnums: 1 })(model, x);
  same<typeof value, Tensor>();
  same<typeof gradient, Tensor>();
}

export function auxiliary(): void {
  const f = (m: Model, input: Tensor): [Tensor, { hidden: Tensor; count: number }] => [
    m.forward(input).sum(),
    { hidden: input, count: 1 },
  ];
  const result = grad(f, { hasAux: true })(model, x);
  same<typeof result, [Model, { hidden: Tensor; count: number }]>();
  const both = valueAndGrad(f, { hasAux: true, argnums: 1 })(model, x);
  same<typeof both, [[Tensor, { hidden: Tensor; count: number }], Tensor]>();
}

export function pullbacksAndPushforwards(): void {
  const [output, pull] = vjp(forward, model, x);
  same<typeof output, Tensor>();
  const cotangents = pull(x);
  same<typeof cotangents, [m: Model, input: Tensor]>();
  const [primal, tangent] = jvp(forward, [model, x], [model, x]);
  same<typeof primal, Tensor>();
  same<typeof tangent, Tensor>();
  const [, push] = linearize((p: typeof record) => p, record);
  const pushed = push(record);
  same<typeof pushed, typeof record>();
  const products = hvp(lossOfModel, [model, x], [model, x]);
  same<typeof products, [m: Model, input: Tensor]>();
}

export function compiledAndBatched(): void {
  const compiled = jit(forward);
  same<typeof compiled, (m: Model, input: Tensor) => Tensor>();
  const step = jit((m: Model, input: Tensor) => [grad(lossOfModel)(m, input), input] as const, {
    donate: [0],
  });
  const stepped = step(model, x);
  same<typeof stepped, readonly [Model, Tensor]>();
  const batched = vmap(forward, { inAxes: [null, 0] })(model, x);
  same<typeof batched, Tensor>();
  const tree = vmap((p: typeof record) => p.inner)(record);
  same<typeof tree, { b: [Tensor, Tensor] }>();
}

export function composed(): void {
  const ofCompiled = grad(jit(lossOfModel))(model, x);
  same<typeof ofCompiled, Model>();
  const compiledGradient = jit(grad(lossOfModel))(model, x);
  same<typeof compiledGradient, Model>();
  const second = grad(grad((t: Tensor) => t.mul(t).mul(t)))(2);
  same<typeof second, Tensor>();
  const secondPullback = vjp(
    grad((t: Tensor) => t.mul(t).sum()),
    2,
  )[1](1);
  same<typeof secondPullback, [Tensor]>();
  const perExample = vmap(grad(lossOfModel), { inAxes: [null, 0] })(model, x);
  same<typeof perExample, Model>();
}

/** Code that is generic in its model sees that model again, not a type the compiler cannot resolve. */
export function generic<M extends { forward(x: Tensor): Tensor }>(m: M, input: Tensor): [M, Tensor] {
  const [value, gradient] = valueAndGrad((own: M) => own.forward(input).sum())(m);
  same<typeof value, Tensor>();
  same<typeof gradient, M>();
  const [, pull] = vjp((own: M) => own.forward(input), m);
  const [cotangent] = pull(input);
  const [, tangent] = jvp((own: M) => own.forward(input), [m], [cotangent]);
  return [gradient, tangent];
}

/** Functions written in place need no annotation: their arguments are tensors unless said otherwise. */
export function inPlace(): void {
  const gradient = grad((t) => t.mul(t))(3);
  same<typeof gradient, Tensor>();
  const compiled = jit((t) => t.exp())(x);
  same<typeof compiled, Tensor>();
}
