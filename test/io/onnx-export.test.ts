/** Exported graphs in ONNX Runtime, which checks the file and computes the same numbers. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Node } from "../../src/graph/node.js";
import { bindAll } from "../../src/graph/node.js";
import type { Primitive } from "../../src/graph/primitive.js";
import { type Tensor, tensor } from "../../src/index.js";
import { encodeOnnx, importOnnx } from "../../src/io/index.js";
import { emitters } from "../../src/io/onnx/emitters.js";
import { type PrimitiveName, registry } from "../../src/primitives/registry.js";
import { samples } from "../support/registry-samples.js";
import type { Sample } from "../support/registry-samples-values.js";
import { difference, needsRuntime, runOnnx } from "./onnx-runtime.js";

// complete by type: a primitive that is not exported does not compile
const complete: Readonly<Record<PrimitiveName, unknown>> = emitters;

/** What the format has no operators for; refused with what to do instead. */
const withoutOperator = new Set<PrimitiveName>([
  "randomBits",
  "cholesky",
  "triangularSolve",
  "solve",
  "logAbsDet",
  "cofactor",
  "lu",
  "luSolve",
]);
/** What ONNX Runtime 1.24 has no kernel for on a CPU, though the format has the operator. */
const withoutFloat64 = new Set(["cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "erf", "atan2", "det"]);
/** Where the format does not say what becomes of NaN, and ONNX Runtime does not let it win. */
const nanLoses: Readonly<Record<string, RegExp>> = {
  reduceMax: /NaN and infinities/,
  argmax: /NaN/,
  argsort: /ties and NaN/,
};

/**
 * Both sides are within a few units in the last place of the true value for element-wise functions, of their own algorithm each;
 * sums and products of up to 703 terms differ by the order of their roundings, √703 ≈ 27 units.
 */
const tolerance: Readonly<Record<string, number>> = {
  float32: 32 * 2 ** -23,
  float64: 32 * 2 ** -52,
  int32: 0,
  bool: 0,
};

const onBits = new Set<PrimitiveName>(["and", "or", "xor", "shl", "shr"]);

function inputsOf(sample: Pick<Sample, "inputs">): Tensor[] {
  return sample.inputs.map((input) => tensor(input.values(0), { shape: input.shape, dtype: input.dtype }));
}

describe("every primitive, exported alone, gives ONNX Runtime the same values", () => {
  beforeEach(({ skip }) => needsRuntime(skip));

  for (const name of Object.keys(samples) as PrimitiveName[]) {
    if (withoutOperator.has(name)) continue;
    it(name, { timeout: 20_000 }, async () => {
      expect(name in complete).toBe(true);
      const primitive = registry[name] as unknown as Primitive;
      const worst: string[] = [];
      let compared = 0;
      for (const sample of samples[name]) {
        const inputs = inputsOf(sample);
        const isFloat64 = inputs.some(({ dtype }) => dtype === "float64");
        if (isFloat64 && withoutFloat64.has(name)) continue;
        if (nanLoses[name]?.test(sample.label) === true) continue;
        const f = (...xs: Node[]): Tensor => bindAll(primitive, xs, sample.params)[0] as Tensor;
        const expected = f(...inputs);
        const bytes = await encodeOnnx(f, inputs);
        const [received] = await runOnnx(bytes, inputs);
        const error = difference(received, expected);
        compared++;
        if (!(error <= tolerance[expected.dtype])) worst.push(`${sample.label}: ${error}`);
      }
      expect(worst).toEqual([]);
      expect(compared).toBeGreaterThan(2);
    });
  }
});

describe("every primitive, exported alone and imported again, gives the same values", () => {
  for (const name of Object.keys(samples) as PrimitiveName[]) {
    if (withoutOperator.has(name)) continue;
    it(name, { timeout: 20_000 }, async () => {
      const primitive = registry[name] as unknown as Primitive;
      const worst: string[] = [];
      for (const sample of samples[name]) {
        const inputs = inputsOf(sample);
        // operators on the bits of integers are written, not read
        if (onBits.has(name) && inputs[0].dtype === "int32") continue;
        const f = (...xs: Node[]): Tensor => bindAll(primitive, xs, sample.params)[0] as Tensor;
        const expected = f(...inputs);
        const model = await importOnnx(await encodeOnnx(f, inputs));
        const received = model.run(Object.fromEntries(model.inputs.map((port, i) => [port.name, inputs[i]])));
        const error = difference(received.output, expected);
        if (!(error <= tolerance[expected.dtype])) worst.push(`${sample.label}: ${error}`);
      }
      expect(worst).toEqual([]);
    });
  }
});
