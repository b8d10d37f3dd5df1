/** `adjoint bench`: how long a training step takes on this machine, what memory it needs, and where the time goes. */
import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import { findBlas } from "../../backends/blas/library.js";
import {
  AdjointError,
  type DeviceName,
  device,
  isTensor,
  jit,
  type Profile,
  profile,
  random,
  setDevice,
  setThreads,
  type Tensor,
  threads,
  valueAndGrad,
} from "../../index.js";
import { writeAtomically } from "../../io/index.js";
import type * as nn from "../../nn/index.js";
import type { OptimizerState } from "../../optim/index.js";
import { bytesPerElement } from "../../types/dtype.js";
import { flatten } from "../../util/tree.js";
import { usage } from "../arguments.js";
import { measure, type Timing } from "../measure.js";
import { loadModel } from "../model-file.js";
import {
  type Activation,
  buildNetwork,
  defaultOutput,
  type InitName,
  type Loss,
  losses,
  lossFunctions,
  type NetworkConfig,
  type OutputActivation,
} from "../network.js";
import { descentOf, makeOptimizer, type OptimizerName } from "../optimizer.js";
import { grouped, print, printEvent } from "../output.js";

export interface BenchOptions {
  readonly layers?: readonly number[];
  readonly activation?: Activation;
  readonly output?: OutputActivation;
  readonly loss?: Loss;
  readonly init?: InitName;
  readonly optimizer: OptimizerName;
  readonly batch: number;
  readonly steps?: number;
  readonly seconds?: number;
  readonly device?: DeviceName;
  readonly threads?: number;
  readonly seed: number;
  readonly profile?: boolean;
  readonly trace?: string;
  readonly json?: boolean;
}

/** The network of the notes. */
const defaults = {
  layers: [784, 30, 10],
  activation: "sigmoid",
  loss: "quadratic",
  init: "nielsen",
} as const;
/** Batches of synthetic examples a step is timed on, in turn. */
const batchCount = 8;
/** Seconds of measurement unless told. */
const defaultSeconds = 2;

interface Subject {
  readonly network: NetworkConfig;
  readonly loss: Loss;
  readonly model: nn.Sequential;
  /** Whether targets are numbers, not classes. */
  readonly regression: boolean;
}

/** @throws AdjointError `usage`, `unwritable-output` before anything is measured */
export async function benchCommand(path: string | undefined, options: BenchOptions): Promise<void> {
  if (options.steps !== undefined && options.seconds !== undefined)
    throw usage("--steps and --seconds both say how long to measure: give one of them", "--seconds");
  if (options.trace !== undefined) await checkWritable(options.trace);
  if (options.device !== undefined) setDevice(options.device);
  if (options.threads !== undefined) setThreads(options.threads);
  const [weightKey, dataKey] = random.split(random.key(options.seed), 2);
  const subject = path === undefined ? built(options, weightKey) : await saved(path, options);
  const work = training(subject, options, dataKey);

  const started = performance.now();
  work.advance();
  const firstCall = (performance.now() - started) / 1000;
  const timing = measure(
    work.advance,
    options.steps === undefined ? { seconds: options.seconds ?? defaultSeconds } : { times: options.steps },
  );
  // what a step computes is known from its kernels; without --profile a single run tells
  const wanted = options.profile === true || options.trace !== undefined;
  const kernels = work.profile(wanted ? 50 : 1);
  const report = reportOf(subject, options, { timing, firstCall, kernels, optimizerState: work.state });

  if (options.json)
    printEvent({ event: "bench", ...report, ...(options.profile ? { profile: kernels.toJSON() } : {}) });
  else {
    print(textOf(report).join("\n"));
    if (options.profile) print(`\n${kernels}`);
  }
  if (options.trace === undefined) return;
  await writeAtomically(options.trace, new TextEncoder().encode(kernels.toChromeTrace()));
  if (!options.json) print(`\nwritten         ${options.trace} (open it at https://ui.perfetto.dev)`);
}

