// Fits a physical model to measurements: length, friction and first angle of a pendulum, from its angle over 6 s.
// The motion is integrated by Runge and Kutta's method; its derivative by the parameters comes with it, and with the
// derivative the Gauss–Newton method. Run: node examples/pendulum.js
import { jacobian, jit, random, stack, tensor } from "adjoint";

const gravity = 9.81; // m/s²
const [steps, dt] = [60, 0.1]; // s, a measurement after each
const truth = [0.8, 0.15, 1.2]; // m, 1/s, rad

/** The angles at the times of measurement, for parameters [length, friction, first angle], released at rest. */
function angles(p) {
  const [length, friction] = [p.at(0), p.at(1)];
  const stiffness = length.reciprocal().mul(gravity);
  // the state is [angle, angular velocity]; θ″ = −(g / l) sin θ − c θ′
  const slope = ([angle, speed]) => [speed, angle.sin().mul(stiffness).add(speed.mul(friction)).neg()];
  const ahead = (state, rates, time) => state.map((value, i) => value.add(rates[i].mul(time)));
  let state = [p.at(2), p.at(2).mul(0)];
  const measured = [];
  for (let i = 0; i < steps; i++) {
    const k1 = slope(state);
    const k2 = slope(ahead(state, k1, dt / 2));
    const k3 = slope(ahead(state, k2, dt / 2));
    const k4 = slope(ahead(state, k3, dt));
    state = state.map((value, j) =>
      value.add(
        k1[j]
          .add(k2[j].add(k3[j]).mul(2))
          .add(k4[j])
          .mul(dt / 6),
      ),
    );
    measured.push(state[0]);
  }
  return stack(measured);
}

const exact = angles(tensor(truth, { dtype: "float64" }));
const noise = random.normal(random.key(3), { shape: exact.shape, dtype: "float64" }).mul(0.01);
const measurements = exact.add(noise);

// J = ∂r/∂p [60, 3] in forward mode: three parameters, sixty residuals
const residuals = (p) => angles(p).sub(measurements);
const linearised = jit((p) => {
  const r = residuals(p);
  const j = jacobian(residuals, { mode: "forward" })(p);
  return [r.square().mean(), j.transpose().matmul(j), j.transpose().matmul(r)];
});

/** Solves A x = b for a symmetric positive definite 3 × 3 matrix, by Cramer's rule. */
function solve(a, b) {
  const det = ([u, v, w]) =>
    u[0] * (v[1] * w[2] - v[2] * w[1]) -
    u[1] * (v[0] * w[2] - v[2] * w[0]) +
    u[2] * (v[0] * w[1] - v[1] * w[0]);
  return b.map((_, k) => det(a.map((row, i) => row.map((value, j) => (j === k ? b[i] : value)))) / det(a));
}

let p = tensor([1, 0.3, 1], { dtype: "float64" });
let [error, curvature, slope] = linearised(p);
let damping = 1e-3; // far from the measurements the linear model is not to be trusted far
for (let iteration = 1; iteration <= 8; iteration++) {
  const damped = (await curvature.array()).map((row, i) =>
    row.map((v, j) => (i === j ? v * (1 + damping) : v)),
  );
  const next = p.sub(tensor(solve(damped, await slope.array()), { dtype: "float64" }));
  const there = linearised(next);
  const better = (await there[0].item()) < (await error.item());
  if (better) [p, [error, curvature, slope]] = [next, there];
  damping *= better ? 0.1 : 10;
  console.log(`${iteration}: off by ${Math.sqrt(await error.item()).toFixed(4)} rad in the mean`);
}

const [length, friction, angle] = await p.array();
console.log(
  `fitted: ${length.toFixed(3)} m, friction ${friction.toFixed(3)} /s, let go at ${angle.toFixed(3)} rad; made with ${truth.join(", ")}`,
);
