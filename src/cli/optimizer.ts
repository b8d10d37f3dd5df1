/** The update rules the command line trains by, and what their options are unless told. */
import { adagrad, adam, adamW, lion, type Optimizer, rmsprop, sgd } from "../optim/index.js";
import { usage } from "./arguments.js";

/** What every rule takes. */
interface Numbers {
  readonly learningRate: number;
  readonly weightDecay: number;
}

const withMomentum = { sgd, rmsprop } as const;
const withoutMomentum = { adam, adamW, adagrad, lion } as const;

export type OptimizerName = keyof typeof withMomentum | keyof typeof withoutMomentum;
export const optimizerNames = [
  "sgd",
  "adam",
  "adamW",
  "rmsprop",
  "adagrad",
  "lion",
] as const satisfies readonly OptimizerName[];

const hasMomentum = (name: OptimizerName): name is keyof typeof withMomentum => name in withMomentum;

/** An update rule and its numbers. */
export interface Descent extends Numbers {
  readonly optimizer: OptimizerName;
  /** 0 for rules that have none. */
  readonly momentum: number;
}

/** What was said of the update rule. */
export interface DescentOptions {
  readonly optimizer?: OptimizerName;
  readonly lr?: number;
  readonly momentum?: number;
  readonly weightDecay?: number;
}

/** Learning rates where none is given. PyTorch's, but for lion, whose paper advises a third to a tenth of Adam's. */
const learningRates = { adam: 1e-3, adamW: 1e-3, rmsprop: 1e-2, adagrad: 1e-2, lion: 1e-4 } as const;

/** The rates as help shows them. */
export const learningRatesText = Object.entries(learningRates)
  .map(([name, rate]) => `${name} ${rate}`)
  .join(", ");

/**
 * The rule and its numbers; those of sgd depend on the data.
 * @throws AdjointError `usage` for a momentum where the rule has none
 */
export function descentOf(
  options: DescentOptions,
  ofSgd: { readonly lr: number; readonly momentum: number },
): Descent {
  const { optimizer = "sgd", weightDecay = optimizer === "adamW" ? 0.01 : 0 } = options;
  if (options.momentum !== undefined && !hasMomentum(optimizer))
    throw usage(
      `--momentum is of sgd and rmsprop; ${optimizer} keeps averages of its own: leave it out`,
      "--momentum",
    );
  return {
    optimizer,
    learningRate: options.lr ?? (optimizer === "sgd" ? ofSgd.lr : learningRates[optimizer]),
    momentum: options.momentum ?? (optimizer === "sgd" ? ofSgd.momentum : 0),
    weightDecay,
  };
}

/** The update rule. */
export function makeOptimizer({ optimizer, learningRate, weightDecay, momentum }: Descent): Optimizer {
  const numbers: Numbers = { learningRate, weightDecay };
  if (hasMomentum(optimizer)) return withMomentum[optimizer]({ ...numbers, momentum });
  return withoutMomentum[optimizer](numbers);
}

/** `adamW, lr 0.001, weight decay 0.01`; plain descent is not named. */
export function describeDescent({ optimizer, learningRate, momentum, weightDecay }: Descent): string {
  return [
    ...(optimizer === "sgd" ? [] : [optimizer]),
    `lr ${learningRate}`,
    ...(momentum === 0 ? [] : [`momentum ${momentum}`]),
    ...(weightDecay === 0 ? [] : [`weight decay ${weightDecay}`]),
  ].join(", ");
}