function built(options: BenchOptions, key: Tensor): Subject {
  const { layers, activation, loss, init } = { ...defaults, ...options };
  const output = options.output ?? defaultOutput(loss, true);
  if (layers[layers.length - 1] === 1 && loss === "softmax-cross-entropy")
    throw usage("--loss softmax-cross-entropy needs a last layer of 2 or more, received 1", "--layers");
  const network = { layers, activation, output, init };
  return { network, loss, model: buildNetwork(network, key), regression: false };
}

async function saved(path: string, options: BenchOptions): Promise<Subject> {
  for (const name of ["layers", "activation", "output", "init"] as const)
    if (options[name] !== undefined)
      throw usage(`--${name} describes a built-in network; leave it out beside MODEL`, `--${name}`);
  const { model, config } = await loadModel(path);
  const regression = config.data.kind === "csv" && config.data.label === undefined;
  return { network: config.network, loss: options.loss ?? config.training.loss, model, regression };
}

/** A training step of the subject on synthetic examples, compiled, with its state. */
function training({ network, loss, model, regression }: Subject, options: BenchOptions, key: Tensor) {
  const { layers } = network;
  const [inputs, outputs] = [layers[0], layers[layers.length - 1]];
  const lossOf = lossFunctions[losses[loss]];
  // small enough that no loss grows without bounds, and with it the time of numbers that are none
  const optimizer = makeOptimizer(descentOf({ optimizer: options.optimizer }, { lr: 0.01, momentum: 0 }));
  const batches = random.split(key, batchCount).map((own) => {
    const [inputKey, targetKey] = random.split(own, 2);
    const x = random.uniform(inputKey, { shape: [options.batch, inputs] });
    const y = regression
      ? random.normal(targetKey, { shape: [options.batch, outputs] })
      : random
          .uniform(targetKey, { shape: [options.batch], high: Math.max(2, outputs) })
          .floor()
          .cast("int32");
    return { x, y };
  });
  const step = (network: nn.Sequential, state: OptimizerState, x: Tensor, y: Tensor) => {
    const [value, gradient] = valueAndGrad((m: nn.Sequential) => lossOf(m.forward(x), y))(network);
    return [value, ...optimizer.step(network, gradient, state)] as const;
  };
  const donate = [0, 1];
  const compiled = jit(step, { donate });
  let current = model;
  let state = optimizer.init(model);
  let next = 0;
  return {
    state,
    advance: (): void => {
      const { x, y } = batches[next++ % batchCount];
      [, current, state] = compiled(current, state, x, y);
    },
    profile: (runs: number): Profile =>
      profile(step, [current, state, batches[0].x, batches[0].y], { runs, donate }),
  };
}

interface Measured {
  readonly timing: Timing;
  readonly firstCall: number;
  readonly kernels: Profile;
  readonly optimizerState: unknown;
}

const tensorsOf = (tree: unknown): readonly Tensor[] => flatten(tree, isTensor).leaves;
const bytesOf = (tensors: readonly Tensor[]): number =>
  tensors.reduce((sum, { size, dtype }) => sum + size * bytesPerElement(dtype), 0);

function reportOf({ network, loss, model }: Subject, options: BenchOptions, measured: Measured) {
  const { timing, firstCall, kernels, optimizerState } = measured;
  const { median, lower, upper, times, seconds } = timing;
  const parameters = tensorsOf(model);
  const flops = kernels.kernels.reduce((sum, kernel) => sum + kernel.flops, 0);
  const { staticBytes, arenaBytes, liveBytes } = kernels.memory;
  return {
    network,
    loss,
    optimizer: options.optimizer,
    batch: options.batch,
    device: device(),
    threads: device() === "wasm" ? threads() : 1,
    blas: blasName(),
    step: { seconds: median, lower, upper, steps: times, measuredSeconds: seconds },
    examplesPerSecond: options.batch / median,
    flopsPerStep: flops,
    gigaflopsPerSecond: flops / median / 1e9,
    firstCallSeconds: firstCall,
    memory: {
      parameters: parameters.reduce((sum, { size }) => sum + size, 0),
      parameterBytes: bytesOf(parameters),
      optimizerBytes: bytesOf(tensorsOf(optimizerState)),
      peakBytes: staticBytes + arenaBytes,
      liveBytes,
    },
  };
}

