/** A trained model ready to be applied: what it takes, what it gives, and the computation between. */
import { TableTransform } from "../../data/index.js";
import { type Tensor, tensor } from "../../index.js";
import type { Module } from "../../nn/index.js";
import { predict } from "../../train/index.js";
import { notOfConfigFile } from "../arguments.js";
import type { ModelConfig, Scaling } from "../config.js";
import { isOfConfigFile, modelOfRun } from "../config-file/saved.js";
import { networkOf, readModel } from "../model-file.js";
import { losses } from "../network.js";
import type { AnswerForm } from "./answers.js";
import type { InputBlock, InputForm } from "./inputs.js";

/** A model with its forms of inputs and answers. */
export interface Predictor {
  readonly inputs: InputForm;
  readonly answers: AnswerForm;
  readonly model: Module;
  /** Of the inputs, where the transform of a table does not do it. */
  readonly scaling?: Scaling;
  readonly inputDType: "int32" | "float32";
  /** The outputs for some inputs, a row each. */
  apply(block: InputBlock): Promise<number[][]>;
}

/**
 * Reads a model to apply it.
 * @param config the file that makes it, by --config
 * @throws AdjointError `usage`, and those of models and configuration files
 */
export async function openPredictor(path: string, config: string | undefined): Promise<Predictor> {
  const saved = await readModel(path);
  if (isOfConfigFile(saved)) {
    const { inputShape, targetShape, classes = [], inputDType = "float32", training } = saved.config;
    const model = await modelOfRun(saved, path, config);
    return {
      model,
      inputDType,
      inputs: { shape: inputShape, delimiter: "," },
      answers: {
        kind: targetShape.length === 0 ? "classes" : "numbers",
        names: classes,
        loss: training.loss,
      },
      apply: applier(model, inputShape, undefined, inputDType),
    };
  }
  if (config !== undefined) throw notOfConfigFile(path);
  const record = saved.config as ModelConfig;
  const { data, network, classes = [], training, scaling } = record;
  const model = networkOf(record, saved.tensors, saved.file);
  const shape = [network.layers[0]];
  const isNumbers = data.kind === "csv" && data.label === undefined;
  const transform = data.kind === "csv" ? transformOf(data) : undefined;
  const scale = transform?.answer.kind === "numbers" ? transform.answer : undefined;
  return {
    model,
    inputDType: "float32",
    ...(scaling === undefined ? {} : { scaling }),
    inputs: {
      shape,
      delimiter: data.kind === "csv" ? data.delimiter : ",",
      ...(transform === undefined ? { pixels: true } : { transform }),
    },
    answers: {
      kind: isNumbers ? "numbers" : "classes",
      names: isNumbers ? (data.target ?? []) : classes,
      loss: losses[training.loss],
      ...(scale === undefined ? {} : { scale }),
    },
    apply: applier(model, shape, scaling),
  };
}

/** Columns that are used as they are, where none was fitted to words and holes. */
function transformOf(data: Extract<ModelConfig["data"], { kind: "csv" }>): TableTransform {
  if (data.table !== undefined) return new TableTransform(data.table);
  const plain = (name: string) => ({ name, kind: "number", missing: null, mean: 0, deviation: 1 }) as const;
  const { label, target = [] } = data;
  return new TableTransform({
    format: "adjoint-table",
    version: 1,
    dtype: "float32",
    columns: data.features.map(plain),
    // what is asked for is not looked at
    answer:
      label === undefined
        ? { kind: "numbers", columns: target, mean: target.map(() => 0), deviation: target.map(() => 1) }
        : { kind: "classes", column: label, classes: ["–"] },
    missingValues: [],
  });
}

/** Numbers of inputs that programs are compiled for: what comes is filled up to the next. */
const sizes = [1, 32, 1024];

function applier(
  model: Module,
  shape: readonly number[],
  scaling: Scaling | undefined,
  dtype: Predictor["inputDType"] = "float32",
): Predictor["apply"] {
  const width = shape.reduce((total, extent) => total * extent, 1);
  const run = async (values: InputBlock["values"]): Promise<number[][]> => {
    const count = values.length / width;
    const size = sizes.find((one) => one >= count) ?? count;
    const filled = dtype === "int32" ? new Int32Array(size * width) : new Float32Array(size * width);
    filled.set(values);
    if (scaling !== undefined)
      for (let i = 0; i < values.length; i++)
        filled[i] = (values[i] - scaling.mean[i % width]) / scaling.deviation[i % width];
    const outputs: Tensor = await predict(model, tensor(filled, { shape: [size, ...shape] }));
    const numbers = await outputs.data();
    const each = numbers.length / size;
    return Array.from({ length: count }, (_, i) => Array.from(numbers.subarray(i * each, (i + 1) * each)));
  };
  return async ({ values, count }) => {
    const rows: number[][] = [];
    const step = sizes[sizes.length - 1];
    for (let start = 0; start < count; start += step)
      rows.push(...(await run(values.subarray(start * width, Math.min(count, start + step) * width))));
    return rows;
  };
}
