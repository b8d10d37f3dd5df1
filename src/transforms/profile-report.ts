/** What `profile` found: as a table, as JSON, and as a trace for Chrome's and Perfetto's viewers. */
import type { KernelTiming, ProfiledProgram, ProgramMemory } from "../graph/device.js";

/** One kernel of a profile: times in microseconds, rates in 10⁹ a second. */
export interface KernelProfile {
  /** What it computes: `t₁ = relu(x·weight₀ᵀ + bias₀)`, where t₁, t₂, … are values between kernels. */
  readonly name: string;
  /** The primitives that were fused into it. */
  readonly operation: string;
  /** The extents of its loops, or of the matrices it multiplies. */
  readonly extents: string;
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

/** Of the whole: kernels below it share a line where they are many. */
const smallest = 0.005;
/** Characters of a line that are the kernel's name. */
const nameWidth = 32;
const columns = [
  ["µs", 8],
  ["share", 8],
  ["FLOP", 8],
  ["bytes", 8],
  ["GFLOP/s", 9],
  ["GB/s", 7],
] as const;

/**
 * What `profile` gives: the kernels in the order in which they run, and the memory they need; as text the slowest first.
 * @example profile((x) => x.mul(2), [ones([3])]).device.length > 0; // → true
 */
export class Profile {
  readonly device: string;
  readonly runs: number;
  readonly kernels: readonly KernelProfile[];
  /** The sum over the kernels, in microseconds. */
  readonly microseconds: number;
  /** What the program needs while it runs. */
  readonly memory: ProgramMemory;
  private readonly timings: readonly KernelTiming[];

  constructor(device: string, runs: number, { kernels, memory }: ProfiledProgram) {
    this.device = device;
    this.runs = runs;
    this.memory = memory;
    this.timings = kernels;
    const medians = kernels.map(({ times }) => median(times));
    this.microseconds = medians.reduce((sum, time) => sum + time, 0);
    this.kernels = kernels.map(({ name, operation, extents, flops, bytes }, i) => {
      const microseconds = medians[i];
      const rate = (amount: number): number => (microseconds > 0 ? amount / microseconds / 1000 : 0);
      const share = this.microseconds > 0 ? microseconds / this.microseconds : 0;
      const rates = { gigaflopsPerSecond: rate(flops), gigabytesPerSecond: rate(bytes) };
      return { name, operation, extents, flops, bytes, microseconds, share, ...rates };
    });
  }

  /** A table in 80 columns, the slowest kernel first, and the memory. */
  toString(): string {
    const flops = this.kernels.reduce((sum, kernel) => sum + kernel.flops, 0);
    const { staticBytes, arenaBytes, liveBytes } = this.memory;
    const count = this.kernels.length === 1 ? "1 kernel" : `${this.kernels.length} kernels`;
    return [
      `${count} on ${this.device}, ${digits(this.microseconds)} µs, ${scaled(flops)}FLOP; medians of ${this.runs} runs`,
      "",
      "kernel".padEnd(nameWidth) + columns.map(([title, width]) => title.padStart(width)).join(""),
      ...this.rows(),
      "",
      `memory: ${scaled(staticBytes)}B of constants and state, ${scaled(arenaBytes)}B for the rest,`,
      `of which ${scaled(liveBytes)}B are alive at once`,
    ].join("\n");
  }

  /** The slowest first; many small ones are one line together. */
  private rows(): string[] {
    const sorted = [...this.kernels].sort((a, b) => b.microseconds - a.microseconds);
    const small = sorted.findIndex(({ share }) => share < smallest);
    const shown = small < 0 || sorted.length - small < 4 ? sorted.length : small;
    const rest = sorted.slice(shown);
    const sum = (of: (kernel: KernelProfile) => number): number => rest.reduce((all, k) => all + of(k), 0);
    const others = figures(`${rest.length} more`, sum(timeOf), sum(shareOf), sum(flopsOf), sum(bytesOf));
    return [...sorted.slice(0, shown).flatMap(lines), ...(rest.length > 0 ? [others] : [])];
  }

