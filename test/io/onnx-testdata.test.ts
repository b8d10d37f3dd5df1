/** The ONNX project's own tests (Debian's libonnx-testdata 1.12): every model computes what it should, or is refused by name. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AdjointError, type Tensor } from "../../src/index.js";
import { importOnnx } from "../../src/io/index.js";
import { decodeTensorMessage } from "../../src/io/onnx/codec.js";
import { type ImportedTensor, readTensor, toTensor } from "../../src/io/onnx/import-tensor.js";
import { operators } from "../../src/io/onnx/operators/index.js";
import { skipWithout } from "../support/needs.js";
import { difference } from "./onnx-runtime.js";

const data = "/usr/share/libonnx-testdata/data";

/** What is there, and does not give the numbers beside it. */
const differing: Readonly<Record<string, string>> = {
  test_resize_downsample_scales_cubic_align_corners: "scales the corners by the extent before rounding",
  test_resize_downsample_scales_linear_align_corners: "scales the corners by the extent before rounding",
  test_cast_BFLOAT16_to_FLOAT: "its bfloat16 elements are stored as uint16",
  test_cast_FLOAT_to_BFLOAT16: "its bfloat16 elements are stored as uint16",
  test_castlike_BFLOAT16_to_FLOAT: "its bfloat16 elements are stored as uint16",
  test_castlike_BFLOAT16_to_FLOAT_expanded: "its bfloat16 elements are stored as uint16",
  test_castlike_FLOAT_to_BFLOAT16: "its bfloat16 elements are stored as uint16",
  test_castlike_FLOAT_to_BFLOAT16_expanded: "its bfloat16 elements are stored as uint16",
};

/** How many of each suite there are, how many compute the right numbers, and how many are refused. */
const suites = {
  node: { models: 932, right: 806, refused: 118 },
  simple: { models: 23, right: 7, refused: 16 },
  "pytorch-converted": { models: 82, right: 82, refused: 0 },
  "pytorch-operator": { models: 35, right: 35, refused: 0 },
} as const;

async function load(file: string): Promise<ImportedTensor> {
  return readTensor(await decodeTensorMessage(readFileSync(file), file), file, "the tensor");
}

/**
 * float32 of both sides, by algorithms of their own: 1e-4 is what the deepest (recurrent, normalised) differ by at most; half
 * precision has 11 bits.
 */
function tolerance({ element }: ImportedTensor): number {
  return element === "float16" ? 2 ** -11 : 1e-4;
}

type Verdict = "right" | "refused" | string;

async function judge(folder: string): Promise<Verdict> {
  try {
    const model = await importOnnx(join(folder, "model.onnx"));
    const files = model.inputs.map((_, i) => join(folder, "test_data_set_0", `input_${i}.pb`));
    const inputs: Record<string, Tensor> = {};
    for (const [i, { name }] of model.inputs.entries()) inputs[name] = toTensor(await load(files[i]));
    const outputs = Object.values(model.run(inputs));
    for (const [i, output] of outputs.entries()) {
      const expected = await load(join(folder, "test_data_set_0", `output_${i}.pb`));
      const error = difference(output, toTensor(expected));
      if (!(error <= tolerance(expected))) return `output ${i} is off by ${error}`;
    }
    return "right";
  } catch (error) {
    if (!(error instanceof AdjointError)) throw error;
    return error.code === "unsupported-operator" || error.code === "unsupported" ? "refused" : error.message;
  }
}

describe("the models of the ONNX project", () => {
  it.for(Object.entries(suites))(
    "in %s give the right numbers, or are refused",
    async ([suite, counts], { skip }) => {
      skipWithout(data, skip);
      const verdicts: [string, Verdict][] = [];
      for (const name of readdirSync(join(data, suite)))
        if (existsSync(join(data, suite, name, "model.onnx")))
          verdicts.push([name, await judge(join(data, suite, name))]);
      const wrong = verdicts.filter(([, verdict]) => verdict !== "right" && verdict !== "refused");
      // whoever is excused is indeed wrong
      const excused = Object.keys(differing).filter((name) => existsSync(join(data, suite, name)));
      expect(wrong.map(([name]) => name).sort()).toEqual(excused.sort());
      const count = (wanted: Verdict): number => verdicts.filter(([, verdict]) => verdict === wanted).length;
      expect({ models: verdicts.length, right: count("right"), refused: count("refused") }).toEqual(counts);
    },
  );

  it("are counted in the documentation, where every operator is listed", () => {
    const page = readFileSync(new URL("../../docs/onnx.md", import.meta.url), "utf8");
    const listed = /<!-- onnx:operators -->([\s\S]*)<!-- \/onnx:operators -->/.exec(page)?.[1] ?? "";
    expect(listed.match(/\w+/g)).toEqual(Object.keys(operators).sort());
    for (const [suite, { models, right, refused }] of Object.entries(suites))
      expect(page).toContain(`| ${suite} | ${models} | ${right} | ${refused} |`);
  });
});
