/** Times of something that is done again and again. */

/** Seconds: median and quartiles of turns, and how often it was done in all. */
export interface Timing {
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
  readonly times: number;
  readonly seconds: number;
}

/** Seconds a turn lasts at least: the clock's own time and a pause of the machine count little in it. */
const turn = 0.002;
/** Turns the quartiles rest on where only so many repetitions are asked for. */
const fewestTurns = 20;

/**
 * Repeats `run` for about `seconds`, or exactly `times`, in turns of 2 ms or one run; a measurement is the mean of a turn.
 * A fifth as long before that does not count.
 */
export function measure(
  run: () => void,
  limit: { readonly seconds: number } | { readonly times: number },
): Timing {
  const wanted = "times" in limit ? limit.times : Number.POSITIVE_INFINITY;
  const longest = "seconds" in limit ? limit.seconds : Number.POSITIVE_INFINITY;
  let once = 0;
  let warm = 0;
  for (let done = 0; done < Math.max(1, wanted / 5) && warm < longest / 5; done++) {
    once = timed(run, 1);
    warm += once;
  }
  const most = "times" in limit ? Math.max(1, Math.floor(wanted / fewestTurns)) : wanted;
  const repeats = Math.max(1, Math.min(most, Math.ceil(turn / once)));
  const means: number[] = [];
  let spent = 0;
  let done = 0;
  while (done < wanted && spent < longest) {
    const count = Math.min(repeats, wanted - done);
    const seconds = timed(run, count);
    means.push(seconds / count);
    spent += seconds;
    done += count;
  }
  const sorted = means.sort((a, b) => a - b);
  const [lower, median, upper] = [0.25, 0.5, 0.75].map((fraction) => quantile(sorted, fraction));
  return { median, lower, upper, times: done, seconds: spent };
}

/** Seconds of so many runs. */
function timed(run: () => void, count: number): number {
  const started = performance.now();
  for (let i = 0; i < count; i++) run();
  // a clock that has not moved on has measured something short, not nothing
  return Math.max(performance.now() - started, 1e-4) / 1000;
}

/** Linear between neighbours (type 7 of Hyndman and Fan 1996, NumPy's default). */
function quantile(sorted: readonly number[], fraction: number): number {
  const place = (sorted.length - 1) * fraction;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
