/**
 * Memory soak: 100,000 eager training steps and 100,000 jit steps in synchronous loops, nothing disposed, the event loop
 * never reached. Prints the resident set size along the way and fails when it grows.
 *
 *     npm run soak            (after npm ci; takes about two minutes)
 *     npm run soak -- 20000   (fewer steps)
 */
import { grad, jit, oneHot, random, valueAndGrad } from "../dist/index.js";

const steps = Number(process.argv[2] ?? 100_000);
const megabytes = () => Math.round(process.memoryUsage().rss / 2 ** 20);

const keys = random.split(random.key(0), 5);
const initial = () => ({
  w1: random.normal(keys[0], { shape: [30, 64] }),
  b1: random.normal(keys[1], { shape: [30] }),
  w2: random.normal(keys[2], { shape: [10, 30] }),
  b2: random.normal(keys[3], { shape: [10] }),
});
const x = random.uniform(keys[4], { shape: [10, 64] });
const y = oneHot([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 10);

function loss(model) {
  const hidden = x.matmul(model.w1.transpose()).add(model.b1).sigmoid();
  const output = hidden.matmul(model.w2.transpose()).add(model.b2).sigmoid();
  return output.sub(y).square().sum().mul(0.05);
}

function update(model, gradient) {
  return Object.fromEntries(
    Object.keys(model).map((name) => [name, model[name].sub(gradient[name].mul(0.1))]),
  );
}

/** Runs the steps and gives the growth of the resident set over the last four fifths, in MiB. */
function soak(name, step) {
  let model = initial();
  const marks = [];
  const started = performance.now();
  for (let i = 1; i <= steps; i++) {
    model = step(model);
    if (i % Math.max(1, Math.floor(steps / 10)) === 0) marks.push(megabytes());
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const settled = Math.max(...marks.slice(1, 4));
  const growth = Math.max(...marks.slice(-3)) - settled;
  console.log(
    `${name.padEnd(6)} ${steps} steps in ${seconds} s, resident MiB: ${marks.join(" ")}  (growth ${growth})`,
  );
  return growth;
}

const eager = soak("eager", (model) => update(model, grad(loss)(model)));
const compiledStep = jit((model) => update(model, valueAndGrad(loss)(model)[1]));
const jitted = soak("jit", compiledStep);
const donatedStep = jit((model) => update(model, valueAndGrad(loss)(model)[1]), { donate: [0] });
const donated = soak("donate", donatedStep);

const allowed = 32;
if (Math.max(eager, jitted, donated) > allowed) {
  console.error(`memory grows by more than ${allowed} MiB`);
  process.exit(1);
}
