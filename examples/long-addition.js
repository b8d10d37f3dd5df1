// An LSTM learns to add: it reads two numbers digit by digit, the last digits first, and writes their sum as it reads.
// That there is such a thing as a carry it must find out by itself. It learns from numbers of 12 digits, and is then asked
// for sums of numbers of 100 digits. Run: node examples/long-addition.js
import { argmax, concat, jit, oneHot, random, tensor, valueAndGrad } from "adjoint";
import { softmaxCrossEntropy } from "adjoint/losses";
import { Linear, LSTM } from "adjoint/nn";
import { adam } from "adjoint/optim";

class Adder {
  constructor(key) {
    const [lstmKey, outputKey] = random.split(key);
    this.lstm = new LSTM(20, 32, { key: lstmKey });
    this.output = new Linear(32, 10, { key: outputKey });
  }

  /** a, b: digits [batch, time], the last digits first. Gives logits of the digits of the sum, [batch, time, 10]. */
  forward(a, b) {
    return this.output.forward(this.lstm.forward(concat([oneHot(a, 10), oneHot(b, 10)], -1)));
  }
}

/** Numbers and their sums as digits, int32 [batch, time], the last digits first; the first number beside as BigInts. */
function sums(key, batch, time) {
  const digits = random
    .uniform(key, { shape: [2, batch, time] })
    .mul(10)
    .floor()
    .cast("int32")
    .arraySync();
  const total = digits[0].map((a, row) => {
    let carry = 0;
    return a.map((digit, place) => {
      const sum = digit + digits[1][row][place] + carry;
      carry = sum >= 10 ? 1 : 0;
      return sum % 10;
    });
  });
  const [a, b, c] = [...digits, total].map((rows) => tensor(rows, { dtype: "int32" }));
  return { a, b, c };
}

const steps = 300;
const optimizer = adam({ learningRate: 0.01 });
const step = jit(
  (model, state, a, b, c) => {
    const [loss, gradient] = valueAndGrad((m) => softmaxCrossEntropy(m.forward(a, b), c))(model);
    return [loss, ...optimizer.step(model, gradient, state)];
  },
  { donate: [0, 1] },
);

const [modelKey, dataKey, testKey] = random.split(random.key(3), 3);
let model = new Adder(modelKey);
let state = optimizer.init(model);
const keys = random.split(dataKey, steps);
for (let i = 0; i < steps; i++) {
  const { a, b, c } = sums(keys[i], 32, 12);
  let loss;
  [loss, model, state] = step(model, state, a, b, c);
  if ((i + 1) % (steps / 5) === 0) console.log(`step ${i + 1}: loss ${(await loss.item()).toExponential(1)}`);
}

const add = jit((network, a, b) => argmax(network.forward(a, b), -1));
const { a, b, c } = sums(testKey, 200, 100);
const answer = await add(model, a, b).array();
const truth = await c.array();
const digits = answer.flatMap((row, i) => row.map((digit, j) => digit === truth[i][j]));
const whole = answer.filter((row, i) => row.every((digit, j) => digit === truth[i][j])).length;
const number = (row) => row.toReversed().join("");
const shown = [number(await a.slice(0).array()), number(await b.slice(0).array()), number(answer[0])];
console.log(shown.map((text, i) => `${["  ", "+ ", "= "][i]}${text.slice(0, 60)}…`).join("\n"));
const share = (100 * digits.filter(Boolean).length) / digits.length;
console.log(`${share.toFixed(2)} % of digits right, ${whole} of ${truth.length} sums of 100 digits`);