type Report = ReturnType<typeof reportOf>;

function textOf({ network, loss, optimizer, batch, blas, step, memory, ...report }: Report): string[] {
  const { parameterBytes, optimizerBytes, peakBytes, liveBytes } = memory;
  const least = parameterBytes + optimizerBytes + liveBytes;
  const line = (name: string, value: string, more: string): string =>
    `${name.padEnd(16)}${value.padEnd(18)}${more}`;
  return [
    line("network", network.layers.join("-"), `${network.activation}, ${network.output} output`),
    line("step", `${optimizer}, batch ${batch}`, `${loss}, float32`),
    line(
      "device",
      `${report.device}, ${report.threads === 1 ? "1 thread" : `${report.threads} threads`}`,
      report.device === "wasm" ? `BLAS: ${blas ?? "none"}` : "",
    ),
    "",
    line(
      "time per step",
      time(step.seconds),
      `quartiles ${time(step.lower)}, ${time(step.upper)}; ${grouped(step.steps)} steps`,
    ),
    line("examples", `${scaled(report.examplesPerSecond)}/s`, ""),
    line(
      "arithmetic",
      `${scaled(report.gigaflopsPerSecond * 1e9)}FLOP/s`,
      `${scaled(report.flopsPerStep)}FLOP a step`,
    ),
    line("first call", time(report.firstCallSeconds), "recorded, compiled and run"),
    "",
    line("parameters", `${scaled(parameterBytes)}B`, `${grouped(memory.parameters)} numbers`),
    line("optimizer state", `${scaled(optimizerBytes)}B`, ""),
    line(
      "peak memory",
      `${scaled(peakBytes)}B`,
      `${(peakBytes / least).toFixed(2)} × parameters, state and live values`,
    ),
  ].map((text) => text.trimEnd());
}

/** The BLAS that large products go to; a wrong ADJOINT_BLAS is `adjoint info`'s to tell. */
function blasName(): string | undefined {
  try {
    return device() === "wasm" ? findBlas().blas?.libraries.float32 : undefined;
  } catch {
    return undefined;
  }
}

/** Three digits in the unit that fits: `25.2 µs`. */
function time(seconds: number): string {
  for (const [unit, size] of [
    ["µs", 1e-6],
    ["ms", 1e-3],
  ] as const)
    if (seconds < 999.5 * size) return `${(seconds / size).toPrecision(3)} ${unit}`;
  return `${seconds.toPrecision(3)} s`;
}

/** Three digits and a decimal prefix: `36.1 G`; a unit follows. */
function scaled(value: number): string {
  const prefixes = ["", "k", "M", "G", "T"];
  let place = 0;
  let rest = value;
  while (rest >= 999.5 && place < prefixes.length - 1) {
    rest /= 1000;
    place++;
  }
  return `${Number.isInteger(rest) && rest < 1000 ? rest : rest.toPrecision(3)} ${prefixes[place]}`;
}

/** Before a measurement, not after it. */
async function checkWritable(file: string): Promise<void> {
  try {
    await access(dirname(file), constants.W_OK);
  } catch (cause) {
    const reason =
      (cause as NodeJS.ErrnoException).code === "ENOENT"
        ? "its directory does not exist"
        : "its directory cannot be written to";
    throw new AdjointError("unwritable-output", `${file} cannot be written: ${reason}`, { file }, { cause });
  }
}
