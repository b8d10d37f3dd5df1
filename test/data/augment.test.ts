import { describe, expect, it } from "vitest";
import { augment, dataset } from "../../src/data/index.js";
import { AdjointError, grad, jit, ones, random, type Tensor, tensor } from "../../src/index.js";
import { Flatten, Linear, Sequential, trainForward } from "../../src/nn/index.js";
import { sgd } from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";

const images = (batch: number, channels: number, height: number, width: number): Tensor =>
  random.uniform(random.key(9), { shape: [batch, channels, height, width] });

const all: Readonly<Record<string, augment.Augmentation>> = {
  flip: augment.flip(),
  crop: augment.crop({ size: [4, 5], padding: 1 }),
  shift: augment.shift({ by: [1, 2], fill: 7 }),
  rotate: augment.rotate({ degrees: 30 }),
  noise: augment.noise({ deviation: 0.5 }),
  cutout: augment.cutout({ size: 3 }),
  normalize: augment.normalize({ mean: [1, 2], deviation: [3, 4] }),
  compose: augment.compose(augment.shift({ by: 1 }), augment.flip(), augment.noise({ deviation: 0.1 })),
};

describe.each(Object.entries(all))("augment.%s", (name, f) => {
  const x = images(6, 2, 6, 7);

  it("gives the same for the same key, and something else for another", () => {
    const one = f(x, random.key(1)).arraySync();
    expect(f(x, random.key(1)).arraySync()).toEqual(one);
    if (name !== "normalize") expect(f(x, random.key(2)).arraySync()).not.toEqual(one);
  });

  it("compiles to what it is at once", () => {
    const compiled = jit((a: Tensor, key: Tensor) => f(a, key))(x, random.key(5));
    const expected = f(x, random.key(5)).flatten().dataSync();
    // fused multiply-adds may differ in the last place of values below 8
    compiled
      .flatten()
      .dataSync()
      .forEach((value, i) => {
        expect(Math.abs(value - expected[i])).toBeLessThan(4e-6);
      });
  });

  it("passes gradients: their sum is that of the pixels that are seen", () => {
    const g = grad((a: Tensor) => f(a, random.key(3)).sum())(x);
    expect(g.shape).toEqual(x.shape);
    // linear in x but for a constant: ⟨ḡ, x⟩ = f(x) − f(0)
    const change = f(x, random.key(3))
      .sum()
      .sub(f(x.mul(0), random.key(3)).sum())
      .itemSync() as number;
    expect(g.mul(x).sum().itemSync()).toBeCloseTo(change, 3);
  });
});

describe("what augmentations do", () => {
  const rows = (x: Tensor): number[][] => x.reshape([x.shape[0], -1]).arraySync() as number[][];

  it("flip mirrors about as many as its probability says, and nothing else", () => {
    const x = images(400, 1, 2, 3);
    const [before, mirrored, after] = [
      rows(x),
      rows(x.flip(-1)),
      rows(augment.flip({ probability: 0.25 })(x, random.key(1))),
    ];
    const flipped = after.filter((row, i) => String(row) === String(mirrored[i])).length;
    expect(after.filter((row, i) => String(row) === String(before[i])).length).toBe(400 - flipped);
    // 100 ± five standard deviations of √(400 · ¼ · ¾)
    expect(Math.abs(flipped - 100)).toBeLessThan(44);
  });

  it("shift moves each image by whole pixels, each by its own", () => {
    const x = images(60, 2, 4, 5);
    const after = augment.shift({ by: 1, fill: -1 })(x, random.key(2));
    const places = new Set<string>();
    const [a, b] = [x.arraySync() as number[][][][], after.arraySync() as number[][][][]];
    b.forEach((image, i) => {
      const found = [-1, 0, 1].flatMap((dy) =>
        [-1, 0, 1]
          .filter((dx) =>
            image.every((plane, c) =>
              plane.every((row, y) => row.every((value, xx) => value === (a[i][c][y + dy]?.[xx + dx] ?? -1))),
            ),
          )
          .map((dx) => `${dy},${dx}`),
      );
      expect(found.length).toBe(1);
      places.add(found[0]);
    });
    // 60 draws of 9 places: one is missed with chance 9 · (8/9)⁶⁰ < 1 %, and this key misses none
    expect(places.size).toBe(9);
  });

  it("crop takes a part that is there", () => {
    const x = images(20, 1, 5, 6);
    const parts = augment.crop({ size: [2, 3] })(x, random.key(4));
    expect(parts.shape).toEqual([20, 1, 2, 3]);
    const [a, b] = [x.arraySync() as number[][][][], parts.arraySync() as number[][][][]];
    b.forEach(([part], i) => {
      const at = a[i][0].flatMap((row, y) =>
        row.flatMap((_, xx) =>
          (a[i][0][y + 1] ?? []).slice(xx, xx + 3).join() === part[1].join() &&
          row.slice(xx, xx + 3).join() === part[0].join()
            ? [1]
            : [],
        ),
      );
      expect(at.length).toBe(1);
    });
  });

  it("rotate by up to 0 degrees changes nothing, and keeps the centre at any", () => {
    const x = images(3, 2, 5, 5);
    expect(augment.rotate({ degrees: 0 })(x, random.key(1)).arraySync()).toEqual(x.arraySync());
    const turned = augment.rotate({ degrees: 180 })(x, random.key(1));
    const centre = (v: Tensor) => v.slice(null, null, 2, 2).flatten().dataSync();
    // weights of float32 sines and cosines
    centre(turned).forEach((value, i) => {
      expect(value).toBeCloseTo(centre(x)[i], 5);
    });
  });

  it("rotate turns: a quarter turn takes the right edge to the top", () => {
    // the draw of this key is u, and 2u − 1 of the degrees asked for make exactly a quarter turn
    const u = random.uniform(random.key(6), { shape: [1, 1, 1, 1] }).itemSync() as number;
    const x = images(1, 1, 5, 5);
    const turned = augment.rotate({ degrees: 90 / (2 * u - 1) })(x, random.key(6));
    // row i is column 4 − i
    const expected = x.transpose([0, 1, 3, 2]).flip(2).flatten().dataSync();
    turned
      .flatten()
      .dataSync()
      .forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i], 4);
      });
  });

  it("cutout covers a square, whole or cut at an edge", () => {
    const covered = augment.cutout({ size: 2, value: 5 })(ones([50, 1, 4, 4]), random.key(7));
    for (const row of rows(covered)) {
      const count = row.filter((value) => value === 5).length;
      expect([1, 2, 4]).toContain(count);
      expect(row.filter((value) => value === 1).length).toBe(16 - count);
    }
  });

  it("noise has the deviation it says", () => {
    const noisy = augment.noise({ deviation: 3 })(tensor(new Float32Array(40_000)), random.key(8));
    // five standard errors of a deviation: 3 / √80,000 each
    expect(Math.abs((noisy.std().itemSync() as number) - 3)).toBeLessThan(0.054);
  });

  it("normalize goes by channel", () => {
    const y = augment.normalize({ mean: [1, 2], deviation: [2, 4] })(
      tensor([[[[3]], [[10]]]]),
      random.key(0),
    );
    expect(y.flatten().arraySync()).toEqual([1, 2]);
  });
});

