/**
 * A compiled graph: its program, and what stays in WebAssembly memory between calls. Inputs are copied in and outputs copied
 * out. Donated state is resident, and reading it copies it out then. Inputs that come again and again (weights at inference, the
 * data of a fit over all of it) get memory to themselves once copying them has cost as much as compiling again does; so do
 * outputs, once so much was copied out and disposed of unread.
 */

import { buffersOf, outputsOf } from "../../compiler/kernels.js";
import type { Compiled } from "../../compiler/pipeline.js";
import type { CompileOptions, Executable } from "../../graph/device.js";
import type { Graph } from "../../graph/graph.js";
import type { Storage } from "../../graph/storage.js";
import { AdjointError } from "../../util/errors.js";
import { compileOnce } from "./compile-once.js";
import { WasmProgram } from "./program.js";
import { ProgramStorage } from "./program-storage.js";

/** Elements from which an input is worth recognising. */
const recognised = 4096;
/** Bytes copied in vain after which the program is compiled again: some 2 ms of copying. */
const patience = 2 ** 26;

/** One graph input of an executable. */
interface Input {
  /** Its buffer is read at all. */
  readonly used: boolean;
  /** The caller gives it up. */
  readonly donated: boolean;
  /** What it holds, where it is resident. */
  resident: ProgramStorage | null;
  /** What was last copied into it, where that is worth knowing. */
  identity: number | undefined;
  /** That is still there, as nothing else uses its memory. */
  pinned: boolean;
  /** Bytes that were copied although they were the same as before. */
  repeated: number;
}

export class WasmExecutable implements Executable {
  compiled: Compiled;
  program: WasmProgram;
  private readonly graph: Graph;
  private readonly options: CompileOptions;
  private readonly inputs: readonly Input[];
  /** The first kernel that writes over resident state: a run that stops before it has lost nothing. */
  private firstOverwrite: number;
  /** What the last run has made, where outputs have memory to themselves. */
  private results: ProgramStorage[] = [];
  private outputsPinned = false;
  /** Bytes of outputs that were copied and disposed of unread. */
  private unread = 0;
  private readonly countUnread = (bytes: number): void => {
    this.unread += bytes;
  };

  constructor(graph: Graph, options: CompileOptions) {
    this.graph = graph;
    this.options = options;
    this.compiled = compileOnce(graph, options);
    this.program = programOf(this.compiled);
    this.firstOverwrite = firstOverwrite(this.compiled);
    const { schedule, inputs, outputs } = this.compiled;
    const touched = new Set<number>(outputs);
    for (const kernel of schedule.kernels) for (const buffer of buffersOf(kernel)) touched.add(buffer);
    this.inputs = inputs.map((buffer, i) => ({
      used: touched.has(buffer),
      donated: options.donated[i] === true,
      resident: null,
      identity: undefined,
      pinned: false,
      repeated: 0,
    }));
  }

  run(storages: readonly Storage[]): Storage[] {
    this.saveResults();
    for (let i = 0; i < this.inputs.length; i++) this.bind(this.inputs[i], storages[i], i);
    const { program } = this;
    try {
      program.run();
    } catch (error) {
      // state that was not reached stays the caller's
      if (program.stoppedAt >= this.firstOverwrite) this.forget();
      throw error;
    }
    const { outputs, inputOfOutput } = this.compiled;
    for (const input of this.inputs) input.resident?.consume();
    const results = outputs.map((buffer, o) => {
      const input = inputOfOutput[o];
      if (input < 0 && !this.outputsPinned) return new ProgramStorage(program.read(buffer), this.countUnread);
      const storage = new ProgramStorage(() => program.read(buffer));
      if (input < 0) this.results.push(storage);
      else this.inputs[input].resident = storage;
      return storage;
    });
    this.reconsider();
    return results;
  }

  /** Puts the elements of a storage where the program reads them. */
  private bind(input: Input, storage: Storage, i: number): void {
    if (input.resident !== null) {
      if (input.resident === storage && input.resident.isResident) return;
      input.resident.detach();
      input.resident = null;
    }
    if (!input.used) return;
    const buffer = this.compiled.inputs[i];
    if (storage.uniform !== undefined) {
      this.program.view(buffer).fill(storage.uniform);
      input.identity = undefined;
      return;
    }
    if (storage.copyTo !== undefined) {
      storage.copyTo(this.program.view(buffer));
      input.identity = undefined;
      return;
    }
    const same = input.identity !== undefined && input.identity === storage.identity;
    if (same && input.pinned) return;
    // reading may run code of another program, so the view comes after
    const values = storage.read();
    this.program.view(buffer).set(values);
    if (input.donated || values.length < recognised) return;
    if (same) input.repeated += values.byteLength;
    input.identity = storage.identity;
  }

  /** Copies out what the last run has made and nobody has disposed of. */
  private saveResults(): void {
    if (this.results.length === 0) return;
    for (const result of this.results) result.detach();
    this.results = [];
  }

  /** Gives inputs that keep coming, and outputs nobody reads, memory of their own, when copying them has cost enough. */
  private reconsider(): void {
    let { unread } = this;
    for (const input of this.inputs) unread += input.repeated;
    if (unread < patience) return;
    const pinned = this.inputs.map((input) => input.pinned || input.repeated > 0);
    const pinnedOutputs = this.outputsPinned || this.unread > 0;
    for (const input of this.inputs) input.repeated = 0;
    this.unread = 0;
    const compiled = compileOnce(this.graph, { ...this.options, pinned, pinnedOutputs });
    let program: WasmProgram;
    try {
      program = programOf(compiled);
    } catch (error) {
      // no room for both: it goes on as it is
      if (error instanceof AdjointError) return;
      throw error;
    }
    this.inputs.forEach((input, i) => {
      input.pinned = pinned[i];
      input.identity = undefined;
      input.resident?.detach();
      input.resident = null;
    });
    this.saveResults();
    this.outputsPinned = pinnedOutputs;
    this.program.dispose();
    this.compiled = compiled;
    this.program = program;
    this.firstOverwrite = firstOverwrite(compiled);
  }

  /** Half-written state must be neither read nor continued from. */
  private forget(): void {
    for (const input of this.inputs) {
      input.resident?.consume();
      input.resident = null;
    }
  }

  /** Frees the program's memory at once; resident state is copied out first. */
  dispose(): void {
    this.saveResults();
    for (const { resident } of this.inputs) resident?.detach();
    this.program.dispose();
  }
}

function programOf({ schedule, constants }: Compiled): WasmProgram {
  const program = new WasmProgram(schedule);
  for (const { buffer, spec } of constants)
    if (spec.constant !== undefined) program.write(buffer, spec.constant);
  return program;
}

function firstOverwrite({ schedule, inputs, inputOfOutput }: Compiled): number {
  const kept = new Set(inputOfOutput.filter((i) => i >= 0).map((i) => inputs[i]));
  const first = schedule.kernels.findIndex((kernel) =>
    [...outputsOf(kernel)].some((buffer) => kept.has(buffer)),
  );
  return first < 0 ? schedule.kernels.length : first;
}
