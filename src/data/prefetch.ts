/** Reading ahead in this thread. */

/**
 * The items of an iterable, up to `k` of them asked for before anybody wants them. They come in their order, and an error comes
 * where it happened.
 */
export async function* ahead<T>(items: AsyncIterable<T>, k: number): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  const waiting: Promise<IteratorResult<T>>[] = [];
  let isAsking = false;
  let isOver = false;
  // one after the other, and none beyond the end: k may be far more than there are
  const ask = (): void => {
    if (isAsking || isOver || waiting.length >= k) return;
    isAsking = true;
    const next = iterator.next();
    waiting.push(next);
    const settled = (ends: boolean): void => {
      isAsking = false;
      isOver ||= ends;
      ask();
    };
    // it may fail before anybody waits for it
    next.then(
      ({ done }) => settled(done === true),
      () => settled(true),
    );
  };
  try {
    for (;;) {
      ask();
      const next = waiting.shift();
      // its place is free for the one after
      ask();
      const result = await next;
      if (result === undefined || result.done === true) return;
      yield result.value;
    }
  } finally {
    isOver = true;
    await iterator.return?.();
  }
}
