/** Values in the memory of a program, which are copied out when somebody wants them or the memory is needed. */
import { nextIdentity, type Storage } from "../../graph/storage.js";
import type { TypedArray } from "../../types/dtype.js";
import { AdjointError } from "../../util/errors.js";

/** Why there is nothing to read any more. */
const reasons = {
  donated:
    "this tensor was donated to a jit call, which has reused its memory; use the call's result, or leave the argument out of donate",
  disposed:
    "this tensor was disposed of, by dispose() or at the end of a block with using; read it before that",
} as const;

export class ProgramStorage implements Storage {
  readonly identity = nextIdentity();
  private state:
    | { readonly kind: "resident"; readonly fetch: () => TypedArray }
    | { readonly kind: "copied"; readonly array: TypedArray }
    | { readonly kind: keyof typeof reasons };
  private isKept = false;
  private isRead = false;
  private readonly unread: ((bytes: number) => void) | undefined;

  /**
   * @param source the elements, or how they are copied out of the program
   * @param unread called where a copy that was made at once turns out to have been made in vain
   */
  constructor(source: TypedArray | (() => TypedArray), unread?: (bytes: number) => void) {
    this.state =
      typeof source === "function" ? { kind: "resident", fetch: source } : { kind: "copied", array: source };
    this.unread = unread;
  }

  read(): TypedArray {
    this.isRead = true;
    return this.copied();
  }

  /** The elements are still where the program left them. */
  get isResident(): boolean {
    return this.state.kind === "resident";
  }

  get gone(): keyof typeof reasons | undefined {
    const { kind } = this.state;
    return kind === "donated" || kind === "disposed" ? kind : undefined;
  }

  keep(): void {
    this.isKept = true;
  }

  dispose(): void {
    if (this.isKept) return;
    if (this.state.kind === "copied" && !this.isRead) this.unread?.(this.state.array.byteLength);
    if (this.state.kind !== "donated") this.state = { kind: "disposed" };
  }

  /** The memory is about to be overwritten by a caller who did not get this tensor: keep a copy. */
  detach(): void {
    if (this.state.kind === "resident") this.copied();
  }

  /** The memory is about to be overwritten by the caller this tensor was given to. */
  consume(): void {
    this.state = { kind: "donated" };
  }

  private copied(): TypedArray {
    const { state } = this;
    if (state.kind === "copied") return state.array;
    if (state.kind !== "resident") throw new AdjointError(state.kind, reasons[state.kind]);
    const array = state.fetch();
    this.state = { kind: "copied", array };
    return array;
  }
}
