/** health during training: what `fit` takes as `health`. */
import type { HealthMonitor } from "../../train/index.js";
import { checkOptionNames, checkOptions, invalidArgument, isNatural } from "../../util/checks.js";
import { formatReceived } from "../../util/errors.js";
import { examine } from "./health.js";
import { type HealthOptions, resolveOptions } from "./options.js";
import type { HealthReport } from "./report.js";

/** When to look at a run, and whom to tell; the rest as in `explain.health`, by default as in the run itself. */
export interface DuringOptions
  extends Pick<HealthOptions, "examples" | "steps" | "seconds" | "seed" | "thresholds"> {
  /** Updates between two looks. Default 500. */
  readonly every?: number;
  /** Called with every report; awaited. */
  readonly onReport?: (report: HealthReport) => unknown;
}

/** A monitor that keeps its reports. */
export interface HealthWatch extends HealthMonitor {
  /** In order; the last is about the NaN or infinity where the run ended with one. */
  readonly reports: readonly HealthReport[];
}

const own = ["every", "onReport"] as const;
const shared = ["examples", "steps", "seconds", "seed", "thresholds"] as const;

/**
 * Looks at the network while `fit` trains it: before the first update and every so many after it, and where the loss or
 * its gradient stops being finite at the step that did it.
 *
 * @returns what `fit` takes as `health`; its `reports` fill as the run goes
 * @throws AdjointError `invalid-argument`
 * @example
 * const xor = { x: tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), y: tensor([0, 1, 1, 0], { dtype: "int32" }) };
 * const [a, b] = random.split(random.key(1));
 * const model = new nn.Sequential(new nn.Linear(2, 8, { key: a }), new nn.Activation("tanh"), new nn.Linear(8, 2, { key: b }));
 * const health = explain.explain.health.during({ every: 50, steps: 0 });
 * const optimizer = optim.sgd({ learningRate: 0.5 });
 * await train.fit(model, { data: xor, loss: "softmaxCrossEntropy", optimizer, epochs: 100, health });
 * health.reports.map((report) => report.document.step); // → 0,50
 */
export function during(options: DuringOptions = {}): HealthWatch {
  const operation = "explain.health.during";
  checkOptions(options, operation);
  checkOptionNames(options, [...own, ...shared], operation);
  const { every = 500, onReport, ...others } = options;
  if (!isNatural(every) || every === 0)
    throw invalidArgument(operation, "every", "an integer of at least 1", formatReceived(every));
  if (onReport !== undefined && typeof onReport !== "function")
    throw invalidArgument(operation, "onReport", "a function", formatReceived(onReport));
  // refused now rather than in the midst of a run
  resolveOptions({ ...others, loss: "quadratic" }, operation);
  const reports: HealthReport[] = [];
  return {
    every,
    reports,
    async check({ model, data, loss, optimizer, optimizerState, batchSize, step, broken }) {
      const settings = { ...others, loss, optimizer, optimizerState, batchSize };
      if (broken === undefined) {
        const report = await examine(model, data, settings, step, operation);
        reports.push(report);
        await onReport?.(report);
        return undefined;
      }
      const all = { ...settings, steps: 0, examples: broken.x.shape[0] };
      const report = await examine(model, broken, all, step, operation);
      if (report.findings[0]?.code !== "non-finite") return undefined;
      reports.push(report);
      await onReport?.(report);
      // found: nothing after it is worth a look
      return false;
    },
  };
}
