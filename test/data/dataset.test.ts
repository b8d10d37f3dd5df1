import { describe, expect, it } from "vitest";
import { arrays, Batches, type Dataset, dataset } from "../../src/data/index.js";
import { AdjointError, random, tensor } from "../../src/index.js";

/** Seven examples whose inputs and label are functions of their number. */
function seven(): Dataset {
  const inputs = Float32Array.from({ length: 14 }, (_, i) => i);
  const targets = Int32Array.from({ length: 7 }, (_, i) => i % 3);
  return dataset({
    inputs,
    inputShape: [2],
    targets,
    targetShape: [],
    classes: ["a", "b", "c"],
    name: "seven",
  });
}

function refusal(f: () => unknown): AdjointError {
  try {
    f();
  } catch (error) {
    if (error instanceof AdjointError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("a data set", () => {
  it("subset keeps inputs beside their targets, in the order asked, and its name and classes", () => {
    const part = seven().subset([5, 0, 5]);
    expect([...part.inputs]).toEqual([10, 11, 0, 1, 10, 11]);
    expect([...part.targets]).toEqual([2, 0, 2]);
    expect([part.size, part.name, part.classes]).toEqual([3, "seven", ["a", "b", "c"]]);
  });

  it("a subset of consecutive examples shares memory, any other does not", () => {
    const whole = seven();
    expect(whole.subset([2, 3, 4]).inputs.buffer).toBe(whole.inputs.buffer);
    expect([...whole.subset([2, 3, 4]).inputs]).toEqual([4, 5, 6, 7, 8, 9]);
    expect(whole.subset([3, 2]).inputs.buffer).not.toBe(whole.inputs.buffer);
    expect(whole.subset([]).size).toBe(0);
  });

  it("split gives the first examples and the rest, by ratio or by number", () => {
    const sizes = (ratio: number) =>
      seven()
        .split(ratio)
        .map((part) => part.size);
    expect(sizes(0.8)).toEqual([6, 1]);
    expect(sizes(0)).toEqual([0, 7]);
    expect(sizes(1)).toEqual([7, 0]);
    expect(sizes(5)).toEqual([5, 2]);
    expect([...seven().split(5)[1].targets]).toEqual([2, 0]);
  });

  it("split with a key parts all examples, none twice", () => {
    const [a, b] = seven().split(4, random.key(3));
    const firsts = [...a.inputs, ...b.inputs].filter((_, i) => i % 2 === 0);
    expect(firsts.toSorted((x, y) => x - y)).toEqual([0, 2, 4, 6, 8, 10, 12]);
    expect(firsts).not.toEqual([0, 2, 4, 6, 8, 10, 12]);
  });

  it("shuffle is a permutation of the pairs that its key decides", () => {
    const order = (seed: number) =>
      [...seven().shuffle(random.key(seed)).inputs].filter((_, i) => i % 2 === 0);
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
    const shuffled = seven().shuffle(random.key(1));
    shuffled.targets.forEach((label, i) => {
      expect(label).toBe((shuffled.inputs[2 * i] / 2) % 3);
    });
  });

  it("batches cover all examples in order, the last one smaller, int32 labels", () => {
    const batches = seven().batch(3);
    expect(batches.length).toBe(3);
    const walked = [...batches];
    expect(walked.map(({ x }) => x.shape)).toEqual([
      [3, 2],
      [3, 2],
      [1, 2],
    ]);
    expect(walked.flatMap(({ y }) => [...y.dataSync()])).toEqual([0, 1, 2, 0, 1, 2, 0]);
    expect(walked.map(({ x, y }) => [x.dtype, y.dtype])[0]).toEqual(["float32", "int32"]);
    expect([...batches]).toHaveLength(3);
  });

  it("map computes new inputs and targets, batch by batch, for more rows than one batch holds", () => {
    const many = dataset({
      inputs: Float32Array.from({ length: 600 }, (_, i) => i),
      inputShape: [1],
      targets: new Float64Array(600).fill(0.5),
      targetShape: [1],
    });
    const mapped = many.map(({ x, y }) => ({ x: x.mul(2).tile([1, 2]), y: y.add(1) }));
    expect(mapped.inputShape).toEqual([2]);
    expect(mapped.size).toBe(600);
    expect([mapped.inputs[1198], mapped.inputs[1199], mapped.targets[599]]).toEqual([1198, 1198, 1.5]);
    expect(mapped.targets).toBeInstanceOf(Float64Array);
    expect(seven().map((batch) => batch).targets).toBeInstanceOf(Int32Array);
  });

  it.each([
    ["an index past the end", () => seven().subset([0, 7]), "index-out-of-range", /index 7 at position 1/],
    ["a fractional index", () => seven().subset([0.5]), "index-out-of-range", /0\.5/],
    ["a ratio below 0", () => seven().split(-0.1), "invalid-argument", /ratio/],
    ["a split of more than there are", () => seven().split(8), "invalid-argument", /up to 7/],
    ["NaN as ratio", () => seven().split(Number.NaN), "invalid-argument", /NaN/],
    ["batches of none", () => seven().batch(0), "invalid-argument", /received 0/],
    ["a prefetch of none", () => seven().batch(1).prefetch(0), "invalid-argument", /received 0/],
    [
      "a map that loses rows",
      () => seven().map(({ x, y }) => ({ x: x.slice([0, 1]), y })),
      "shape-mismatch",
      /keep the rows/,
    ],
  ] as const)("refuses %s", (_name, f, code, message) => {
    const error = refusal(f);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it("refuses arrays that do not fit each other", () => {
    const inputs = new Float32Array(6);
    const of = (targets: Int32Array, targetShape: number[], classes?: string[]) => () =>
      dataset({ inputs, inputShape: [2], targets, targetShape, ...(classes ? { classes } : {}) });
    expect(refusal(of(Int32Array.of(0, 1), [])).message).toBe(
      "dataset: 3 inputs and 2 targets; expected as many of each",
    );
    expect(refusal(of(Int32Array.of(0, 1, 2), [], ["a", "b"])).message).toMatch(
      /label 2 of example 2 .* 2 classes/,
    );
    expect(refusal(of(Int32Array.of(0, -1, 0), [])).code).toBe("invalid-data");
    expect(refusal(of(Int32Array.of(0, 1, 0), [1])).message).toMatch(/targetShape \[\]/);
    expect(
      refusal(() => dataset({ inputs, inputShape: [4], targets: Int32Array.of(0), targetShape: [] })).code,
    ).toBe("shape-mismatch");
  });
});

describe("data.arrays", () => {
  it("takes nested arrays, typed arrays and tensors alike", () => {
    const x = [
      [1, 2],
      [3, 4],
    ];
    for (const inputs of [x, tensor(x)]) {
      const points = arrays(inputs, [[0], [1]]);
      expect([points.inputShape, points.targetShape, [...points.inputs]]).toEqual([[2], [1], [1, 2, 3, 4]]);
    }
    expect(arrays(Float64Array.of(1, 2), Float64Array.of(3, 4)).inputs).toBeInstanceOf(Float64Array);
  });

  it("takes int32 and boolean vectors for labels, and other vectors for one number an example", () => {
    expect(arrays([[1], [2]], Int32Array.of(1, 0)).targetShape).toEqual([]);
    expect([...arrays([[1], [2]], [true, false]).targets]).toEqual([1, 0]);
    expect(arrays([1, 2], [0.5, 1])).toMatchObject({ inputShape: [1], targetShape: [1] });
    expect(arrays([[1], [2]], [1, 0], { classes: ["no", "yes"] }).targets).toEqual(Int32Array.of(1, 0));
  });

  it("refuses a fractional label, a scalar, and rows that do not match", () => {
    expect(refusal(() => arrays([[1], [2]], [0.5, 0], { classes: ["no", "yes"] })).code).toBe("invalid-data");
    expect(refusal(() => arrays(1, [1])).code).toBe("shape-mismatch");
    expect(refusal(() => arrays([[1]], [[1], [2]])).code).toBe("shape-mismatch");
  });
});

describe("batches", () => {
  it("map is lazy, and walks anew each time", () => {
    let calls = 0;
    const batches = new Batches(3, (i) => i).map((i) => {
      calls++;
      return i * 10;
    });
    expect(calls).toBe(0);
    expect([...batches]).toEqual([0, 10, 20]);
    expect([...batches]).toEqual([0, 10, 20]);
    expect(calls).toBe(6);
  });

  it.each([1, 2, 9])("prefetch(%i) keeps that many under way while one is worked on, in order", async (k) => {
    const started: number[] = [];
    const batches = new Batches(5, (i) => i).map(async (i) => {
      started.push(i);
      // later ones are ready sooner
      for (let turn = i; turn < 5; turn++) await Promise.resolve();
      return i;
    });
    const walked: number[] = [];
    for await (const i of batches.prefetch(k)) {
      expect(started.length).toBe(Math.min(5, i + 1 + k));
      walked.push(i);
    }
    expect(walked).toEqual([0, 1, 2, 3, 4]);
  });

  it("prefetch overlaps waiting with work: the next batch is ready when the work on one is done", async () => {
    const ready = new Set<number>();
    const batches = new Batches(4, (i) => i).map(async (i) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      ready.add(i);
      return i;
    });
    for await (const i of batches.prefetch(1)) {
      // work that lasts until the batch ahead has come
      while (i < 3 && !ready.has(i + 1)) await new Promise((resolve) => setTimeout(resolve, 1));
      expect(ready.has(i + 2)).toBe(false);
    }
    expect(ready.size).toBe(4);
  });

  it("a failure surfaces at its own batch, prefetched or not", async () => {
    const failing = new Batches(3, (i) => i).map((i) => {
      if (i === 1) throw new Error("second");
      return i;
    });
    const walked: number[] = [];
    const walk = async () => {
      for await (const i of failing.prefetch(3)) walked.push(i);
    };
    await expect(walk()).rejects.toThrow("second");
    expect(walked).toEqual([0]);
  });
});
