/** `adjoint export`: a trained model for other programs. */

import { stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { type Command, Option } from "commander";
import { ones, type Tensor, tensor } from "../../index.js";
import { exportOnnx, saveNpz, saveSafetensors } from "../../io/index.js";
import * as nn from "../../nn/index.js";
import { integerOption, nameOption, suggestion, usage } from "../arguments.js";
import { configOption, json, verbose } from "../options.js";
import { grouped, print, printEvent } from "../output.js";
import { checkProbabilities, className } from "../predict/answers.js";
import { openPredictor, type Predictor } from "../predict/predictor.js";
import { runUserCode } from "../user-module.js";

/** What a model can be written as. */
const formats = ["onnx", "safetensors", "npz"] as const;
type Format = (typeof formats)[number];

export interface ExportOptions {
  readonly to?: string;
  readonly format?: Format;
  readonly probabilities?: boolean;
  /** A fixed number of inputs at once; by default any. */
  readonly batch?: number;
  readonly config?: string;
  readonly json?: boolean;
}

/** @throws AdjointError `usage`, `unsupported-operator`, and those of the library */
export async function exportCommand(path: string, options: ExportOptions): Promise<void> {
  const { to, format } = await target(path, options);
  const predictor = await openPredictor(path, options.config);
  if (format !== "onnx") {
    const given =
      options.probabilities === true ? "--probabilities" : options.batch === undefined ? "" : "--batch";
    if (given !== "")
      throw usage(
        `${given} is for the computation, which only --format onnx writes; ${format} holds weights`,
        given,
      );
    const weights = nn.stateDict(predictor.model);
    await (format === "npz" ? saveNpz : saveSafetensors)(to, weights);
    const names = Object.keys(weights);
    if (options.json) printEvent({ event: "export", model: path, file: to, format, tensors: names });
    else
      print(
        `written  ${to}: ${grouped(names.length)} tensors, ${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}`,
      );
    return;
  }
  const { probabilities = false, batch } = options;
  if (probabilities) checkProbabilities(predictor.answers, path);
  const { shape } = predictor.inputs;
  // several, so that nothing takes the batch for an extent of 1
  const example = ones([batch ?? 2, ...shape], { dtype: predictor.inputDType });
  const outputName = probabilities ? "probabilities" : "output";
  const computation = wrapped(predictor, probabilities);
  await runUserCode(path, () =>
    exportOnnx(to, computation, [example], {
      dynamicBatch: batch === undefined,
      inputNames: ["input"],
      outputNames: [outputName],
    }),
  );
  describe(path, to, predictor, [batch ?? "batch", ...shape], outputName, options);
}

/** Where to, and as what: a file's name says its format unless told otherwise. */
async function target(path: string, { to, format }: ExportOptions): Promise<{ to: string; format: Format }> {
  const named = to === undefined ? undefined : formatOf(to);
  if (to !== undefined && format === undefined && named === undefined)
    throw usage(
      `--to must end in ${formats.map((name) => `.${name}`).join(", ")}, or --format say what is written, received ${to}${suggestion(extname(to).slice(1), formats)}`,
      "--to",
    );
  const chosen = format ?? named ?? "onnx";
  if (to !== undefined) return { to, format: chosen };
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  // the run's own weights are called model.safetensors
  const name = chosen === "safetensors" ? "weights.safetensors" : `model.${chosen}`;
  return { to: join(isFolder ? path : dirname(path), name), format: chosen };
}

function formatOf(file: string): Format | undefined {
  const ending = extname(basename(file)).slice(1).toLowerCase();
  return formats.find((name) => name === ending);
}

/** The model with the scaling of its inputs before and that of its outputs undone behind: what other programs give it is raw. */
function wrapped({ model, inputs, answers, scaling }: Predictor, probabilities: boolean): nn.Module {
  const before = scaling ?? columnScaling(inputs.transform);
  const { loss, scale } = answers;
  const after = scale !== undefined && isScaled(scale) ? scale : undefined;
  const needsOutputs = after !== undefined || (probabilities && isLogit(loss));
  if (before === undefined && !needsOutputs) return model;
  const row = (values: readonly number[]) => tensor([...values], { dtype: "float32" });
  const parts = {
    model,
    ...(before && { mean: row(before.mean), deviation: row(before.deviation) }),
    ...(after && { outputMean: row(after.mean), outputDeviation: row(after.deviation) }),
    forward(this: Parts, x: Tensor): Tensor {
      const { mean, deviation, outputMean, outputDeviation } = this;
      const input = mean === undefined || deviation === undefined ? x : x.sub(mean).div(deviation);
      const output = this.model.forward(input);
      if (outputMean !== undefined && outputDeviation !== undefined)
        return output.mul(outputDeviation).add(outputMean);
      return probabilities ? probable(output, loss) : output;
    },
  };
  return parts;
}

interface Parts {
  readonly model: nn.Module;
  readonly mean?: Tensor;
  readonly deviation?: Tensor;
  readonly outputMean?: Tensor;
  readonly outputDeviation?: Tensor;
}

const isLogit = (loss: string | undefined): boolean =>
  loss === "softmaxCrossEntropy" || loss === "sigmoidCrossEntropy" || loss === "negativeLogLikelihood";

function probable(output: Tensor, loss: string | undefined): Tensor {
  if (loss === "softmaxCrossEntropy") return output.softmax(-1);
  if (loss === "sigmoidCrossEntropy") return output.sigmoid();
  return loss === "negativeLogLikelihood" ? output.exp() : output;
}

type Scale = { readonly mean: readonly number[]; readonly deviation: readonly number[] };

function isScaled({ mean, deviation }: Scale): boolean {
  return mean.some((value) => value !== 0) || deviation.some((value) => value !== 1);
}

/** What a table's transform does to numbers; undefined where that is nothing. */
function columnScaling(transform: Predictor["inputs"]["transform"]): Scale | undefined {
  if (transform === undefined) return undefined;
  const columns = transform.columns.flatMap((column) => {
    if (column.kind !== "categorical") return [{ mean: column.mean, deviation: column.deviation }];
    const width = column.encode === "code" ? 1 : column.categories.length;
    return Array.from({ length: width }, () => ({ mean: 0, deviation: 1 }));
  });
  const scale = {
    mean: columns.map(({ mean }) => mean),
    deviation: columns.map(({ deviation }) => deviation),
  };
  return isScaled(scale) ? scale : undefined;
}

/** Says what goes in and what comes out, which a file of tensors does not. */
function describe(
  model: string,
  file: string,
  { inputs, answers }: Predictor,
  inputShape: readonly (number | string)[],
  outputName: string,
  { json }: ExportOptions,
): void {
  const names = inputs.transform?.inputNames ?? [];
  const outputs =
    answers.kind === "classes" ? answers.names.map((_, at) => className(answers, at)) : answers.names;
  if (json) {
    printEvent({
      event: "export",
      model,
      file,
      format: "onnx",
      input: { name: "input", shape: inputShape, columns: names },
      output: { name: outputName, columns: outputs },
    });
    return;
  }
  print(`input    [${inputShape.join(", ")}]${listed(names)}`);
  const shown = listed(outputs).replace(/^: /, "");
  print(`output   ${outputName === "output" ? "" : "probabilities of "}${shown}`.trimEnd());
  print(`written  ${file}`);
}

/** As many names as a line holds. */
function listed(names: readonly string[]): string {
  if (names.length === 0) return "";
  let text = "";
  for (const [i, name] of names.entries()) {
    const next = `${text}${i === 0 ? ": " : ", "}${name}`;
    if (next.length > 50) return `${text}, …`;
    text = next;
  }
  return text;
}

/** Adds the command to a program. */
export function addExport(program: Command): void {
  program
    .command("export")
    .summary("write a trained model for other programs")
    .description(
      `Writes a trained model as a file that other programs read:
  onnx         the whole computation, with the scaling of inputs and outputs,
               for any number of inputs at once
  safetensors  the weights alone, under PyTorch's names
  npz          the same for NumPy`,
    )
    .argument("<model>", "what adjoint train wrote: its directory, or model.safetensors")
    .addOption(new Option("--to <file>", "where to (default: model.onnx beside the model)"))
    .addOption(new Option("--out <file>").hideHelp())
    .addOption(
      new Option(
        "--format <name>",
        `${formats.join(", ")} (default: by the file's name, else onnx)`,
      ).argParser(nameOption("--format", formats)),
    )
    .addOption(new Option("-p, --probabilities", "onnx: give probabilities of classes rather than outputs"))
    .addOption(
      new Option("--batch <n>", "onnx: for exactly n inputs at once (default: any number)").argParser(
        integerOption("--batch", 1),
      ),
    )
    .addOption(configOption())
    .addOption(json("print a JSON object"))
    .addOption(verbose())
    .addHelpText(
      "after",
      `
Examples:
  adjoint export runs/mnist-1
  adjoint export runs/iris-1 --to iris.onnx --probabilities
  adjoint export runs/iris-1 --to iris.npz`,
    )
    .action(async (model: string, { out, ...options }: ExportOptions & { readonly out?: string }) => {
      if (out !== undefined && options.to !== undefined)
        throw usage("--out and --to are one option: give one of them", "--out");
      await exportCommand(model, out === undefined ? options : { ...options, to: out });
    });
}
