/** Reading ahead in this thread. */

/**
 * The items of an iterable, up to `k` of them asked for before anybody wants them. They come in their order, and an error comes
 * where it happened.
 */
export async function* ahead<T>(items: AsyncIterable<T>, k: number): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  const waiting: Promise<IteratorResult<T>>[] = [];
  try {
    for (;;) {
      // the one that is wanted now, and k more
      while (waiting.length <= k) {
        const next = iterator.next();
        // it may fail before anybody waits for it
        next.catch(() => {});
        waiting.push(next);
      }
      const result = await waiting.shift();
      if (result === undefined || result.done === true) return;
      yield result.value;
    }
  } finally {
    await iterator.return?.();
  }
}
