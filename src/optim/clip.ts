/** Gradients kept within bounds before an update: functions of a tree of gradients, alone or in a `chain`. */
import { minimum, stack, type Tensor } from "../index.js";
import { invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import { mapLeaves, type Optimizer, type OptimizerState } from "./optimizer.js";
import { like } from "./rule.js";

/** What becomes of gradients before an optimizer sees them: a tree to the same tree. */
export type GradientTransform = <Gradients>(gradients: Gradients) => Gradients;

/**
 * Shrinks all gradients together so that the norm of the whole is at most `maxNorm` (Pascanu et al. 2013): direction is
 * kept. PyTorch's clip_grad_norm_: g ← g · min(1, maxNorm / (‖g‖ + 10⁻⁶)).
 *
 * @throws AdjointError `invalid-argument` unless maxNorm is a finite number above 0
 * @example
 * const { w, b } = optim.clipByGlobalNorm(1)({ w: tensor([30]), b: tensor(40) });
 * [w.itemSync().toFixed(3), b.itemSync().toFixed(3)]; // → 0.600,0.800
 */
export function clipByGlobalNorm(maxNorm: number): GradientTransform {
  checkBound(maxNorm, "clipByGlobalNorm", "maxNorm");
  return (gradients) => {
    const squares: Tensor[] = [];
    mapLeaves(gradients, "clipByGlobalNorm", (gradient) => {
      squares.push(gradient.mul(gradient).sum());
      return gradient;
    });
    // 10⁻⁶ as in PyTorch: the norm of nothing is no divisor
    const norm = stack(squares, 0).sum().sqrt().add(1e-6);
    const scale = minimum(norm.reciprocal().mul(maxNorm), 1);
    return mapLeaves(gradients, "clipByGlobalNorm", (gradient) => gradient.mul(like(scale, gradient)));
  };
}

/**
 * Clips every element to [−limit, limit]. PyTorch's clip_grad_value_.
 *
 * @throws AdjointError `invalid-argument` unless the limit is a finite number above 0
 * @example optim.clipByValue(1)(tensor([3, -0.5])).array(); // → 1,-0.5
 */
export function clipByValue(limit: number): GradientTransform {
  checkBound(limit, "clipByValue", "limit");
  return (gradients) => mapLeaves(gradients, "clipByValue", (gradient) => gradient.clip(-limit, limit));
}

/**
 * An optimizer that sees gradients only after these functions, in order. Its state is the optimizer's own.
 *
 * @param parts functions of gradients, and an optimizer last
 * @throws AdjointError `invalid-argument` for anything else
 * @example
 * const optimizer = optim.chain(optim.clipByValue(1), optim.sgd({ learningRate: 0.5 }));
 * const [w] = optimizer.step(tensor([0]), tensor([100]), optimizer.init(tensor([0])));
 * w.array(); // → -0.5
 */
export function chain<State extends OptimizerState>(
  ...parts: readonly [...GradientTransform[], Optimizer<State>]
): Optimizer<State> {
  const optimizer = lastOf(parts);
  const transforms = parts.slice(0, -1).map(checkTransform);
  return {
    ...optimizer,
    init: (params) => optimizer.init(params),
    step(params, gradients, state, learningRate) {
      const changed = transforms.reduce((tree, transform) => transform(tree), gradients);
      return optimizer.step(params, changed, state, learningRate);
    },
  };
}

function lastOf<State extends OptimizerState>(
  parts: readonly [...GradientTransform[], Optimizer<State>],
): Optimizer<State> {
  const last: unknown = parts[parts.length - 1];
  const found = typeof last === "object" && last !== null ? (last as Partial<Optimizer<State>>) : {};
  if (typeof found.init === "function" && typeof found.step === "function") return found as Optimizer<State>;
  throw new AdjointError(
    "invalid-argument",
    `chain: the last part must be an optimizer such as optim.sgd({ learningRate: 0.1 }), received ${formatReceived(last)}`,
    { operation: "chain", argument: "parts", expected: "an optimizer", received: formatReceived(last) },
  );
}

function checkTransform(part: unknown, index: number): GradientTransform {
  if (typeof part === "function") return part as GradientTransform;
  throw invalidArgument(
    "chain",
    `part ${index}`,
    "a function of gradients such as optim.clipByGlobalNorm(1)",
    formatReceived(part),
  );
}

function checkBound(value: unknown, operation: string, argument: string): void {
  if (!(typeof value === "number" && value > 0 && value < Number.POSITIVE_INFINITY))
    throw invalidArgument(operation, argument, "a finite number above 0", formatReceived(value));
}
