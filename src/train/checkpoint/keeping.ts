/**
 * What a run with checkpoints does besides: says what it is, and begins anew or goes on from the latest. Only such runs load this, and
 * with it all that reads and writes files.
 */
import type { Module } from "../../nn/index.js";
import type { FitOptions } from "../run.js";
import { checkFingerprint, type Fingerprint, fingerprintOf } from "./fingerprint.js";
import { type CheckpointPlan, warn } from "./options.js";
import { type Position, parseRecord } from "./record.js";
import { checkNames, type RunState, stateFrom } from "./restore.js";
import { Saver } from "./saver.js";
import { openSession } from "./session.js";

export { fingerprintOfRows } from "./fingerprint.js";

/** A run's state before its first step, and who keeps it from then on. */
export interface Begun {
  readonly state: RunState;
  readonly saver: Saver | undefined;
}

/** The state of a run that begins anew, but for what it is. */
export type Fresh = Omit<RunState, "record"> & { readonly position: Position };

/**
 * The state the run begins with, or goes on from.
 *
 * @param settings what else two runs must have in common
 * @throws AdjointError `invalid-argument`, `checkpoint-exists`, `checkpoint-missing`, `checkpoint-damaged`, `checkpoint-mismatch`
 */
export async function beginning(
  model: Module,
  { resume = false, onNotice, optimizer, epochs = 1 }: FitOptions,
  plan: CheckpointPlan,
  { position, ...fresh }: Fresh,
  settings: Fingerprint,
): Promise<Begun> {
  const fingerprint = { ...settings, ...fingerprintOf(model) };
  checkNames(model);
  const { store, found } = await openSession(plan, resume, onNotice ?? warn);
  const saver = new Saver(store, plan);
  if (found === undefined)
    return { state: { ...fresh, record: { fingerprint, position, history: [] } }, saver };
  const { file } = found;
  const record = parseRecord(found.record, file);
  checkFingerprint(record.fingerprint, fingerprint, file);
  const state = stateFrom(found, record, model, optimizer, file);
  const { epoch, batch, steps } = record.position;
  // the run was killed after its checkpoint was written, and before the best one was
  if (record.best?.step === steps && batch === 0) await store.repairBest(steps);
  saver.goOnFrom(steps, file);
  const inside = batch === 0 ? "" : `, after ${batch} of its batches`;
  const where = epoch > epochs ? `all ${epochs} epochs are done` : `epoch ${epoch} of ${epochs}${inside}`;
  const message = `going on from ${file}: ${where}, ${steps} updates made`;
  await onNotice?.({ kind: "resumed", file, epoch, batch, step: steps, message });
  return { state, saver };
}

/**
 * Values of one metric are not compared with those of another; whether there is one at all may change.
 * @throws AdjointError `checkpoint-mismatch` where both are there and differ
 */
export function checkSameMetric(
  name: string,
  was: string | undefined,
  is: string | undefined,
  file = "the checkpoint",
): void {
  if (was !== undefined && is !== undefined) checkFingerprint({ [name]: was }, { [name]: is }, file);
}
