/** What a run does about checkpoints before its first step: finds the one to go on from, or makes sure that there is none. */
import { AdjointError } from "../../index.js";
import { nodeFiles } from "./files.js";
import type { CheckpointPlan, Notice } from "./options.js";
import { bestName, CheckpointStore, type Found } from "./store.js";

/** A directory of checkpoints that a run may write to, and the checkpoint it goes on from. */
export interface CheckpointSession {
  readonly store: CheckpointStore;
  readonly found: Found | undefined;
}

/**
 * @param resume whether to go on from the latest checkpoint; "auto": only where there is one
 * @throws AdjointError `checkpoint-missing`, `checkpoint-exists`, `checkpoint-damaged`, `checkpoint-failed`
 */
export async function openSession(
  plan: CheckpointPlan,
  resume: boolean | "auto",
  tell: (notice: Notice) => unknown,
): Promise<CheckpointSession> {
  const { directory } = plan;
  const store = new CheckpointStore(directory, plan.files ?? (await nodeFiles()), plan.keep);
  if (resume !== false) {
    const found = await store.latest(tell);
    if (found === undefined && resume === true)
      throw new AdjointError(
        "checkpoint-missing",
        `fit: there is no checkpoint to resume from in ${directory}; begin anew without it`,
        { operation: "fit", argument: "resume", expected: "a checkpoint", file: directory },
      );
    if (found !== undefined) {
      await store.open();
      return { store, found };
    }
  }
  const existing = await store.existing();
  // the best model of a run whose checkpoints were removed is not written over either
  const remedy = existing === bestName ? "" : "go on with it (resume: true, or --resume), or ";
  if (existing !== undefined)
    throw new AdjointError(
      "checkpoint-exists",
      `fit: ${directory} holds the checkpoints of another run (${existing}); ${remedy}choose another directory`,
      {
        operation: "fit",
        argument: "checkpoint",
        expected: "a directory without checkpoints",
        file: directory,
      },
    );
  await store.open();
  return { store, found: undefined };
}
