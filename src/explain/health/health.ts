/** health: what is wrong with a network, as numbers show it, and what becomes of it with the remedy. */
import { isTensor, random, type Tensor } from "../../index.js";
import { type Module, parameters, trainForward } from "../../nn/index.js";
import { adam } from "../../optim/index.js";
import type { Data } from "../../train/index.js";
import { adjointsOf, recordTape } from "../../transforms/tape.js";
import { AdjointError } from "../../util/errors.js";
import { flatten } from "../../util/tree.js";
import type { Refusal } from "../document.js";
import { fromReal, real } from "../numbers.js";
import { TapeIndex } from "../tape-index.js";
import { anatomyOf } from "./anatomy.js";
import type { HealthDocument, Trial } from "./document.js";
import { type Batch, examplesOf } from "./examples.js";
import { constantLossOf, denseTargets, type Facts, lossNameOf, numbersOf } from "./facts.js";
import { findingsOf, type Suspicion } from "./findings.js";
import { measureLayers, spreadOf } from "./measure.js";
import { brokenData, brokenTape } from "./non-finite.js";
import { checkHealthModel, type HealthOptions, type Resolved, resolveOptions } from "./options.js";
import { HealthReport } from "./report.js";
import { type Course, type Setup, type Tried, tryOut } from "./trial.js";

/**
 * Looks for what keeps a network from learning: for each layer gradients and how they change from layer to layer, saturation
 * by the slope σ′, dead units, the size of updates beside the weights; the loss at the start; the first NaN or infinity with
 * its line. A finding has its numbers, the published limit they passed, a remedy, and what a short training run comes to
 * without that remedy and with it. The model given does not change.
 *
 * @param model any model: best as it is before training, or in the midst of it
 * @param data what it learns from: a dataset, or { x, y } of tensors
 * @param options.loss by name or as a function, as in `fit`
 * @param options.optimizer as in `fit`; without one the learning rate is not judged
 * @returns a report; its `findings` are empty for a healthy network
 * @throws AdjointError `invalid-argument`, `shape-mismatch`, `invalid-data`, and what the model throws
 * @example
 * const { zeros } = nn.init;
 * const layers = [new nn.Linear(2, 8, { init: zeros }), new nn.Activation("tanh"), new nn.Linear(8, 2, { init: zeros })];
 * const xor = { x: tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), y: tensor([0, 1, 1, 0], { dtype: "int32" }) };
 * const loss = "softmaxCrossEntropy";
 * const { findings } = await explain.explain.health(new nn.Sequential(layers), xor, { loss });
 * findings[0].code; // → symmetric-units
 */
export async function health(model: Module, data: Data, options: HealthOptions): Promise<HealthReport> {
  return examine(model, data, options, null, "explain.health");
}

/** The same at a step of a training run. */
export async function examine(
  model: Module,
  data: Data,
  options: HealthOptions,
  step: number | null,
  operation: string,
): Promise<HealthReport> {
  checkHealthModel(model, operation);
  const resolved = resolveOptions(options, operation);
  const started = performance.now();
  const rows = await examplesOf(data, dtypeOf(model), resolved.seed, operation);
  const batch = rows.sample(resolved.examples);
  const facts = factsOf(model, batch, resolved, operation);
  const [x, y] = [numbersOf(batch.x), numbersOf(batch.y)];
  const count = batch.x.shape[0];
  const broken =
    brokenData("inputs", x, count) ?? brokenData("targets", y, count) ?? brokenTape(facts.anatomy.index);

  const setup: Setup = {
    model,
    loss: resolved.loss,
    optimizer: resolved.optimizer ?? adam({ learningRate: 1e-3 }),
    state: resolved.optimizer === undefined ? null : resolved.optimizerState,
    rate: 1,
    prepare: (given) => given,
    read: (output) => output,
    threshold: facts.lossName === "sigmoidCrossEntropy" ? 0 : 0.5,
  };
  const course: Course = {
    batches: resolved.steps === 0 ? [] : rows.batches(resolved.batchSize, resolved.steps),
    measured: batch,
    seed: resolved.seed,
  };
  const isTried = broken === null && resolved.steps > 0;
  const baseline = isTried ? await tryOut(setup, course) : null;
  const suspicion: Suspicion = {
    facts: { ...facts, learns: learns(facts, baseline) },
    broken,
    baseline,
    setup,
    course,
    judgesRate: resolved.optimizer !== undefined,
    factsOf: (changed) => {
      const prepared = { ...batch, x: changed.prepare(batch.x) };
      return factsOf(changed.model, prepared, { ...resolved, loss: changed.loss }, operation);
    },
    isLate: () => performance.now() - started > 1000 * resolved.seconds,
  };
  const findings = await findingsOf(suspicion);
  return new HealthReport({
    format: "adjoint-health",
    version: 1,
    examples: count,
    parameters: parameters(model).reduce((total, [, { size }]) => total + size, 0),
    seed: resolved.seed,
    step,
    loss: {
      name: facts.lossName,
      value: real(facts.lossValue),
      constant: facts.constantLoss === null ? null : real(facts.constantLoss),
    },
    inputs: batch.x.dtype === "int32" ? null : spreadOf(x),
    outputs: spreadOf(numbersOf(facts.output)),
    layers: layersOf(facts, resolved.optimizer === undefined ? null : baseline),
    trial: trialOf(baseline, broken !== null),
    findings,
    thresholds: resolved.thresholds,
  });
}

function trialOf(baseline: Tried | null, isBroken: boolean): Trial | Refusal {
  if (baseline !== null) return baseline.trial;
  const reason = isBroken ? "the loss or its gradient is not finite" : "no steps were asked for";
  return { status: "refused", reason };
}

function layersOf({ anatomy, layers }: Facts, baseline: Tried | null): HealthDocument["layers"] {
  return layers.map((layer, i) => {
    const found = baseline?.updates.get(anatomy.layers[i].weightPath);
    const updateRatio = found === undefined ? null : { mean: real(found.mean), peak: real(found.peak) };
    return { ...layer, updateRatio };
  });
}

/** One forward and backward pass with everything kept. */
function factsOf(
  model: Module,
  batch: Batch,
  { loss, thresholds, seed }: Resolved,
  operation: string,
): Facts {
  let output: Tensor | undefined;
  const key = random.key(seed);
  const tape = recordTape(
    operation,
    (network) => {
      // the argument is the model, with tensors that are watched
      [output] = trainForward(network as Module, batch.x, { key });
      return loss(output, batch.y);
    },
    [model],
  );
  if (output === undefined) throw new AdjointError("internal", `internal error: ${operation} saw no output`);
  const index = new TapeIndex(tape, adjointsOf(tape));
  const anatomy = anatomyOf(index, output);
  const lossName = lossNameOf(loss);
  return {
    anatomy,
    layers: measureLayers(anatomy, thresholds),
    batch,
    loss,
    lossName,
    lossValue: index.valuesOf(tape.output)[0],
    constantLoss: constantLossOf(lossName, loss, output, batch.y, anatomy.outputActivation),
    output,
    target: denseTargets(output, batch.y),
    thresholds,
    seed,
    learns: null,
  };
}

/** What a run says of whether it learns at all. */
function learns({ constantLoss }: Facts, baseline: Tried | null): boolean | null {
  if (baseline === null || constantLoss === null) return null;
  return fromReal(baseline.trial.loss.end) < constantLoss;
}

/** float64 where a parameter is, float32 otherwise. */
function dtypeOf(model: Module): "float32" | "float64" {
  return flatten(model, isTensor).leaves.some(({ dtype }) => dtype === "float64") ? "float64" : "float32";
}
