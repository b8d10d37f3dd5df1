/** Where the elements of a computed tensor are. Ordinary ArrayBuffers, so the garbage collector reclaims them. */
import { allocate, type DType, type TypedArray } from "../types/dtype.js";

export interface Storage {
  /** The elements, row-major. Shared, never to be written. */
  read(): TypedArray;
  /**
   * Writes the elements to an array of the same length and element type, where that is cheaper than reading: nothing is
   * allocated. Runs no program, whose memory the array may be in.
   */
  copyTo?(target: TypedArray): void;
  /** Set when every element is this number: such a tensor costs nothing until it is read. */
  readonly uniform?: number;
  /** Set when the elements were given up, and how: reading them is an error. */
  readonly gone?: "donated" | "disposed" | undefined;
  /** A number no other storage has: who remembers it knows the elements again without keeping them alive. */
  readonly identity?: number;
  /** Somebody will read the elements later whatever their owner says: from now on `dispose` does nothing. */
  keep?(): void;
  /** Their owner will not read the elements again, so that nobody need save them; reading them is an error then. */
  dispose?(): void;
}

let storages = 0;

/** A number for the identity of a storage. */
export function nextIdentity(): number {
  return ++storages;
}

export class HostStorage implements Storage {
  readonly identity = nextIdentity();
  private readonly array: TypedArray;
  constructor(array: TypedArray) {
    this.array = array;
  }
  read(): TypedArray {
    return this.array;
  }
}

export class UniformStorage implements Storage {
  readonly uniform: number;
  private readonly dtype: DType;
  private readonly length: number;
  private array: TypedArray | undefined;
  constructor(dtype: DType, length: number, value: number) {
    this.dtype = dtype;
    this.length = length;
    const probe = allocate(dtype, 1);
    probe[0] = value;
    this.uniform = probe[0];
  }
  read(): TypedArray {
    if (this.array === undefined) {
      this.array = allocate(this.dtype, this.length);
      if (this.uniform !== 0) this.array.fill(this.uniform);
    }
    return this.array;
  }
}
