/** Training: mini-batch descent over a number of epochs. */
import type { Module } from "../nn/index.js";
import { measureAll } from "./evaluate.js";
import { checkFitOptions } from "./fit-options.js";
import { checkModel, copyTree } from "./model.js";
import { prepare } from "./prepare.js";
import type { EpochRecord, FitOptions, Run } from "./run.js";

/**
 * Trains a model: for every epoch, batches of examples in a new random order, for each the loss, its gradient and an
 * update, compiled into one program for each size of batch. Statistics that layers gather (`BatchNorm`) go from step to
 * step with the model. The given model does not change and stays usable. Same seed, same result.
 *
 * @param model any {@link Module}
 * @returns the trained model, its history of losses and validation metrics, and the optimizer's state to go on with
 * @throws AdjointError `non-finite` naming the step where the loss became NaN or infinite and the operation that made it,
 * `invalid-argument`, `shape-mismatch`, `invalid-data`; with `checkpoint`, `checkpoint-failed`, `checkpoint-exists`, and with
 * `resume`, `checkpoint-missing`, `checkpoint-damaged`, `checkpoint-mismatch`
 * @example
 * setSeed(0);
 * const xor = { x: tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), y: tensor([0, 1, 1, 0], { dtype: "int32" }) };
 * const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Activation("tanh"), new nn.Linear(8, 2));
 * const optimizer = optim.sgd({ learningRate: 0.5, momentum: 0.9 });
 * const run = await train.fit(model, { data: xor, loss: "softmaxCrossEntropy", optimizer, epochs: 200, seed: 1 });
 * await train.confusion(run.model, xor); // → 2,0,0,2
 */
export async function fit<Model extends Module>(
  model: Model,
  options: FitOptions<Model>,
): Promise<Run<Model>> {
  checkModel(model, "fit");
  checkFitOptions(options);
  const prepared = await prepare(model, options);
  const { record, signal, epochs = 1 } = options;
  const { trainer, saver, patience, validation, loss, history } = prepared;
  let run: Run<Model>;
  try {
    await record?.start({
      ...prepared.start,
      model: await copyTree(trainer.trained.model),
      data: options.data,
      ...(options.validation !== undefined && { validation: options.validation }),
      ...(options.seed !== undefined && { seed: options.seed }),
    });
    let ended: Run<Model>["ended"] = patience?.isOver === true ? "early" : "finished";
    while (trainer.position.epoch <= epochs && ended === "finished") {
      const mean = await trainer.runEpoch();
      if (mean === undefined) {
        ended = "aborted";
        break;
      }
      const { epoch, epochSeconds: seconds, steps } = trainer.position;
      const measured =
        validation === undefined
          ? {}
          : await measureAll(trainer.trained.model, validation.data, validation.metrics, loss);
      const done: EpochRecord = { epoch, loss: mean, validation: measured, seconds };
      history.push(done);
      // updates keep the classes and fields of the model
      const copy = async (): Promise<Model> => (await copyTree(trainer.trained.model)) as Model;
      if (options.onEpoch !== undefined)
        if ((await options.onEpoch({ ...done, epochs, model: await copy() })) === false) ended = "stopped";
      await record?.epoch({ ...done, model: await copy(), steps });
      if (patience?.take(done) === true && patience.restoresBest) prepared.keep(await copy());
      if (patience?.isOver === true && ended === "finished") ended = "early";
      const isBest = prepared.takeBest(done);
      trainer.endEpoch();
      if (signal?.aborted === true && epoch < epochs) ended = "aborted";
      const isLast = ended !== "finished" || epoch >= epochs;
      if (isBest || isLast || saver?.isDueAfter(epoch) === true) await trainer.save(isBest);
    }
    // in the midst of an epoch, or after one for which none was due
    if (ended === "aborted" && saver?.isUpToDate(trainer.position) !== true) await trainer.save(false);
    await saver?.settle();
    run = prepared.result(ended) as Run<Model>;
  } catch (cause) {
    const error = prepared.explained(cause);
    // a checkpoint on its way is of before, and worth finishing
    await saver?.settle().catch(() => {});
    try {
      await record?.end({ error, history });
    } catch {
      // what ended the run is the news, not who could not write it down
    }
    throw error;
  }
  // told once how it ended, whatever comes of telling it
  await record?.end(run);
  return run;
}
