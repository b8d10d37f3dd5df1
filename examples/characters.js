// A small transformer learns to write, character by character, from any text of a few hundred kilobytes or more: the plays
// of Shakespeare (1.1 MB; their usual file is tinyshakespeare.txt) take some minutes and end near 1.7 nats a character.
// Run: node examples/characters.js FILE            (two passes)
//      node examples/characters.js FILE --quick    (60 updates of a smaller one)
import { jit, random, tensor } from "adjoint";
import * as data from "adjoint/data";
import { Embedding, LayerNorm, Linear, TransformerBlock } from "adjoint/nn";
import { adamW, oneCycle } from "adjoint/optim";
import * as train from "adjoint/train";

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const file = args.find((arg) => !arg.startsWith("--"));
if (file === undefined) {
  console.error("node examples/characters.js FILE [--quick]: a text to learn from is missing");
  process.exit(2);
}

const [context, features, layers, heads] = quick ? [32, 32, 2, 2] : [64, 128, 4, 4];

class Writer {
  constructor(characters, key) {
    const [tokenKey, positionKey, outputKey, ...blockKeys] = random.split(key, 3 + layers);
    this.token = new Embedding(characters, features, { key: tokenKey });
    this.position = random.normal(positionKey, { shape: [context, features] }).mul(0.02);
    this.blocks = blockKeys.map(
      (key) =>
        new TransformerBlock(features, heads, {
          hidden: 4 * features,
          activation: "gelu",
          normFirst: true,
          causal: true,
          dropout: 0,
          key,
        }),
    );
    this.norm = new LayerNorm(features);
    this.output = new Linear(features, characters, { key: outputKey });
  }

  /** Characters [batch, context] in, logits of the characters that follow each out: [batch, context, characters]. */
  forward(x, options) {
    const start = this.token.forward(x).add(this.position);
    const end = this.blocks.reduce((values, block) => block.forward(values, options), start);
    return this.output.forward(this.norm.forward(end));
  }
}

const text = await data.text(file, { context, step: context / 2 });
const [training, rest] = text.split(0.9);
const batchSize = 24;
const epochs = quick ? 1 : 2;
const steps = epochs * Math.ceil(training.size / batchSize);
console.log(
  `${file}: ${text.length} characters, ${text.vocabulary.size} different; ${quick ? 60 : steps} updates`,
);

const halt = new AbortController();
let shown = 0;
const [modelKey, writingKey] = random.split(random.key(1));
const run = await train.fit(new Writer(text.vocabulary.size, modelKey), {
  data: training,
  validation: rest,
  metrics: ["loss"],
  loss: "softmaxCrossEntropy",
  optimizer: adamW({
    learningRate: oneCycle({ learningRate: 0.002, steps, warmup: 0.1 }),
    beta2: 0.99,
    weightDecay: 0.1,
  }),
  epochs,
  batchSize,
  seed: 1,
  signal: halt.signal,
  onProgress({ step, loss, seconds }) {
    if (quick && step >= 60) halt.abort();
    if (seconds - shown < 10) return;
    shown = seconds;
    console.log(`step ${step}: ${loss.toFixed(3)} nats a character, ${seconds.toFixed(0)} s`);
  },
  onEpoch: ({ epoch, validation }) =>
    console.log(`epoch ${epoch}: ${validation.loss.toFixed(3)} nats a character on text it has not seen`),
});

// what follows is drawn from what the model thinks likely, one character at a time
const next = jit((model, window, place, key) =>
  random.categorical(key, model.forward(window).slice(0).take(place).div(0.8)),
);
const written = [...text.encode("\n")];
for (const key of random.split(writingKey, quick ? 80 : 500)) {
  const window = written.slice(-context);
  const place = tensor(window.length - 1, { dtype: "int32" });
  while (window.length < context) window.push(0);
  written.push(await next(run.model, tensor([window], { dtype: "int32" }), place, key).item());
}
console.log(text.decode(written));
