// Tells ten kinds of clothes apart: a convolutional network on Fashion-MNIST, to 92 %, and what it confuses.
// The images: apt install dataset-fashion-mnist, or any directory with the four IDX files as its argument.
// Run: node examples/fashion.js [DIRECTORY]            (some minutes)
//      node examples/fashion.js [DIRECTORY] --quick    (4,000 images, two epochs)
import { random } from "adjoint";
import * as data from "adjoint/data";
import * as nn from "adjoint/nn";
import { adamW, oneCycle } from "adjoint/optim";
import * as train from "adjoint/train";

const names = [
  "T-shirt",
  "trouser",
  "pullover",
  "dress",
  "coat",
  "sandal",
  "shirt",
  "sneaker",
  "bag",
  "boot",
];

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const directory = args.find((arg) => !arg.startsWith("--")) ?? "/usr/share/datasets/fashion-mnist";

class Clothes {
  constructor(key) {
    const [first, second, third, last] = random.split(key, 4);
    this.layers = new nn.Sequential(
      new nn.Conv2d(1, 16, 3, { padding: 1, key: first }),
      new nn.BatchNorm(16),
      new nn.Activation("relu"),
      new nn.MaxPool2d(2),
      new nn.Conv2d(16, 32, 3, { padding: 1, key: second }),
      new nn.BatchNorm(32),
      new nn.Activation("relu"),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Dropout(0.25),
      new nn.Linear(32 * 7 * 7, 128, { key: third }),
      new nn.Activation("relu"),
      new nn.Dropout(0.25),
      new nn.Linear(128, 10, { key: last }),
    );
  }

  forward(x, options) {
    return this.layers.forward(x.reshape([-1, 1, 28, 28]), options);
  }
}

const seed = 1;
const batchSize = 64;
const epochs = quick ? 2 : 8;
const all = await data.idx(directory, { split: "train" });
const test = await data.idx(directory, { split: "test" });
const [clothes] = all.split(quick ? 4_000 : all.size);
const steps = epochs * Math.ceil(clothes.size / batchSize);

const run = await train.fit(new Clothes(random.key(seed)), {
  data: clothes,
  validation: test,
  loss: "softmaxCrossEntropy",
  optimizer: adamW({ learningRate: oneCycle({ learningRate: 0.005, steps }), weightDecay: 0.02 }),
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

const confusions = (await train.confusion(run.model, test)).flatMap((row, truth) =>
  Array.from(row, (count, seen) => ({ count, truth, seen })).filter(({ seen }) => seen !== truth),
);
confusions.sort((a, b) => b.count - a.count);
console.log("most often taken for another:");
for (const { count, truth, seen } of confusions.slice(0, 5))
  console.log(`  ${names[truth].padEnd(8)} for ${names[seen].padEnd(8)} ${count} of ${test.size / 10}`);
const { accuracy } = run.history[run.history.length - 1].validation;
console.log(`${(100 * accuracy).toFixed(2)} % of ${test.size} right after ${run.seconds.toFixed(0)} s`);
