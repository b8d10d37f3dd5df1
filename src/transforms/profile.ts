/** profile: where the time of a compiled function goes, kernel by kernel. */
import { currentDevice, type KernelTiming } from "../graph/device.js";
import { traceGraph } from "../graph/graph.js";
import { readValue } from "../graph/node.js";
import { HostStorage } from "../graph/storage.js";
import { checkCount, checkOptionNames, invalidArgument } from "../util/checks.js";
import { formatReceived, invariant } from "../util/errors.js";
import { checkFunction, checkSynchronous, flattenTensors, rebuild } from "./arguments.js";

/** One kernel of a profile: times in microseconds, rates in 10⁹ a second. */
export interface KernelProfile {
  /** The operations fused into it, and its extents. */
  readonly name: string;
  /** Floating-point operations of a run; a multiply-add counts 2. */
  readonly flops: number;
  /** Bytes that must move to or from memory at least once in a run. */
  readonly bytes: number;
  /** Median over the runs. */
  readonly microseconds: number;
  /** Of the whole, 0 … 1. */
  readonly share: number;
  readonly gigaflopsPerSecond: number;
  readonly gigabytesPerSecond: number;
}

/**
 * What `profile` gives: the kernels in the order in which they run; as text the slowest first.
 * @example profile((x) => x.mul(2), [ones([3])]).device.length > 0; // → true
 */
export class Profile {
  readonly device: string;
  readonly runs: number;
  readonly kernels: readonly KernelProfile[];
  /** The sum over the kernels, in microseconds. */
  readonly microseconds: number;

  constructor(device: string, runs: number, timings: readonly KernelTiming[]) {
    this.device = device;
    this.runs = runs;
    const medians = timings.map(({ times }) => median(times));
    this.microseconds = medians.reduce((sum, time) => sum + time, 0);
    this.kernels = timings.map(({ name, flops, bytes }, i) => {
      const microseconds = medians[i];
      const rate = (amount: number): number => (microseconds > 0 ? amount / microseconds / 1000 : 0);
      const share = this.microseconds > 0 ? microseconds / this.microseconds : 0;
      const rates = { gigaflopsPerSecond: rate(flops), gigabytesPerSecond: rate(bytes) };
      return { name, flops, bytes, microseconds, share, ...rates };
    });
  }

  /** A table in 80 columns, the slowest kernel first. */
  toString(): string {
    const flops = this.kernels.reduce((sum, kernel) => sum + kernel.flops, 0);
    const lines = [
      `${this.kernels.length} kernels on ${this.device}, ${format(this.microseconds)} µs, ${format(flops / 1e6)} MFLOP; medians of ${this.runs} runs`,
      "",
      `${"kernel".padEnd(40)}${["µs", "share", "GFLOP/s", "GB/s"].map((title) => title.padStart(10)).join("")}`,
    ];
    for (const kernel of [...this.kernels].sort((a, b) => b.microseconds - a.microseconds)) {
      const name = kernel.name.length > 39 ? `${kernel.name.slice(0, 38)}…` : kernel.name;
      const cells = [
        format(kernel.microseconds),
        `${(100 * kernel.share).toFixed(1)} %`,
        format(kernel.gigaflopsPerSecond),
        format(kernel.gigabytesPerSecond),
      ];
      lines.push(name.padEnd(40) + cells.map((cell) => cell.padStart(10)).join(""));
    }
    return lines.join("\n");
  }

  toJSON(): { device: string; runs: number; microseconds: number; kernels: readonly KernelProfile[] } {
    const { device, runs, microseconds, kernels } = this;
    return { device, runs, microseconds, kernels };
  }

  /** One run in the trace-event format, for chrome://tracing and Perfetto: save it as a .json file. */
  toChromeTrace(): string {
    let at = 0;
    const traceEvents = this.kernels.map(({ name, microseconds, flops, bytes }) => {
      const event = { name, ph: "X", pid: 1, tid: 1, ts: at, dur: microseconds, args: { flops, bytes } };
      at += microseconds;
      return event;
    });
    return JSON.stringify({ traceEvents, displayTimeUnit: "ns" });
  }
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Three digits that matter. */
function format(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en-US");
  return value === 0 ? "0" : value.toPrecision(3);
}

/** How often a profile runs. */
export interface ProfileOptions {
  /** Timed runs, after as many untimed ones. Default 50. */
  readonly runs?: number;
}

/**
 * Compiles a function for these arguments and times its kernels, one by one: which operations were fused, how long each
 * takes, and how near it comes to what the machine can do. Profile a whole step: `profile(valueAndGrad(loss), [model, x])`.
 *
 * @param args the arguments, as an array
 * @throws AdjointError as `jit` does, and `invalid-argument`
 * @example profile((x) => x.sin().mul(2).sum(), [ones([100])]).kernels.length; // → 1
 */
export function profile(
  f: (...args: never) => unknown,
  args: readonly unknown[],
  options: ProfileOptions = {},
): Profile {
  checkFunction(f, "profile");
  checkOptionNames(options, ["runs"], "profile");
  const runs = checkCount(options.runs ?? 50, "profile", "runs");
  if (!Array.isArray(args))
    throw invalidArgument("profile", "args", "an array of the function's arguments", formatReceived(args));
  if (runs === 0) throw invalidArgument("profile", "runs", "at least 1", "0");
  const flat = flattenTensors(args, "profile");
  const storages = flat.leaves.map((leaf) => new HostStorage(readValue(leaf, "profile")));
  const graph = traceGraph("jit", flat.leaves, (leaves) => {
    // the trees the function declares, with abstract tensors in them
    const result = (f as (...all: readonly unknown[]) => unknown)(
      ...rebuild<readonly unknown[]>(flat.structure, leaves),
    );
    checkSynchronous(result, "profile");
    return flattenTensors(result, "profile").leaves;
  });
  const device = currentDevice();
  invariant(device !== undefined, "no device to profile on");
  // as many runs untimed first: the engine compiles a kernel better once it has seen it run
  device.profile(graph, storages, runs);
  return new Profile(device.name, runs, device.profile(graph, storages, runs));
}