  toJSON(): {
    device: string;
    runs: number;
    microseconds: number;
    memory: ProgramMemory;
    kernels: readonly KernelProfile[];
  } {
    const { device, runs, microseconds, memory, kernels } = this;
    return { device, runs, microseconds, memory, kernels };
  }

  /**
   * Every timed run in the trace-event format, with the times at which its kernels began: save it as a .json file and open it
   * in Perfetto or chrome://tracing.
   */
  toChromeTrace(): string {
    const place = { pid: 1, tid: 1 };
    const events: object[] = [
      { name: "process_name", ph: "M", ...place, args: { name: "adjoint" } },
      { name: "thread_name", ph: "M", ...place, args: { name: this.device } },
    ];
    for (let run = 0; run < this.runs && this.timings.length > 0; run++) {
      const [first, last] = [this.timings[0], this.timings[this.timings.length - 1]];
      const ended = last.starts[run] + last.times[run];
      events.push({
        name: `run ${run + 1}`,
        ph: "X",
        ...place,
        ts: first.starts[run],
        dur: ended - first.starts[run],
      });
      for (const { name, operation, extents, flops, bytes, starts, times } of this.timings)
        events.push({
          name,
          ph: "X",
          ...place,
          ts: starts[run],
          dur: times[run],
          args: { operation, extents, flops, bytes },
        });
    }
    return JSON.stringify({ traceEvents: events, displayTimeUnit: "ns" });
  }
}

const timeOf = ({ microseconds }: KernelProfile): number => microseconds;
const shareOf = ({ share }: KernelProfile): number => share;
const flopsOf = ({ flops }: KernelProfile): number => flops;
const bytesOf = ({ bytes }: KernelProfile): number => bytes;

/** One kernel: its name, going on in lines of its own where it is long, and its figures. */
function lines(kernel: KernelProfile): string[] {
  const [first, ...more] = wrapped(kernel.name);
  const line = figures(first, kernel.microseconds, kernel.share, kernel.flops, kernel.bytes);
  return [line, ...more.map((rest) => `  ${rest}`)];
}

function figures(title: string, microseconds: number, share: number, flops: number, bytes: number): string {
  const rate = (amount: number): string => digits(microseconds > 0 ? amount / microseconds / 1000 : 0);
  const cells = [
    digits(microseconds),
    `${(100 * share).toFixed(1)} %`,
    scaled(flops),
    scaled(bytes),
    rate(flops),
    rate(bytes),
  ];
  return title.padEnd(nameWidth) + cells.map((cell, i) => cell.padStart(columns[i][1])).join("");
}

/** Words in lines that fit the column; what has no spaces is broken where it must. */
function wrapped(name: string): string[] {
  const result = [""];
  for (const word of name.split(" ")) {
    const last = result[result.length - 1];
    const room = nameWidth - 1 - (result.length > 1 ? 2 : 0);
    if (last === "") result[result.length - 1] = word;
    else if (last.length + 1 + word.length <= room) result[result.length - 1] = `${last} ${word}`;
    else result.push(word);
  }
  return result.flatMap((line) =>
    line.length < nameWidth ? [line] : (line.match(new RegExp(`.{1,${nameWidth - 3}}`, "gu")) ?? []),
  );
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Three digits, but never more than two decimals. */
function digits(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en-US");
  return value === 0 ? "0" : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** Three digits that matter and a decimal prefix: `12.3 k`; a unit may follow. */
function scaled(value: number): string {
  const prefixes = ["", "k", "M", "G", "T"];
  let place = 0;
  let rest = value;
  while (rest >= 999.5 && place < prefixes.length - 1) {
    rest /= 1000;
    place++;
  }
  const text = place === 0 ? String(Math.round(rest)) : rest.toPrecision(3);
  return `${text} ${prefixes[place]}`;
}
