/** Trajectories of SGD against torch.optim.SGD's, on ½‖a·w + b − y‖². */
import { describe, expect, it } from "vitest";
import { add, jit, matmul, mul, square, sub, sum, type Tensor, valueAndGrad } from "../../src/index.js";
import * as optim from "../../src/optim/index.js";
import { differences, make } from "./compare.js";
import { readSgd, type SgdCase } from "./fixtures.js";

interface Params {
  readonly w: Tensor;
  readonly b: Tensor;
}

describe("PyTorch: optimizers", () => {
  for (const one of readSgd()) {
    it(one.name, () => expect(checkTrajectory(one, false)).toEqual([]));
    it(`${one.name}, inside jit`, () => expect(checkTrajectory(one, true)).toEqual([]));
  }
});

function checkTrajectory(one: SgdCase, compiled: boolean): readonly string[] {
  const a = make(one.problem.a, one.dtype);
  const y = make(one.problem.y, one.dtype);
  const optimizer = optim.sgd(one.options);
  const cost = ({ w, b }: Params): Tensor => mul(0.5, sum(square(sub(add(matmul(a, w), b), y))));
  const update = (params: Params, state: ReturnType<typeof optimizer.init>) => {
    const [loss, gradients] = valueAndGrad(cost)(params);
    return [loss, ...optimizer.step(params, gradients, state)] as const;
  };
  const step = compiled ? jit(update) : update;

  let params: Params = { w: make(one.start.w, one.dtype), b: make(one.start.b, one.dtype) };
  let state = optimizer.init(params);
  return one.trajectory.flatMap((expected, index) => {
    const [loss, nextParams, nextState] = step(params, state);
    params = nextParams;
    state = nextState;
    return [
      ...differences(`loss before step ${index + 1}`, loss, expected.loss, one.dtype),
      ...differences(`w after step ${index + 1}`, params.w, expected.w, one.dtype),
      ...differences(`b after step ${index + 1}`, params.b, expected.b, one.dtype),
    ];
  });
}
