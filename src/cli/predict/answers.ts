/** What outputs of a model mean: classes with their probabilities, or numbers. */
import { AdjointError } from "../../index.js";
import { usage } from "../arguments.js";

/** How outputs are to be read. */
export interface AnswerForm {
  readonly kind: "classes" | "numbers";
  /** Of the classes, or of the numbers; may be fewer than there are. */
  readonly names: readonly string[];
  /** The name of the library's loss it was trained with. */
  readonly loss: string | undefined;
  /** What undoes the scaling of targets: value · deviation + mean. */
  readonly scale?: { readonly mean: readonly number[]; readonly deviation: readonly number[] };
}

/** What a model says of one input. */
export interface Answer {
  /** A class, or the numbers. */
  readonly prediction: string | number | readonly number[];
  readonly outputs: readonly number[];
  /** Of every class. */
  readonly probabilities?: readonly number[];
}

/** The answer that the outputs for one input give. */
export function answerOf(outputs: readonly number[], form: AnswerForm, withProbabilities: boolean): Answer {
  if (form.kind === "numbers") {
    const { scale } = form;
    const numbers =
      scale === undefined
        ? outputs
        : outputs.map(
            (value, i) =>
              value * scale.deviation[i % scale.deviation.length] + scale.mean[i % scale.mean.length],
          );
    return { prediction: numbers.length === 1 ? numbers[0] : numbers, outputs: numbers };
  }
  // logits of a single output are on one side of 0, probabilities of ½
  const threshold = form.loss === "sigmoidCrossEntropy" ? 0 : 0.5;
  const best = outputs.length === 1 ? Number(outputs[0] > threshold) : outputs.indexOf(Math.max(...outputs));
  return {
    prediction: className(form, best),
    outputs,
    ...(withProbabilities ? { probabilities: probabilitiesOf(outputs, form) } : {}),
  };
}

/** The name of a class, or its number. */
export function className({ names }: AnswerForm, at: number): string {
  return names[at] ?? String(at);
}

/**
 * The probability of every class. Trained by squares, outputs between 0 and 1 are estimates of it, each by itself: what is nearest to
 * labels of 0 and 1 on average is their mean.
 *
 * @throws AdjointError `invalid-data` for outputs that are no probabilities
 */
function probabilitiesOf(outputs: readonly number[], { loss }: AnswerForm): number[] {
  const values = outputsToProbabilities(outputs, loss);
  return values.length === 1 ? [1 - values[0], values[0]] : values;
}

function outputsToProbabilities(outputs: readonly number[], loss: string | undefined): number[] {
  switch (loss) {
    case "softmaxCrossEntropy": {
      const most = Math.max(...outputs);
      const powers = outputs.map((value) => Math.exp(value - most));
      const total = powers.reduce((sum, value) => sum + value, 0);
      return powers.map((value) => value / total);
    }
    case "sigmoidCrossEntropy":
      return outputs.map((value) => 1 / (1 + Math.exp(-value)));
    case "negativeLogLikelihood":
      return outputs.map((value) => Math.exp(value));
    default:
      if (outputs.every((value) => value >= 0 && value <= 1)) return [...outputs];
      throw new AdjointError(
        "invalid-data",
        `--probabilities: the outputs of a model trained with ${loss ?? "a loss of its own"} are no probabilities, received ${outputs.slice(0, 3).map(String).join(", ")}; --json shows the outputs`,
      );
  }
}

/** @throws AdjointError `usage` where there are no classes to be probable */
export function checkProbabilities({ kind }: AnswerForm, model: string): void {
  if (kind === "numbers")
    throw usage(`--probabilities is for classes; ${model} predicts numbers`, "--probabilities");
}
