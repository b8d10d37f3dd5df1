import { inspect } from "node:util";
import { expect, it } from "vitest";
import { arrays, csv } from "../../src/data/index.js";
import { tensor } from "../../src/index.js";

it("Node prints what a data set is, not its numbers", async () => {
  const flowers = await csv("a,b,kind\n1,2,x\n3,4,y\n", { label: "kind", name: "flowers" });
  expect(inspect(flowers)).toBe("Dataset flowers: 2 × [2] → 2 classes");
  expect(inspect([flowers.subset([0])])).toBe("[ Dataset flowers: 1 × [2] → 2 classes ]");
  expect(inspect(arrays([[1], [2], [3]], [0.5, 1, 2]))).toBe("Dataset: 3 × [1] → [1]");
  const labels = tensor([3, 4], { dtype: "int32" });
  expect(
    inspect(
      arrays(
        [
          [[1], [2]],
          [[1], [2]],
        ],
        labels,
      ),
    ),
  ).toBe("Dataset: 2 × [2, 1] → labels");
});
