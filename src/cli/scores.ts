/** What is measured beside the loss where a model is finished: of classes F1, of numbers R² and the mean error in their units. */
import type { Dataset } from "../data/index.js";
import type { Module } from "../nn/index.js";
import { evaluate, type LossName } from "../train/index.js";
import type { DataConfig } from "./config.js";
import { loss } from "./output.js";

/** Scores by their names in JSON. */
export type Scores = Readonly<Record<string, number>>;

/** Measures a model once more. */
export async function scoresOf(
  model: Module,
  data: Dataset,
  config: DataConfig,
  name: LossName,
): Promise<Scores> {
  if (data.targetShape.length === 0) {
    const { f1 } = await evaluate(model, data, ["f1"], { loss: name });
    return { f1 };
  }
  const { r2, meanAbsoluteError } = await evaluate(model, data, ["r2", "meanAbsoluteError"], { loss: name });
  // several columns may have several units
  if (data.targetShape.length !== 1 || data.targetShape[0] !== 1) return { r2 };
  const answer = config.kind === "csv" ? config.table?.answer : undefined;
  const unit = answer?.kind === "numbers" ? answer.deviation[0] : 1;
  return { r2, meanAbsoluteError: meanAbsoluteError * unit };
}

/** `F1 0.9661`, or `R² 0.9754  mean absolute error 4512` of a column. */
export function describeScores({ f1, r2, meanAbsoluteError }: Scores, config: DataConfig): string {
  if (f1 !== undefined) return `F1 ${loss(f1)}`;
  const column = config.kind === "csv" ? config.target?.[0] : undefined;
  const error =
    meanAbsoluteError === undefined
      ? ""
      : `  mean absolute error ${Number(meanAbsoluteError.toPrecision(4))}${column === undefined ? "" : ` (${column})`}`;
  return `R² ${loss(r2)}${error}`;
}
