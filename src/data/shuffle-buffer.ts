/**
 * Shuffling what is too large to shuffle: rows wait in a buffer of fixed size, and each new one takes the place of one drawn at
 * random, which goes on. A row moves ahead by at most the size of the buffer, so what is sorted in the file by class needs a buffer
 * that holds several classes, or a file that was shuffled once.
 */
import { random, type Tensor } from "../index.js";

/** Numbers drawn at once. */
const drawsAtOnce = 4096;

/** Random integers from a key, the same for the same key however many are drawn at once. */
export class Draws {
  private key: Tensor;
  private numbers: ArrayLike<number> = [];
  private used = 0;

  constructor(key: Tensor) {
    this.key = key;
  }

  /** An integer from 0 to limit − 1. */
  below(limit: number): number {
    if (this.used === this.numbers.length) {
      const [next, now] = random.split(this.key);
      this.key = next;
      this.numbers = random.uniform(now, { shape: [drawsAtOnce], dtype: "float64" }).dataSync();
      this.used = 0;
    }
    return Math.floor(this.numbers[this.used++] * limit);
  }
}

/** The rows in an order that the draws decide, in chunks as they come. */
export async function* shuffled<Row>(
  chunks: AsyncIterable<readonly Row[]>,
  size: number,
  draws: Draws,
): AsyncGenerator<Row[]> {
  const buffer: Row[] = [];
  for await (const chunk of chunks) {
    const out: Row[] = [];
    for (const row of chunk) {
      if (buffer.length < size) {
        buffer.push(row);
        continue;
      }
      const slot = draws.below(size);
      out.push(buffer[slot]);
      buffer[slot] = row;
    }
    if (out.length > 0) yield out;
  }
  // Durstenfeld's version of the Fisher–Yates shuffle
  for (let last = buffer.length - 1; last > 0; last--) {
    const slot = draws.below(last + 1);
    [buffer[last], buffer[slot]] = [buffer[slot], buffer[last]];
  }
  yield buffer;
}
