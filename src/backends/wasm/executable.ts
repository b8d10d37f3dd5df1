/**
 * A compiled graph: its program, and the state that stays in WebAssembly memory between calls. Inputs are copied in and outputs copied
 * out; only donated state is resident, and reading it copies it out then.
 */

import { buffersOf, outputsOf } from "../../compiler/memory.js";
import { type Compiled, compile } from "../../compiler/pipeline.js";
import type { CompileOptions, Executable } from "../../graph/device.js";
import type { Graph } from "../../graph/graph.js";
import { HostStorage, type Storage } from "../../graph/storage.js";
import type { TypedArray } from "../../types/dtype.js";
import { AdjointError } from "../../util/errors.js";
import { WasmProgram } from "./program.js";

/** State in the memory of a program, until the next run replaces it. */
class ResidentStorage implements Storage {
  private fetch: (() => TypedArray) | null;
  private array: TypedArray | null = null;

  constructor(fetch: () => TypedArray) {
    this.fetch = fetch;
  }

  read(): TypedArray {
    if (this.array !== null) return this.array;
    if (this.fetch === null)
      throw new AdjointError(
        "donated",
        "this tensor was donated to a jit call, which has reused its memory; use the call's result, or leave the argument out of donate",
      );
    this.array = this.fetch();
    return this.array;
  }

  /** The memory is about to be overwritten by a caller who did not get this tensor: keep a copy. */
  detach(): void {
    this.read();
    this.fetch = null;
  }

  /** The memory is about to be overwritten by the caller this tensor was given to. */
  consume(): void {
    this.fetch = null;
  }
}

export class WasmExecutable implements Executable {
  readonly compiled: Compiled;
  readonly program: WasmProgram;
  /** For each graph input: is its buffer read at all? */
  private readonly used: readonly boolean[];
  /** The first kernel that writes over resident state: a run that stops before it has lost nothing. */
  private readonly firstOverwrite: number;
  /** For each graph input that is resident: what it holds. */
  private readonly resident: (ResidentStorage | null)[];

  constructor(graph: Graph, options: CompileOptions) {
    this.compiled = compile(graph, options);
    const { schedule, constants, inputs, outputs } = this.compiled;
    this.program = new WasmProgram(schedule);
    for (const { buffer, spec } of constants)
      if (spec.constant !== undefined) this.program.write(buffer, spec.constant);
    const touched = new Set<number>(outputs);
    for (const kernel of schedule.kernels) for (const buffer of buffersOf(kernel)) touched.add(buffer);
    this.used = inputs.map((buffer) => touched.has(buffer));
    this.resident = inputs.map(() => null);
    const kept = new Set(this.compiled.inputOfOutput.filter((i) => i >= 0).map((i) => inputs[i]));
    const first = schedule.kernels.findIndex((kernel) =>
      [...outputsOf(kernel)].some((buffer) => kept.has(buffer)),
    );
    this.firstOverwrite = first < 0 ? schedule.kernels.length : first;
  }

  run(storages: readonly Storage[]): Storage[] {
    const { inputs, outputs, inputOfOutput } = this.compiled;
    const { program, resident } = this;
    for (let i = 0; i < inputs.length; i++) {
      const storage = storages[i];
      const held = resident[i];
      if (held !== null) {
        if (held === storage) continue;
        held.detach();
        resident[i] = null;
      }
      if (!this.used[i]) continue;
      if (storage.uniform !== undefined) program.view(inputs[i]).fill(storage.uniform);
      else {
        // reading may run code of another program, so the view comes after
        const values = storage.read();
        program.view(inputs[i]).set(values);
      }
    }
    try {
      program.run();
    } catch (error) {
      // state that was not reached stays the caller's
      if (program.stoppedAt >= this.firstOverwrite) this.forget();
      throw error;
    }
    for (const held of resident) held?.consume();
    return outputs.map((buffer, o) => {
      const input = inputOfOutput[o];
      if (input < 0) return new HostStorage(program.read(buffer));
      const storage = new ResidentStorage(() => program.read(buffer));
      resident[input] = storage;
      return storage;
    });
  }

  /** Half-written state must be neither read nor continued from. */
  private forget(): void {
    this.resident.forEach((held, i) => {
      held?.consume();
      this.resident[i] = null;
    });
  }

  /** Frees the program's memory at once; resident state is copied out first. */
  dispose(): void {
    for (const storage of this.resident) storage?.detach();
    this.program.dispose();
  }
}
