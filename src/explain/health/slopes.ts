/** The slopes σ′ of the activations, from what they take and give, and which of them can go flat. */

/** An activation as health sees it. */
export interface ActivationKind {
  readonly name: string;
  /** The largest σ′ for moderate z: what `saturatedSlope` is a share of. */
  readonly steepest: number;
  /**
   * `both`: flat at both ends, so flat is bad. `left`: flat for negative z by design, so only a unit that is so for all
   * examples is bad. `never`: it always has a slope.
   */
  readonly flat: "both" | "left" | "never";
  /** The numbers it can give, as an open interval. */
  readonly range: readonly [low: number, high: number];
  /** σ′ from z and a = σ(z). */
  readonly slope: (z: number, a: number) => number;
}

const infinite = Number.POSITIVE_INFINITY;
const logistic = (z: number): number => 1 / (1 + Math.exp(-z));

const kinds: readonly ActivationKind[] = [
  // σ′ = a (1 − a)
  { name: "sigmoid", steepest: 0.25, flat: "both", range: [0, 1], slope: (_, a) => a * (1 - a) },
  // tanh′ = 1 − a²
  { name: "tanh", steepest: 1, flat: "both", range: [-1, 1], slope: (_, a) => 1 - a * a },
  { name: "relu", steepest: 1, flat: "left", range: [0, infinite], slope: (z) => (z > 0 ? 1 : 0) },
  {
    name: "leakyRelu",
    steepest: 1,
    flat: "never",
    range: [-infinite, infinite],
    slope: (z, a) => (z === 0 ? 0 : a / z),
  },
  // elu′ = 1 or a + 1, with α = 1
  { name: "elu", steepest: 1, flat: "left", range: [-1, infinite], slope: (z, a) => (z > 0 ? 1 : a + 1) },
  // softplus′ = logistic
  { name: "softplus", steepest: 1, flat: "left", range: [0, infinite], slope: (z) => logistic(z) },
  // (z s)′ = s + a (1 − s) with s the logistic function
  {
    name: "silu",
    steepest: 1,
    flat: "left",
    range: [-0.2785, infinite],
    slope: (z, a) => logistic(z) + a * (1 - logistic(z)),
  },
  // (z Φ(z))′ = Φ(z) + z φ(z), and Φ(z) = a / z
  {
    name: "gelu",
    steepest: 1,
    flat: "left",
    range: [-0.17, infinite],
    slope: (z, a) => (z === 0 ? 0.5 : a / z) + (z * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI),
  },
];

/** By the name of the library's function. */
export const activationKinds: ReadonlyMap<string, ActivationKind> = new Map(
  kinds.map((kind) => [kind.name, kind]),
);
