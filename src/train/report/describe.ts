/** What is known of a run before it starts, as plain JSON: `config.json`. */
import type { ExampleStream } from "../../data/index.js";
import { device, threads } from "../../index.js";
import { type Module, parameters, summary } from "../../nn/index.js";
import { AdjointError } from "../../util/errors.js";
import { isStream } from "../metrics/pass.js";
import { nameOfLoss } from "../objective.js";
import type { RunStart } from "../recorder.js";
import type { Data } from "../source.js";

/** What `config.json` holds. */
export interface RunConfig {
  readonly format: "adjoint-run";
  readonly version: 1;
  readonly title: string;
  /** When the run began, ISO 8601, UTC. */
  readonly started: string;
  readonly settings: {
    readonly loss: string;
    readonly optimizer: string;
    readonly epochs: number;
    readonly batchSize: number;
    readonly seed: number | null;
  };
  readonly data: DataDescription;
  readonly validation: DataDescription | null;
  readonly model: { readonly parameters: number; readonly summary: string };
  readonly software: { readonly adjoint: string; readonly node: string };
  readonly machine: {
    readonly platform: string;
    readonly processor: string;
    readonly device: string;
    readonly threads: number;
  };
  /** What the caller gave. */
  readonly config: unknown;
  /** Where and when it was taken up again. */
  readonly resumed: readonly { readonly time: string; readonly epochs: number; readonly steps: number }[];
}

/** Examples, in short. */
export interface DataDescription {
  readonly name: string | null;
  /** Null for a stream that does not know. */
  readonly size: number | null;
  readonly inputShape: readonly number[];
  readonly targetShape: readonly number[];
  readonly classes: readonly string[] | null;
}

export async function describeRun(run: RunStart, title: string, config: unknown): Promise<RunConfig> {
  const data = describeExamples(run.data);
  const { cpus } = await import("node:os");
  return {
    format: "adjoint-run",
    version: 1,
    title,
    started: new Date().toISOString(),
    settings: {
      loss: nameOfLoss(run.loss),
      optimizer: run.optimizer.name,
      epochs: run.epochs,
      batchSize: run.batchSize,
      seed: run.seed ?? null,
    },
    data,
    validation: run.validation === undefined ? null : describeExamples(run.validation),
    model: {
      parameters: parameters(run.model).reduce((sum, [, { size }]) => sum + size, 0),
      summary: summaryOf(run.model, data.inputShape, isInteger(run.data)),
    },
    software: { adjoint: await versionOf(), node: process.versions.node },
    machine: {
      platform: `${process.platform}-${process.arch}`,
      processor: cpus()[0]?.model.trim() ?? "unknown",
      device: device(),
      threads: threads(),
    },
    config,
    resumed: [],
  };
}

export function describeExamples(data: Data | ExampleStream): DataDescription {
  if ("x" in data)
    return {
      name: null,
      size: data.x.shape[0],
      inputShape: data.x.shape.slice(1),
      targetShape: data.y.shape.slice(1),
      classes: null,
    };
  const { name, size, inputShape, targetShape, classes } = data;
  return {
    name: name ?? null,
    size: size ?? null,
    inputShape: [...inputShape],
    targetShape: [...targetShape],
    classes: classes === undefined ? null : [...classes],
  };
}

/** Whether inputs are integers, such as tokens; of a stream that is not known. */
function isInteger(data: Data | ExampleStream): boolean {
  if (isStream(data)) return false;
  return "x" in data ? data.x.dtype === "int32" : (data.inputs as unknown) instanceof Int32Array;
}

/** A model that cannot be run on zeros has no table, and trains nevertheless. */
function summaryOf(model: Module, inputShape: readonly number[], isTokens: boolean): string {
  try {
    return summary(model, inputShape, isTokens ? { dtype: "int32" } : {});
  } catch (error) {
    if (error instanceof AdjointError) return `no summary: ${error.message}`;
    throw error;
  }
}

/** From package.json, three folders up in dist/ as in src/; unknown to a bundle. */
async function versionOf(): Promise<string> {
  const { createRequire } = await import("node:module");
  try {
    const { name, version } = createRequire(import.meta.url)("../../../package.json");
    return name === "adjoint" ? version : "unknown";
  } catch {
    return "unknown";
  }
}

/** The description in a file, or undefined where it is none. */
export function parseConfig(text: string): RunConfig | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const isConfig =
      typeof parsed === "object" && (parsed as Partial<RunConfig> | null)?.format === "adjoint-run";
    return isConfig ? (parsed as RunConfig) : undefined;
  } catch {
    return undefined;
  }
}
