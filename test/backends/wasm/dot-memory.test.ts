/** Scratch memory of products: small beside what a training step needs anyway, and there for each thread, not for each part. */
import { afterEach, describe, expect, it } from "vitest";
import { findBlas } from "../../../src/backends/blas/library.js";
import { WasmMemory, WasmProgram } from "../../../src/backends/wasm/index.js";
import { Pool } from "../../../src/backends/wasm/threads/pool.js";
import { memoryOf } from "../../../src/compiler/cost.js";
import { conv, grad, maxPool, random, setThreads, type Tensor, tensor } from "../../../src/index.js";
import type { DotKernel } from "../../../src/loops/ir.js";
import { softmaxCrossEntropy } from "../../../src/losses/index.js";
import type { TypedArray } from "../../../src/types/dtype.js";
import { compileFunction, type TensorFunction } from "../../compiler/support.js";
import { binary, generator, load, reduced, schedule } from "./support.js";

interface Network {
  readonly title: string;
  readonly batch: number;
  readonly image?: readonly number[];
  /** Channels, extents and padding of windows; whether a maximum over 2 × 2 follows. */
  readonly convolutions?: readonly (readonly [
    channels: number,
    size: number,
    padding: number,
    pool: boolean,
  ])[];
  readonly widths: readonly number[];
}

const networks: readonly Network[] = [
  { title: "[784, 30, 10]", batch: 10, widths: [784, 30, 10] },
  { title: "[784, 128, 10]", batch: 64, widths: [784, 128, 10] },
  { title: "[784, 256, 128, 10]", batch: 128, widths: [784, 256, 128, 10] },
  { title: "[784, 1024, 1024, 10]", batch: 256, widths: [784, 1024, 1024, 10] },
  {
    title: "LeNet",
    batch: 64,
    image: [1, 28, 28],
    convolutions: [
      [6, 5, 2, true],
      [16, 5, 0, true],
    ],
    widths: [400, 120, 84, 10],
  },
  {
    title: "CNN of 32 and 64 channels",
    batch: 64,
    image: [1, 28, 28],
    convolutions: [
      [32, 3, 0, false],
      [64, 3, 0, true],
    ],
    widths: [9216, 128, 10],
  },
];

/** A step of gradient descent, and its arguments: weights and biases of every layer, inputs, labels. */
function stepOf({ batch, image, convolutions = [], widths }: Network): { f: TensorFunction; args: Tensor[] } {
  const shapes: number[][] = [];
  let [channels] = image ?? [0];
  for (const [outputs, size] of convolutions) {
    shapes.push([outputs, channels, size, size], [outputs, 1, 1]);
    channels = outputs;
  }
  for (let i = 1; i < widths.length; i++) shapes.push([widths[i], widths[i - 1]], [widths[i]]);
  const parameters = shapes.map((shape, i) => random.normal(random.key(i), { shape }).mul(0.05));
  const x = random.uniform(random.key(99), { shape: [batch, ...(image ?? widths.slice(0, 1))] });
  const labels = tensor(Int32Array.from({ length: batch }, (_, i) => i % 10));

  const loss = (weights: readonly Tensor[], input: Tensor, classes: Tensor): Tensor => {
    let a = input;
    convolutions.forEach(([, , padding, pool], i) => {
      const pads: [number, number][] = [
        [padding, padding],
        [padding, padding],
      ];
      a = conv(a, weights[2 * i], { padding: pads })
        .add(weights[2 * i + 1])
        .relu();
      if (pool) a = maxPool(a, { size: 2 });
    });
    a = a.reshape([batch, widths[0]]);
    for (let i = 2 * convolutions.length; i < weights.length; i += 2) {
      a = a.matmul(weights[i].transpose()).add(weights[i + 1]);
      if (i + 2 < weights.length) a = a.relu();
    }
    return softmaxCrossEntropy(a, classes);
  };
  const f: TensorFunction = (...all) => {
    const weights = all.slice(0, shapes.length);
    const gradients = grad(loss)(weights, all[shapes.length], all[shapes.length + 1]);
    return weights.map((weight, i) => weight.sub(gradients[i].mul(0.05)));
  };
  return { f, args: [...parameters, x, labels] };
}

afterEach(() => setThreads(1));

const { blas } = findBlas();

