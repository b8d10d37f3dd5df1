/** The buffers of a schedule, as loop nests address them. */
import type { ProgramContext } from "./context.js";
import type { BufferSource } from "./pointers.js";

export function contextBuffers(context: ProgramContext): BufferSource {
  return {
    base: (buffer) => context.base(buffer),
    dtype: (buffer) => context.buffer(buffer).dtype,
  };
}
