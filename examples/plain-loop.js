// Trains a classifier with a loop of one's own: no fit, no dataset, only grad, jit and an optimizer.
// Two spirals wound into each other, which no straight line separates. Run: node examples/plain-loop.js
import { jit, random, setSeed, tensor, valueAndGrad } from "adjoint";
import { sigmoidCrossEntropy } from "adjoint/losses";
import { Activation, Linear, Sequential } from "adjoint/nn";
import { sgd } from "adjoint/optim";

const perClass = 100;
const points = [];
const labels = [];
for (const turn of [0, Math.PI])
  for (let i = 0; i < perClass; i++) {
    const t = i / perClass;
    points.push([t * Math.cos(6 * t + turn), t * Math.sin(6 * t + turn)]);
    labels.push([turn === 0 ? 0 : 1]);
  }
const x = tensor(points);
const y = tensor(labels);

setSeed(1);
let model = new Sequential(
  new Linear(2, 32),
  new Activation("tanh"),
  new Linear(32, 32),
  new Activation("tanh"),
  new Linear(32, 1),
);
const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 });
let state = optimizer.init(model);

// what a step needs is passed in; all it does is return the new values
const step = jit(
  (model, state, batchX, batchY) => {
    const [loss, gradient] = valueAndGrad((m) => sigmoidCrossEntropy(m.forward(batchX), batchY))(model);
    return [loss, ...optimizer.step(model, gradient, state)];
  },
  { donate: [0, 1] },
);

const batchSize = 50;
let key = random.key(2);
for (let epoch = 1; epoch <= 300; epoch++) {
  const [orderKey, nextKey] = random.split(key);
  key = nextKey;
  const order = random.permutation(orderKey, 2 * perClass);
  let total = 0;
  for (const places of order.split(order.size / batchSize)) {
    let loss;
    [loss, model, state] = step(model, state, x.take(places), y.take(places));
    total += await loss.item();
  }
  if (epoch % 50 === 0) console.log(`epoch ${epoch}: loss ${(total / (order.size / batchSize)).toFixed(4)}`);
}

const right = model.forward(x).gt(0).eq(y.gt(0.5)).sum();
console.log(`${await right.item()} of ${2 * perClass} right`);
