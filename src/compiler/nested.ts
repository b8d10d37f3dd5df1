/** Kernels inside kernels: what the passes ask of scans, choices and loops. */
import type { ControlKernel, Kernel } from "../loops/ir.js";

export function isControl(kernel: Kernel): kernel is ControlKernel {
  return kernel.kind === "scan" || kernel.kind === "cond" || kernel.kind === "while";
}

/** The lists of kernels it runs, in the order in which they stand in a program. */
export function listsOf(kernel: ControlKernel): readonly (readonly Kernel[])[] {
  switch (kernel.kind) {
    case "scan":
      return [kernel.body];
    case "cond":
      return [kernel.onTrue, kernel.onFalse];
    case "while":
      return [kernel.condition, kernel.body];
  }
}

/** Buffers it names itself, beside those of the kernels inside. */
export function ownBuffers(kernel: ControlKernel): readonly number[] {
  if (kernel.kind !== "scan") return [kernel.predicate];
  return [...kernel.reads, ...kernel.writes].flatMap(({ sequence, window }) => [sequence, window]);
}

/** The same with other kernels and other buffers. */
export function mapControl(
  kernel: ControlKernel,
  inside: (kernels: readonly Kernel[]) => readonly Kernel[],
  name: (buffer: number) => number = (buffer) => buffer,
): ControlKernel {
  const windows = (list: (typeof kernel & { readonly kind: "scan" })["reads"]) =>
    list.map(({ sequence, window }) => ({ sequence: name(sequence), window: name(window) }));
  switch (kernel.kind) {
    case "scan":
      return {
        ...kernel,
        reads: windows(kernel.reads),
        writes: windows(kernel.writes),
        body: inside(kernel.body),
      };
    case "cond":
      return {
        ...kernel,
        predicate: name(kernel.predicate),
        onTrue: inside(kernel.onTrue),
        onFalse: inside(kernel.onFalse),
      };
    case "while":
      return {
        ...kernel,
        predicate: name(kernel.predicate),
        condition: inside(kernel.condition),
        body: inside(kernel.body),
      };
  }
}

/** Kernels that compute, those inside others in their place. */
export function leavesOf(kernels: readonly Kernel[]): Exclude<Kernel, ControlKernel>[] {
  return kernels.flatMap((kernel) => (isControl(kernel) ? listsOf(kernel).flatMap(leavesOf) : [kernel]));
}

/** How often the kernels inside run for each run of this one; a loop's steps are not known and count as one. */
export function timesOf(kernel: ControlKernel): number {
  return kernel.kind === "scan" ? kernel.length : 1;
}
