/**
 * The control block: where the threads of a shared memory meet. Byte addresses in that memory; what different threads
 * write at the same time lies on cache lines of its own.
 *
 * The main thread fills in a job, and then publishes it by one atomic store of `claims`: the program's number, and how many
 * parts nobody has taken yet. Who takes a part does it by an atomic exchange of that whole word, so nobody can take a part
 * of a program that he has not compiled; and until he says that it is done the job cannot change, so he reads it afterwards.
 */

const line = 64;
const start = line;

export const control = {
  /** i64: the number of the program in the upper half, parts not yet taken in the lower. */
  claims: start,

  /** Bases of the two spaces, the number of the region within its program, and its parts. */
  arenaBase: start + line,
  staticBase: start + line + 4,
  region: start + line + 8,
  parts: start + line + 12,
  /** The program of `claims`. */
  program: start + line + 16,
  /** Its module: bytes, and behind them its matrix products as JSON. */
  moduleAddress: start + line + 20,
  moduleBytes: start + line + 24,
  productsBytes: start + line + 28,
  /** Workers that may take part; 0 where the main thread works alone. */
  helpers: start + line + 32,
  /**
   * Odd while the words about the program and its module change, and another number after each change. Who copies a module
   * looks before and after: what he has copied is that program's only if nothing has changed.
   */
  announcements: start + line + 44,
  /** How often the main thread looks whether all is done before it sleeps, and a worker for work. */
  patience: start + line + 36,
  workerPatience: start + line + 40,

  /** Parts that are done. */
  done: start + 2 * line,
  /** 1 while the main thread sleeps until all parts are done. */
  waiting: start + 2 * line + 4,

  /** Counts calls to sleeping workers. */
  bell: start + 3 * line,
  sleepers: start + 3 * line + 4,
  /** Counts changes of `helpers`: those who are not wanted sleep here. */
  roster: start + 3 * line + 8,

  /** Parts that workers have done, of all programs. */
  taken: start + 3 * line + 12,

  /** 1 while someone reports a failure. */
  failureLock: start + 4 * line,
  /** The first part that failed, or -1; then its status and the index it met. */
  failedPart: start + 4 * line + 4,
  failedStatus: start + 4 * line + 8,
  failedValue: start + 4 * line + 12,
  failedSize: start + 4 * line + 16,

  /** One word for each worker: see `workerState`. */
  workers: start + 5 * line,

  /** One word for each place at work, 1 while a worker has it; place 0 is the main thread's. */
  places: start + 9 * line,
} as const;

/** What a worker says of itself: `failed` before it took a part, `died` at one. */
export const workerState = { starting: 0, ready: 1, readyWithBlas: 2, failed: 3, died: 4 } as const;

/** Workers there is room for. */
export const mostWorkers = 63;

/** Where the control block ends. */
export const controlEnd = control.places + 4 * line;
