/** `adjoint predict`: what a trained model says of new inputs. */
import { readFile } from "node:fs/promises";
import { columnIndex, numbersOf, readTable, type Table } from "../../data/csv-table.js";
import { AdjointError, type Tensor, tensor } from "../../index.js";
import { decodeIdx } from "../../io/index.js";
import { predict } from "../../train/index.js";
import type { ModelConfig } from "../config.js";
import { loadModel } from "../model-file.js";
import { print, printEvent } from "../output.js";

export interface PredictOptions {
  readonly json?: boolean;
}

const operation = "predict";
/** What messages call text that comes from no file. */
const name = "standard input";

/** @throws AdjointError `usage`, and those of the library */
export async function predictCommand(path: string, file: string, options: PredictOptions): Promise<void> {
  const { model, config } = await loadModel(path);
  const inputs = await readInputs(file, config);
  const outputs = await (await predict(model, inputs)).array<number[][]>();
  outputs.forEach((row, i) => {
    const prediction = predictionOf(row, config);
    if (options.json) printEvent({ event: "prediction", row: i + 1, prediction, outputs: row });
    else print(String(prediction));
  });
}

/** The name of the class with the largest output; for numbers, the outputs themselves. */
function predictionOf(row: readonly number[], config: ModelConfig): string | number {
  const { classes, training, data } = config;
  const isRegression = data.kind === "csv" && data.label === undefined;
  if (isRegression) return row.length === 1 ? row[0] : row.join(" ");
  const threshold = training.loss === "sigmoid-cross-entropy" ? 0 : 0.5;
  const best = row.length === 1 ? Number(row[0] > threshold) : row.indexOf(Math.max(...row));
  return classes?.[best] ?? String(best);
}

/** Rows of a CSV file (or standard input), or the images of an IDX file. */
async function readInputs(file: string, config: ModelConfig): Promise<Tensor> {
  const width = config.network.layers[0];
  if (file !== "-") {
    const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
      const reason =
        cause.code === "ENOENT"
          ? "there is no such file"
          : cause.code === "EISDIR"
            ? "it is a directory"
            : cause.message;
      throw new AdjointError("file-not-found", `cannot read ${file}: ${reason}`, { file }, { cause });
    });
    if (bytes[0] === 0 && bytes[1] === 0) return readImages(bytes, file, width);
  }
  // text always ends in a line break here, which tells it from a path
  const table = await readRows(file === "-" ? `${await standardInput()}\n` : file, config);
  const columns =
    config.data.kind === "csv"
      ? config.data.features.map((name) => columnIndex(table, name, "an input of the model", operation))
      : table.columns.map((_, i) => i);
  if (columns.length !== width)
    throw new AdjointError(
      "invalid-data",
      `${table.file}: the model takes ${width} numbers a row, received ${columns.length}`,
      { file },
    );
  const values = numbersOf(table, columns, (length) => new Float32Array(length), operation);
  const { scaling } = config;
  const used =
    scaling === undefined
      ? values
      : values.map((value, i) => (value - scaling.mean[i % width]) / scaling.deviation[i % width]);
  return tensor(used, { shape: [table.rows.length, width] });
}

/** Models of tables find their inputs by name; pixels have none, so a first line of numbers is a row. */
async function readRows(source: string, config: ModelConfig): Promise<Table> {
  if (config.data.kind === "csv")
    return readTable(source, { delimiter: config.data.delimiter, name }, operation);
  const bare = await readTable(source, { header: false, name }, operation);
  const isNumber = (cell: string): boolean => cell !== "" && Number.isFinite(Number(cell));
  return bare.rows[0].cells.every(isNumber) ? bare : readTable(source, { name }, operation);
}

function readImages(bytes: Uint8Array, file: string, width: number): Tensor {
  const { data, shape, element } = decodeIdx(bytes, file);
  const pixels = shape.slice(1).reduce((product, extent) => product * extent, 1);
  if (shape.length < 2 || pixels !== width)
    throw new AdjointError(
      "invalid-data",
      `${file}: the model takes ${width} pixels an image, received ${element}[${shape.join(", ")}]`,
      { file },
    );
  const scale = element === "uint8" ? 1 / 255 : 1;
  return tensor(
    Float32Array.from(data, (pixel) => pixel * scale),
    { shape: [shape[0], width] },
  );
}

async function standardInput(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}
