/**
 * Large results die young, and their memory should be there for the next ones. glibc, which Node on Linux gets its arrays
 * from, takes blocks of a few MiB from the system and gives them back when they are freed, so that every page of the next
 * result is a page fault: 2 × 4 MB a call, exp and its gradient, take 2.1 ms instead of 1.3. But it learns: freeing one block of
 * nearly 32 MiB, the most it learns from (mallopt(3), M_MMAP_THRESHOLD), makes it take all up to that size from its heap,
 * and keep 64 MiB of what is free there. So it is shown one, once there have been many large results. Where malloc is
 * another, that does nothing.
 */

/** Bytes from which a result counts; smaller ones come from the heap anyway. */
const large = 2 ** 17;
/** Bytes of such results after which it pays. */
const enough = 2 ** 24;
/** Just below glibc's DEFAULT_MMAP_THRESHOLD_MAX, which includes a header. */
const largest = 2 ** 25 - 2 ** 16;

export class HeapLesson {
  private readonly allocate: (bytes: number) => void;
  private copied = 0;

  /** @param allocate makes an array and forgets it */
  constructor(allocate: (bytes: number) => void) {
    this.allocate = allocate;
  }

  /** So many bytes are copied into an array of their own. */
  count(bytes: number): void {
    if (bytes < large || this.copied >= enough) return;
    this.copied += bytes;
    if (this.copied >= enough) this.allocate(largest);
  }
}

const { process } = globalThis as { readonly process?: { readonly platform?: string } };

/** Of this process. What is allocated is never written to, so it takes addresses, but no memory. */
export const heapLesson = new HeapLesson((bytes) => {
  if (process?.platform === "linux") new Uint8Array(bytes);
});
