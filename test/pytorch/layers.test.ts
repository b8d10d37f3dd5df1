/** Outputs and gradients of every layer against PyTorch's, with its parameters under its names, at once and compiled. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type DType, jit, type Tensor, tensor, vjp } from "../../src/index.js";
import { loadSafetensors } from "../../src/io/index.js";
import * as nn from "../../src/nn/index.js";
import { distance, type Expected } from "./close.js";
import { decode } from "./fixtures.js";

interface Elements extends Expected {
  readonly dtype: DType;
}

type Elementwise = Readonly<Record<string, Elements>>;

interface Case {
  readonly name: string;
  readonly layer: string;
  readonly args: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly train: boolean;
  readonly state: Elementwise;
  readonly input: Elements;
  readonly output: Elements;
  readonly cotangent: Elements;
  readonly gradients: Elementwise;
  readonly inputGradient?: Elements;
  /** Running statistics after the pass. */
  readonly after?: Elementwise;
}

const folder = new URL("../fixtures/pytorch/", import.meta.url);
// the generator writes exactly these forms
const read = <Form>(file: string): Form => JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Form;

function make({ shape, data, dtype }: Elements): Tensor {
  return tensor(data.map(decode), { shape, dtype });
}

function layerOf(one: Case): nn.Module {
  const Layer = Reflect.get(nn, one.layer) as new (...args: unknown[]) => nn.Module;
  const layer = new Layer(...one.args, one.options);
  const state = Object.entries(one.state).map(([name, elements]): [string, Tensor] => [name, make(elements)]);
  return nn.loadStateDict(layer, new Map(state));
}

/** Everything the case is about, by name: output, gradients, statistics. */
function results(one: Case, compiled: boolean): [name: string, found: Tensor, expected: Expected][] {
  const floating = one.input.dtype === "float64";
  const pass = (layer: nn.Module, x: Tensor, cotangent: Tensor) => {
    const forward = (network: nn.Module, input: Tensor): Tensor =>
      one.train ? nn.trainForward(network, input)[0] : network.forward(input);
    const [, statistics] = one.train ? nn.trainForward(layer, x) : [x, {}];
    const learns = Object.keys(one.gradients).length > 0;
    if (!learns) {
      const [output, pull] = vjp((input: Tensor) => forward(layer, input), x);
      return { output, slope: undefined, inputSlope: pull(cotangent)[0], statistics };
    }
    if (!floating) {
      const [output, pull] = vjp((network: nn.Module) => forward(network, x), layer);
      return { output, slope: pull(cotangent)[0], inputSlope: undefined, statistics };
    }
    const [output, pull] = vjp(forward, layer, x);
    const [slope, inputSlope] = pull(cotangent);
    return { output, slope, inputSlope, statistics };
  };
  const layer = layerOf(one);
  const found = (compiled ? jit(pass) : pass)(layer, make(one.input), make(one.cotangent));
  const slopes = found.slope === undefined ? {} : Object.fromEntries(nn.parameters(found.slope));
  expect(Object.keys(slopes).sort()).toEqual(Object.keys(one.gradients).sort());
  const after = one.after === undefined ? {} : nn.stateDict(nn.withStatistics(layer, found.statistics));
  return [
    ["output", found.output, one.output],
    ...Object.entries(one.gradients).map(([name, expected]): [string, Tensor, Expected] => [
      `gradient of ${name}`,
      slopes[name],
      expected,
    ]),
    ...Object.entries(one.after ?? {}).map(([name, expected]): [string, Tensor, Expected] => [
      `${name} afterwards`,
      after[name],
      expected,
    ]),
    ...(found.inputSlope === undefined || one.inputGradient === undefined
      ? []
      : [["gradient of the input", found.inputSlope, one.inputGradient] as [string, Tensor, Expected]]),
  ];
}

// in units of the largest number: sums of some ten terms and chains of some ten elementary functions of at most 4 ULP, in both
// systems; normalisations divide by deviations of the size of 1
const tolerance = 100 * 2 ** -52;

describe("PyTorch: layers", () => {
  for (const one of read<readonly Case[]>("layers.json"))
    for (const compiled of [false, true])
      it(`${one.name}${compiled ? ", inside jit" : ""}`, () => {
        for (const [name, found, expected] of results(one, compiled))
          expect(distance(found, expected), name).toBeLessThan(tolerance);
      });
});

describe("PyTorch: a state dict as a safetensors file", () => {
  class Reader implements nn.Module {
    readonly features = new nn.Sequential(
      new nn.Conv2d(1, 3, 3),
      new nn.GroupNorm(1, 3),
      new nn.Activation("relu"),
      new nn.MaxPool2d(2),
    );
    readonly memory = new nn.LSTM(3, 4);
    readonly block = new nn.TransformerBlock(4, 2, { hidden: 8, dropout: 0 });
    readonly head = new nn.Linear(4, 2);

    forward(x: Tensor): Tensor {
      const y = this.features.forward(x);
      const sequence = y.reshape([y.shape[0], y.shape[1], -1]).swapAxes(1, 2);
      return this.head.forward(this.block.forward(this.memory.forward(sequence)).mean(1));
    }
  }

  it("loads by name and gives the same outputs", async () => {
    const [one] =
      read<readonly { readonly file: string; readonly input: Elements; readonly output: Elements }[]>(
        "reader.json",
      );
    const state = await loadSafetensors(fileURLToPath(new URL(one.file, folder)));
    const found = nn.loadStateDict(new Reader(), state).forward(make({ ...one.input, dtype: "float32" }));
    // the model is float32: some hundred roundings of 2⁻²⁴, divided by deviations that three normalisations bring to 1
    expect(distance(found, one.output)).toBeLessThan(1e-5);
  });
});
