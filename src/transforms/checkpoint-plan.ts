/**
 * Where to begin a chain again: which values to keep while a chain of steps is differentiated from its end to its beginning with
 * room for a few of them, so that as little as possible is computed twice.
 *
 * Source: Griewank and Walther 2000, "Algorithm 799: revolve", which is optimal for steps of equal cost; here by dynamic programming
 * over steps of any cost, some of which hold values of their own. With room for s values and each step computed at most r times, a
 * chain may have C(s + r, s) steps. Weakness: the values between steps count the same, whatever their size.
 */

export interface Step {
  /** What it takes to compute, in any unit. */
  readonly cost: number;
  /** What of that has to be computed again to differentiate the step alone, from its input. */
  readonly again: number;
  /** What its derivative reads besides its input, in values between steps. */
  readonly inner: number;
}

/** How to differentiate the steps from `from` to `to` (exclusive): all at once, or the later ones first. */
export type Division =
  | { readonly kind: "whole" }
  /** Keep the value in front of step `at`, differentiate what follows, then begin again at `from`. */
  | { readonly kind: "parts"; readonly at: number };

export class ChainPlan {
  /** Cost of the steps before each, and what they hold. */
  private readonly before: Float64Array;
  private readonly held: Float64Array;
  private readonly steps: readonly Step[];
  /** For each number of kept values, from and to: the least cost and where to divide. */
  private readonly levels: { readonly cost: Float64Array; readonly at: Int32Array }[] = [];

  constructor(steps: readonly Step[]) {
    this.steps = steps;
    this.before = new Float64Array(steps.length + 1);
    this.held = new Float64Array(steps.length + 1);
    steps.forEach(({ cost, inner }, i) => {
      this.before[i + 1] = this.before[i] + cost;
      this.held[i + 1] = this.held[i] + 1 + inner;
    });
  }

  /** What is computed a second time and more, all steps together, with room for `keep` values besides the first. */
  repeated(keep: number): number {
    const { length } = this.steps;
    return this.cost(0, length, keep) - this.whole(0, length);
  }

  /** The fewest values with which all repetitions together cost no more than the chain does. */
  fewest(): number {
    let keep = 1;
    while (this.repeated(keep) > this.before[this.steps.length]) keep++;
    return keep;
  }

  divide(from: number, to: number, keep: number): Division {
    if (this.fits(from, to, keep)) return { kind: "whole" };
    return { kind: "parts", at: this.level(keep).at[this.index(from, to)] };
  }

  /** May all that these steps hold be there at once? What the last one holds has to be, whatever the plan. */
  private fits(from: number, to: number, keep: number): boolean {
    return to - from === 1 || this.held[to - 1] - this.held[from] <= keep;
  }

  /** What it takes to have all that the derivative of these steps reads. */
  private whole(from: number, to: number): number {
    return this.before[to - 1] - this.before[from] + this.steps[to - 1].again;
  }

  private index(from: number, to: number): number {
    return from * (this.steps.length + 1) + to;
  }

  private cost(from: number, to: number, keep: number): number {
    return this.fits(from, to, keep) ? this.whole(from, to) : this.level(keep).cost[this.index(from, to)];
  }

  private level(keep: number): { readonly cost: Float64Array; readonly at: Int32Array } {
    const known = this.levels[keep];
    if (known !== undefined) return known;
    const { length: count } = this.steps;
    const size = (count + 1) ** 2;
    const level = { cost: new Float64Array(size), at: new Int32Array(size) };
    this.levels[keep] = level;
    for (let length = 2; length <= count; length++)
      for (let from = 0; from + length <= count; from++) {
        const to = from + length;
        if (this.fits(from, to, keep)) continue;
        let least = Number.POSITIVE_INFINITY;
        // where nothing can be kept, the last step alone follows what is computed again for each
        for (let at = keep === 0 ? to - 1 : from + 1; at < to; at++) {
          const advance = this.before[at] - this.before[from];
          const cost = advance + this.cost(at, to, Math.max(0, keep - 1)) + this.cost(from, at, keep);
          if (cost >= least) continue;
          least = cost;
          level.at[this.index(from, to)] = at;
        }
        level.cost[this.index(from, to)] = least;
      }
    return level;
  }
}
