import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import * as data from "../../src/data/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes that are still reachable, in the heap and in the buffers it holds. */
async function liveBytes(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    // what weak references hold is let go when the job ends
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it("fit keeps nothing of a step: what is reachable after 2,000 steps is what is reachable after 10,000", async () => {
  const rows = 500;
  const x = Array.from({ length: rows }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
  const examples = data.arrays(
    x,
    x.map(([a, b]) => a * b),
  );
  const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Activation("tanh"), new nn.Linear(8, 1));
  const live: number[] = [];
  await train.fit(model, {
    data: examples,
    validation: examples,
    loss: "meanSquaredError",
    optimizer: optim.sgd({ learningRate: 0.01, momentum: 0.9 }),
    batchSize: 1,
    epochs: 20,
    seed: 1,
    onEpoch: async ({ epoch }) => {
      if (epoch === 4 || epoch === 20) live.push(await liveBytes());
    },
  });
  // one forgotten tensor a step would be some 300 bytes of object and buffer, 2.4 MB over the 8,000 steps between
  expect(live[1] - live[0]).toBeLessThan(500_000);
});