describe("augmentations in use", () => {
  const set = dataset({
    inputs: Float32Array.from({ length: 8 * 16 }, (_, i) => (i * 37) % 11),
    inputShape: [1, 4, 4],
    targets: Int32Array.of(0, 1, 0, 1, 0, 1, 0, 1),
    targetShape: [],
  });

  it("change batches by their number, the same at every walk", () => {
    const batches = set.batch(4).map(augment.batch(augment.noise({ deviation: 1 }), random.key(1)));
    const walk = (): unknown[] => [...batches].map(({ x }) => x.arraySync());
    expect(walk()).toEqual(walk());
    const differences = [...batches].map(({ x }, i) => x.sub([...set.batch(4)][i].x).arraySync());
    expect(differences[0]).not.toEqual(differences[1]);
  });

  it("are a layer in training only, within the compiled step of fit, the same for the same seed", async () => {
    const model = new Sequential(
      augment.layer(augment.shift({ by: 1 })),
      new Flatten(),
      new Linear(16, 2, { key: random.key(0) }),
    );
    const x = images(2, 1, 4, 4);
    const [trained] = trainForward(model, x, { key: random.key(1) });
    expect(trained.arraySync()).not.toEqual(model.forward(x).arraySync());
    const run = () =>
      train.fit(model, {
        data: set,
        loss: "softmaxCrossEntropy",
        optimizer: sgd({ learningRate: 0.01 }),
        epochs: 2,
        batchSize: 4,
        seed: 3,
      });
    const [first, second] = [await run(), await run()];
    expect(first.history.map(({ loss }) => loss)).toEqual(second.history.map(({ loss }) => loss));
  });

  it.each([
    [() => augment.flip({ probability: 2 }), "augment.flip: probability must be from 0 to 1, received 2"],
    [() => augment.flip({ axis: 0 }), "augment.flip: axis must be an axis beside the batch's"],
    [() => augment.crop({ size: -1 }), "augment.crop: size must be a number of pixels"],
    [
      () => augment.crop({ size: 9 })(ones([1, 1, 4, 4]), random.key(0)),
      "augment.crop: parts of 9 × 9 do not fit into images of 4 × 4",
    ],
    [() => augment.shift({} as never), "augment.shift: by must be a number of pixels"],
    [
      () => augment.rotate({ degrees: Number.NaN }),
      "augment.rotate: degrees must be a finite number, received NaN",
    ],
    [() => augment.noise({ deviation: -1 }), "augment.noise: deviation must be at least 0, received -1"],
    [() => augment.cutout({ size: 1.5 }), "augment.cutout: size must be a number of pixels"],
    [
      () => augment.cutout({ size: 1 })(ones([4, 4]), random.key(0)),
      "augment.cutout: x must be images [batch, channels, height, width], received [4, 4]",
    ],
    [
      () => augment.normalize({ mean: 0, deviation: 0 }),
      "augment.normalize: deviation must be above 0, received 0",
    ],
    [() => augment.compose(1 as never), "augment.compose: augmentation must be a function"],
    [
      () => augment.layer(augment.flip()).forward(ones([1]), { train: true }),
      "augment.layer: in training it draws random numbers",
    ],
    [() => augment.batch(augment.flip(), 1 as never), "augment.batch: key must be a random key, received 1"],
  ])("refuse %o", (action, message) => {
    expect(action).toThrow(AdjointError);
    expect(action).toThrow(message);
  });
});