describe.each([
  ["by our own tiles", null],
  ...(blas === undefined ? [] : [["by BLAS", blas] as const]),
] as const)("products %s", (_, blas) => {
  it.each(networks.map((network) => [network.title, network] as const))(
    "of a training step of %s take less than three tenths of parameters and what is alive at once",
    (_title, network) => {
      setThreads(1);
      const { f, args } = stepOf(network);
      const parameters = args.slice(0, -2);
      const compiled = compileFunction(f, args, { donated: args.map((_, i) => i < parameters.length) });
      const program = new WasmProgram(compiled.schedule, { blas });
      const { arenaBytes } = program;
      program.dispose();
      const { staticBytes, liveBytes } = memoryOf(compiled);
      const parameterBytes = parameters.reduce((sum, { size }) => sum + 4 * size, 0);
      expect(staticBytes + arenaBytes).toBeLessThanOrEqual(1.3 * (parameterBytes + liveBytes));
    },
  );

  it("wait where their results are wanted for what is done with them: layers need packed operands, and no more", () => {
    setThreads(1);
    const { f, args } = stepOf({ title: "", batch: 512, widths: [128, 128, 128, 128, 10] });
    const { schedule } = compileFunction(f, args);
    const program = new WasmProgram(schedule, { blas });
    const scratch = program.arenaBytes - schedule.arenaBytes;
    program.dispose();
    // a product of [512, 128] would take 262144 by itself, or 32768 block by block; its packed operands take at most 131072
    expect(scratch).toBeLessThan(blas === null ? 131072 + 4096 : 4096);
  });
});

/** out = a·b + bias, in four parts. */
function productInParts(): { kernel: DotKernel; lengths: number[] } {
  const [m, n, k] = [150, 1000, 250];
  const value = binary("add", reduced("float32"), load("float32", 3, [0, 1]));
  const kernel: DotKernel = {
    kind: "dot",
    name: "product",
    dtype: "float32",
    batch: [],
    m,
    n,
    k,
    a: { buffer: 0, offset: 0, batchStrides: [], rowStride: 1, columnStride: m },
    b: { buffer: 1, offset: 0, batchStrides: [], rowStride: n, columnStride: 1 },
    stores: [{ buffer: 2, offset: 0, strides: [n, 1], value }],
  };
  return { kernel, lengths: [m * k, k * n, m * n, n] };
}

describe("a program in parts", () => {
  const { kernel, lengths } = productInParts();
  const plan = schedule(
    lengths.map((length) => ({ dtype: "float32", length })),
    [kernel],
  );
  const random = generator(3);
  const inputs = [0, 1, 3].map(
    (buffer) => [buffer, Float32Array.from({ length: lengths[buffer] }, random)] as const,
  );
  const filled = (program: WasmProgram): WasmProgram => {
    for (const [buffer, values] of inputs) program.write(buffer, values);
    return program;
  };

  const same = (program: WasmProgram, buffer: number, values: TypedArray): boolean =>
    program.read(buffer).every((value, i) => Object.is(value, values[i]));

  it("is made again for more threads, keeps what was written, and gives the same bits", () => {
    const alone = filled(new WasmProgram(plan, { blas: null, memory: new WasmMemory() }));
    alone.run();
    const want = alone.read(2);
    const least = alone.arenaBytes - plan.arenaBytes;

    const pool = new Pool(new WasmMemory({ shared: true }), null);
    setThreads(2);
    const program = filled(new WasmProgram(plan, { blas: null, pool }));
    expect(program.arenaBytes - plan.arenaBytes).toBe(2 * least);
    program.run();
    expect(same(program, 2, want)).toBe(true);
    for (const [buffer, values] of inputs) expect(same(program, buffer, values)).toBe(true);

    // written for two, and run by three
    filled(program);
    setThreads(3);
    program.run();
    expect(program.arenaBytes - plan.arenaBytes).toBe(3 * least);
    expect(same(program, 2, want)).toBe(true);

    // no part needs memory of its own beyond that of each part
    setThreads(8);
    const end = performance.now() + 20_000;
    do program.run();
    while (pool.taken === 0 && performance.now() < end);
    expect(pool.taken).toBeGreaterThan(0);
    for (let i = 0; i < 20; i++) program.run();
    expect(program.arenaBytes - plan.arenaBytes).toBe(4 * least);
    expect(same(program, 2, want)).toBe(true);

    // workers of eight threads, still looking for parts, and memory for two
    setThreads(2);
    const smaller = filled(new WasmProgram(plan, { blas: null, pool }));
    for (let i = 0; i < 20; i++) {
      smaller.run();
      expect(same(smaller, 2, want), `run ${i}`).toBe(true);
    }
    expect(smaller.arenaBytes - plan.arenaBytes).toBe(2 * least);
    setThreads(1);
    program.run();
    expect(same(program, 2, want)).toBe(true);
    for (const made of [program, smaller, alone]) made.dispose();
  });
});
