// Fools a classifier with its own gradient: every pixel moves a little in the direction that raises the loss.
// The fast gradient sign method (Goodfellow, Shlens and Szegedy 2015). Run: node examples/adversarial.js
import { grad, jit, random, tensor } from "adjoint";
import { softmaxCrossEntropy } from "adjoint/losses";
import { Activation, Linear, Sequential } from "adjoint/nn";
import { adam } from "adjoint/optim";
import * as train from "adjoint/train";

// digits of 5 × 7 pixels, a row in five bits: 01110 is 14
const font = [
  [14, 17, 19, 21, 25, 17, 14],
  [4, 12, 4, 4, 4, 4, 14],
  [14, 17, 1, 2, 4, 8, 31],
  [31, 2, 4, 2, 1, 17, 14],
  [2, 6, 10, 18, 31, 2, 2],
  [31, 16, 30, 1, 1, 17, 14],
  [6, 8, 16, 30, 17, 17, 14],
  [31, 1, 2, 4, 8, 8, 8],
  [14, 17, 17, 14, 17, 17, 14],
  [14, 17, 17, 15, 1, 2, 12],
];
const digits = font.map((rows) =>
  rows.flatMap((bits) => [16, 8, 4, 2, 1].map((bit) => (bits & bit ? 1 : 0))),
);

/** The digits over and over, with noise on every pixel. */
function examples(count, key) {
  const labels = Array.from({ length: count }, (_, i) => i % 10);
  const clean = tensor(labels.map((label) => digits[label]));
  const noise = random.normal(key, { shape: clean.shape }).mul(0.25);
  return { x: clean.add(noise), y: tensor(labels, { dtype: "int32" }) };
}

const [trainKey, testKey, signKey, firstKey, secondKey] = random.split(random.key(1), 5);
const unseen = examples(500, testKey);
const { model } = await train.fit(
  new Sequential(
    new Linear(35, 64, { key: firstKey }),
    new Activation("relu"),
    new Linear(64, 10, { key: secondKey }),
  ),
  {
    data: examples(2000, trainKey),
    loss: "softmaxCrossEntropy",
    optimizer: adam({ learningRate: 0.01 }),
    epochs: 5,
    seed: 1,
  },
);

// the derivative that matters here is that by the input
const uphill = jit(grad((x, y) => softmaxCrossEntropy(model.forward(x), y)));
const fooling = uphill(unseen.x, unseen.y).sign();
const chance = random.bernoulli(signKey, 0.5, { shape: unseen.x.shape }).cast("float32").mul(2).sub(1);

const accuracy = async (x) => 100 * (await train.evaluate(model, { x, y: unseen.y })).accuracy;
console.log("moved by   at random   along the gradient");
let last = "";
for (const distance of [0, 0.1, 0.2, 0.3]) {
  const [harmless, harmful] = [chance, fooling].map((sign) => unseen.x.add(sign.mul(distance)));
  last = `${distance.toFixed(1)}        ${(await accuracy(harmless)).toFixed(1)} %      ${(await accuracy(harmful)).toFixed(1)} %`;
  console.log(last);
}
