/** What an export answers to lists that are wrong in one of their items, and a model to a graph that no file gave. */
import { describe, expect, it } from "vitest";
import { AdjointError, ones } from "../../src/index.js";
import { encodeOnnx, OnnxModel } from "../../src/io/index.js";
import { Linear } from "../../src/nn/index.js";

const layer = new Linear(4, 3);
const refusal = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof AdjointError && error.code === "invalid-argument") return error.message;
    throw error;
  }
  throw new Error("not refused");
};

describe("a list of options that is wrong in one item", () => {
  it("is shown with its items: an empty name", async () => {
    expect(await refusal(() => encodeOnnx(layer, [ones([1, 4])], { outputNames: [""] }))).toBe(
      'exportOnnx: outputNames must be a list of 1 names, none of them empty, received [""]',
    );
  });

  it("is shown with its items: an input that does not exist", async () => {
    expect(await refusal(() => encodeOnnx(layer, [ones([1, 4])], { dynamicBatch: [3] }))).toBe(
      "exportOnnx: dynamicBatch must be true, false, or the indices of inputs that have an axis, received [3]",
    );
  });

  it("is shown with its items: numbers where tensors belong, of which eight are enough", async () => {
    const numbers = Array.from({ length: 20 }, (_, i) => i) as never;
    expect(await refusal(() => encodeOnnx(layer, numbers))).toBe(
      "exportOnnx: inputs must be a list of tensors, received [0, 1, 2, 3, 4, 5, 6, 7, …]",
    );
  });
});

describe("a model", () => {
  it.each([undefined, null, 3, {}, { initializers: new Map() }, { initializers: {}, steps: [] }])(
    "is not made of %o",
    async (graph) => {
      expect(await refusal(() => new OnnxModel(graph as never))).toMatch(
        /^OnnxModel: graph must be what io\.importOnnx reads; call that, received /,
      );
    },
  );
});
