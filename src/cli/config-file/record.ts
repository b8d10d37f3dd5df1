/** What is written beside the weights of a run that a configuration file described. */
import type { JsonReader } from "../json-reader.js";

/** Where the model comes from: code is never stored with weights, only which file it was, and what that held. */
export interface ConfigFile {
  /** Absolute. */
  readonly path: string;
  /** Of its text, hexadecimal. */
  readonly sha256: string;
  /** The name of its copy beside the weights. */
  readonly copy: string;
}

/** How the run was different from what its file says, and what its data were. */
export interface ConfigRun {
  /** Of this record; later versions read what earlier ones wrote. */
  readonly format: 1;
  readonly configFile: ConfigFile;
  readonly training: {
    readonly seed: number;
    readonly epochs: number;
    readonly batch: number;
    /** Of the command line. */
    readonly learningRate?: number;
    /** The name of a loss of the library. */
    readonly loss?: string;
  };
  readonly inputShape: readonly number[];
  readonly targetShape: readonly number[];
  /** Where the inputs are whole numbers, such as tokens. */
  readonly inputDType?: "int32";
  readonly classes?: readonly string[];
  /** What was measured at the end. */
  readonly result: Readonly<Record<string, number>>;
}

/** Is it the record of such a run? */
export function isConfigRun(read: JsonReader): boolean {
  return read.optional("configFile") !== undefined;
}

/** @throws AdjointError `file-format` naming the file and the entry */
export function parseConfigRun(read: JsonReader): ConfigRun {
  const file = read.field("configFile");
  const training = read.field("training");
  const classes = read.optional("classes")?.strings();
  const learningRate = training.optional("learningRate")?.number();
  const loss = training.optional("loss")?.string();
  const shape = (name: string) =>
    read.field(name).numbers((extent) => Number.isSafeInteger(extent) && extent >= 0);
  return {
    format: 1,
    configFile: {
      path: file.field("path").string(),
      sha256: file.field("sha256").string(),
      copy: file.field("copy").string(),
    },
    training: {
      seed: training.field("seed").number(),
      epochs: training.field("epochs").number(),
      batch: training.field("batch").number(),
      ...(learningRate === undefined ? {} : { learningRate }),
      ...(loss === undefined ? {} : { loss }),
    },
    inputShape: shape("inputShape"),
    targetShape: shape("targetShape"),
    ...(read.optional("inputDType") === undefined
      ? {}
      : { inputDType: read.field("inputDType").name(["int32"] as const) }),
    ...(classes === undefined ? {} : { classes }),
    result: Object.fromEntries(
      read
        .field("result")
        .entries()
        .flatMap(([name, value]) => (typeof value.value === "number" ? [[name, value.value]] : [])),
    ),
  };
}
