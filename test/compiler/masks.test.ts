/** masks: the gradient of relu asks the rectified value, so what was rectified is not kept. */
import { describe, expect, it } from "vitest";
import { compile } from "../../src/compiler/pipeline.js";
import { traceGraph } from "../../src/graph/graph.js";
import { jit, random, setDevice, type Tensor, tensor, valueAndGrad } from "../../src/index.js";
import { bytesPerElement } from "../../src/types/dtype.js";

const [rows, width] = [64, 48];

const loss = (weights: readonly Tensor[], x: Tensor): Tensor => {
  let a = x;
  for (const w of weights) a = a.matmul(w).relu();
  return a.square().sum();
};

describe("masks", () => {
  const weights = [1, 2, 3, 4].map((seed) =>
    random.normal(random.key(seed), { shape: [width, width] }).mul(0.2),
  );
  const x = random.normal(random.key(9), { shape: [rows, width] });
  const graph = traceGraph("jit", [...weights, x], (leaves) => {
    const inputs = leaves as unknown as Tensor[];
    return [...valueAndGrad(loss)(inputs.slice(0, 4), inputs[4])].flat();
  });
  const activations = (disable?: ReadonlySet<"masks">): number => {
    const { schedule, inputs, outputs } = compile(graph, {
      donated: [],
      verify: true,
      ...(disable === undefined ? {} : { disable }),
    });
    const outside = new Set([...inputs, ...outputs]);
    const kept = schedule.buffers.filter(
      ({ length }, buffer) => length === rows * width && !outside.has(buffer),
    );
    return kept.reduce((bytes, { dtype, length }) => bytes + length * bytesPerElement(dtype), 0);
  };

  it("keeps one array a layer where there were two, but in the last, where nobody else needs it", () => {
    const one = rows * width * 4;
    expect(activations(new Set(["masks"])) - activations()).toBe(3 * one);
  });

  it("changes no value, special ones included", () => {
    const special = tensor([
      [Number.NaN, -0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-45, -2, 3],
    ]);
    const gradient = valueAndGrad((v: Tensor) => v.relu().mul(v.relu()).sum());
    const [, compiled] = jit(gradient)(special);
    setDevice("reference");
    const [, expected] = gradient(special);
    setDevice("wasm");
    expect([...compiled.dataSync()]).toEqual([...expected.dataSync()]);
  });
});
