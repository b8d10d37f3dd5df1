// Fits a curve by Newton's method: the Hessian is one function call away. Run: node examples/curve-fit.js
// The model is y = a · e^(−b t) + c, with noise on the data.
import { hessian, jit, random, tensor, valueAndGrad } from "adjoint";

const truth = [2.5, 1.3, 0.5];
const t = tensor(
  Array.from({ length: 50 }, (_, i) => i / 10),
  { dtype: "float64" },
);
const curve = (p) => p.at(0).mul(p.at(1).mul(t).neg().exp()).add(p.at(2));
const noise = random.normal(random.key(4), { shape: [50], dtype: "float64" }).mul(0.02);
const y = curve(tensor(truth, { dtype: "float64" })).add(noise);

const loss = (p) => curve(p).sub(y).square().mean();
const derivatives = jit((p) => [...valueAndGrad(loss)(p), hessian(loss)(p)]);
const valueAt = jit(loss);

/** Solves A x = b for a small dense matrix by elimination with pivoting. */
function solve(matrix, vector) {
  const rows = matrix.map((row, i) => [...row, vector[i]]);
  rows.forEach((_, k) => {
    const pivot = rows.reduce(
      (best, row, i) => (i >= k && Math.abs(row[k]) > Math.abs(rows[best][k]) ? i : best),
      k,
    );
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (const row of rows.slice(k + 1)) {
      const factor = row[k] / rows[k][k];
      row.forEach((_, j) => {
        row[j] -= factor * rows[k][j];
      });
    }
  });
  const x = new Array(vector.length).fill(0);
  for (let k = x.length - 1; k >= 0; k--)
    x[k] = (rows[k].at(-1) - x.reduce((sum, value, j) => sum + value * rows[k][j], 0)) / rows[k][k];
  return x;
}

let p = tensor([1, 1, 1], { dtype: "float64" });
let damping = 1e-2; // far from the minimum the Hessian need not be positive definite
for (let iteration = 1; iteration <= 8; iteration++) {
  const [value, gradient, curvature] = derivatives(p);
  const damped = (await curvature.array()).map((row, i) => row.map((v, j) => v + (i === j ? damping : 0)));
  const direction = solve(damped, await gradient.array());
  const next = p.sub(tensor(direction, { dtype: "float64" }));
  const better = (await valueAt(next).item()) < (await value.item());
  if (better) p = next;
  damping *= better ? 0.1 : 10;
  console.log(`${iteration}: mean squared error ${(await value.item()).toExponential(3)}`);
}

console.log(`fitted ${(await p.array()).map((v) => v.toFixed(2)).join(", ")}; made with ${truth.join(", ")}`);
