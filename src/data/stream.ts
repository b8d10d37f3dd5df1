/** Examples that come one batch after the other instead of lying in memory. */
import type { Tensor } from "../index.js";
import type { Batch } from "./batches.js";

/** How one pass through a stream goes. */
export interface Pass {
  /** Decides the order, as far as the stream can choose one; without it, the order of the source. */
  readonly key?: Tensor;
  /** Batches to leave out at the beginning: where an interrupted pass goes on. Default 0. */
  readonly skip?: number;
}

/**
 * A source of examples that need not fit into memory. Two passes with the same batch size and key give the same batches, so
 * that training can go on in the middle of one.
 */
export interface ExampleStream {
  /** Examples of one pass, where that is known before it. */
  readonly size?: number;
  /** The shape of one input. */
  readonly inputShape: readonly number[];
  /** The shape of one target: `[]` for a class label. */
  readonly targetShape: readonly number[];
  /** The names of the classes that labels count. */
  readonly classes?: readonly string[];
  /** What messages call it. */
  readonly name?: string;
  /** One pass: x [n, ...inputShape] and y [n, ...targetShape]; the last batch may be smaller. */
  batches(batchSize: number, pass?: Pass): AsyncIterable<Batch>;
}
