/** `adjoint predict`: what a trained model says of new inputs, as they come. */
import { once } from "node:events";
import { usage } from "../arguments.js";
import { eventText, print } from "../output.js";
import { type Answer, type AnswerForm, answerOf, checkProbabilities, className } from "../predict/answers.js";
import { inputsOf } from "../predict/inputs.js";
import { openPredictor } from "../predict/predictor.js";
import { openSource } from "../predict/source.js";

export interface PredictOptions {
  readonly probabilities?: boolean;
  readonly csv?: boolean;
  readonly json?: boolean;
  /** The file that makes the model, where that is not the one it was trained by. */
  readonly config?: string;
}

/** @throws AdjointError `usage`, and those of the library */
export async function predictCommand(
  path: string,
  files: readonly string[],
  options: PredictOptions,
): Promise<void> {
  if (options.csv && options.json) throw usage("--csv and --json are two formats: give one of them", "--csv");
  const predictor = await openPredictor(path, options.config);
  const { answers } = predictor;
  const { probabilities = false } = options;
  if (probabilities) checkProbabilities(answers, path);
  let row = 0;
  for (const file of files) {
    for await (const block of inputsOf(await openSource(file), predictor.inputs)) {
      const lines: string[] = [];
      for (const outputs of await predictor.apply(block)) {
        row++;
        const answer = answerOf(outputs, answers, probabilities);
        if (options.csv && row === 1) lines.push(header(answer, answers));
        if (options.json) lines.push(eventText(eventOf(answer, answers, row)));
        else lines.push(options.csv ? csvLine(answer) : textLine(answer, answers));
      }
      print(lines.join("\n"));
      // who reads slowly is waited for, so that answers do not pile up in memory
      if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
    }
  }
}

function eventOf({ prediction, outputs, probabilities }: Answer, form: AnswerForm, row: number) {
  return {
    event: "prediction",
    row,
    prediction: Array.isArray(prediction) ? prediction.join(" ") : prediction,
    outputs,
    ...(probabilities && {
      probabilities: Object.fromEntries(probabilities.map((value, at) => [className(form, at), value])),
    }),
  };
}

/** `setosa`, with probabilities `setosa 0.9812`; numbers with blanks between. */
function textLine({ prediction, probabilities }: Answer, form: AnswerForm): string {
  if (Array.isArray(prediction)) return prediction.join(" ");
  if (probabilities === undefined) return String(prediction);
  const at = probabilities.findIndex((_, i) => className(form, i) === prediction);
  return `${prediction} ${probabilities[at].toFixed(4)}`;
}

/** The names above the columns: `prediction`, and the classes; or what the numbers are called. */
function header({ prediction, probabilities }: Answer, form: AnswerForm): string {
  if (form.kind === "classes")
    return ["prediction", ...(probabilities ?? []).map((_, at) => className(form, at))].map(cell).join(",");
  const count = Array.isArray(prediction) ? prediction.length : 1;
  const name = (at: number) => form.names[at] ?? (count === 1 ? "prediction" : `output ${at}`);
  return Array.from({ length: count }, (_, at) => cell(name(at))).join(",");
}

function csvLine({ prediction, probabilities = [] }: Answer): string {
  const first = Array.isArray(prediction) ? prediction : [prediction];
  return [...first, ...probabilities].map((value) => cell(String(value))).join(",");
}

/** As RFC 4180 has it: quoted where it must be. */
function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
