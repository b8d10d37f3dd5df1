/** What is written beside the weights, so that a model can be used again without saying how it was made. */
import { TableTransform, type TableTransformJson } from "../data/index.js";
import { AdjointError } from "../index.js";
import type { JsonReader } from "./json-reader.js";
import {
  type Activation,
  activationNames,
  type InitName,
  initNames,
  type Loss,
  lossNames,
  type NetworkConfig,
  type OutputActivation,
  outputNames,
} from "./network.js";
import { type Descent, type OptimizerName, optimizerNames } from "./optimizer.js";

/** What a table held: the number of its rows, and a hash of what is used of them. */
export interface Content {
  readonly rows: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** The examples a model was trained on, and how to find them again. */
export type DataConfig =
  | { readonly kind: "mnist" }
  | { readonly kind: "idx"; readonly path: string }
  | {
      readonly kind: "csv";
      readonly path: string;
      readonly label?: string;
      readonly target?: readonly string[];
      readonly features: readonly string[];
      readonly delimiter: string;
      /** The fraction of rows held out, and the seed that chose them. */
      readonly validation: number;
      readonly seed: number;
      /** Known once it was read; the held-out rows can be found again only in these. */
      readonly content?: Content;
      /** How cells become numbers, where there are words or holes among the inputs. */
      readonly table?: TableTransformJson;
    };

export interface TrainingConfig extends Descent {
  readonly loss: Loss;
  readonly epochs: number;
  readonly batch: number;
  readonly seed: number;
}

/** Inputs are used as (x − mean) / deviation, column by column. */
export interface Scaling {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

export interface ModelConfig {
  /** Of this record; later versions read what earlier ones wrote. */
  readonly format: 1;
  readonly data: DataConfig;
  readonly network: NetworkConfig;
  readonly training: TrainingConfig;
  readonly classes?: readonly string[];
  readonly scaling?: Scaling;
  /** What was measured at the end. */
  readonly result: Readonly<Record<string, number>>;
}

/**
 * Reads a configuration that may have been edited, or come from elsewhere.
 * @throws AdjointError `file-format` naming the file and the entry
 */
export function parseConfig(read: JsonReader): ModelConfig {
  const data = read.field("data");
  const network = read.field("network");
  const training = read.field("training");
  const layers = network.field("layers").numbers((size) => Number.isSafeInteger(size) && size > 0);
  if (layers.length < 2) throw network.field("layers").refusal("two sizes or more");
  const scaling = read.optional("scaling");
  const classes = read.optional("classes")?.strings();
  return {
    format: 1,
    data: parseData(data),
    network: {
      layers,
      activation: network.field("activation").name<Activation>(activationNames),
      output: network.field("output").name<OutputActivation>(outputNames),
      init: network.field("init").name<InitName>(initNames),
    },
    training: {
      loss: training.field("loss").name<Loss>(lossNames),
      // not written while there was only one
      optimizer: training.optional("optimizer")?.name<OptimizerName>(optimizerNames) ?? "sgd",
      learningRate: training.field("learningRate").number(),
      momentum: training.field("momentum").number(),
      weightDecay: training.optional("weightDecay")?.number() ?? 0,
      epochs: training.field("epochs").number(),
      batch: training.field("batch").number(),
      seed: training.field("seed").number(),
    },
    ...(classes === undefined ? {} : { classes }),
    ...(scaling === undefined ? {} : { scaling: parseScaling(scaling, layers[0]) }),
    result: Object.fromEntries(
      read
        .field("result")
        .entries()
        // JSON has no NaN
        .flatMap(([name, value]) => (value.value === null ? [] : [[name, value.number()]])),
    ),
  };
}

function parseScaling(scaling: JsonReader, width: number): Scaling {
  const columns = (name: string): number[] => {
    const values = scaling
      .field(name)
      .numbers((value) => Number.isFinite(value) && (name === "mean" || value > 0));
    if (values.length !== width) throw scaling.field(name).refusal(`${width} numbers, one for each input`);
    return values;
  };
  return { mean: columns("mean"), deviation: columns("deviation") };
}

function parseData(data: JsonReader): DataConfig {
  const kind = data.field("kind").name(["mnist", "idx", "csv"] as const);
  switch (kind) {
    case "mnist":
      return { kind };
    case "idx":
      return { kind, path: data.field("path").string() };
    case "csv": {
      const label = data.optional("label")?.string();
      const target = data.optional("target")?.strings();
      if ((label === undefined) === (target === undefined)) throw data.refusal("either a label or a target");
      return {
        kind,
        path: data.field("path").string(),
        ...(label === undefined ? {} : { label }),
        ...(target === undefined ? {} : { target }),
        features: data.field("features").strings(),
        delimiter: data.field("delimiter").string(),
        validation: data.field("validation").number(),
        seed: data.field("seed").number(),
        ...parseContent(data.optional("content")),
        ...parseTable(data.optional("table")),
      };
    }
  }
}

function parseContent(content: JsonReader | undefined): { content?: Content } {
  if (content === undefined) return {};
  return { content: { rows: content.field("rows").number(), sha256: content.field("sha256").string() } };
}

/** The library checks the rest of it. */
function parseTable(table: JsonReader | undefined): { table?: TableTransformJson } {
  if (table === undefined) return {};
  try {
    return { table: TableTransform.fromJSON(table.value).toJSON() };
  } catch (error) {
    throw table.refusal(error instanceof AdjointError ? `a table's columns (${error.message})` : "columns");
  }
}
