/** What a checkpoint holds besides tensors, as JSON: where the run is, what it measured, and what it must agree with. */
import type { EarlyStoppingState } from "../early-stopping.js";
import type { EpochRecord } from "../run.js";
import type { Fingerprint } from "./fingerprint.js";
import { damaged } from "./format.js";
import type { Described } from "./tree.js";

/** Where in a run we are. */
export interface Position {
  /** The epoch that is running, from 1; past the last where all is done. */
  readonly epoch: number;
  /** Batches of it that are done. */
  readonly batch: number;
  /** Examples of it that are done. */
  readonly examples: number;
  /** Updates, and batches, since the run began. */
  readonly steps: number;
  readonly calls: number;
  /** Updates made by runs before this one. */
  readonly stepsBefore: number;
  /** Σ loss · examples of the epoch, as far as it was moved out of the program. */
  readonly lossSum: number;
  /** Wall time of the epoch's updates, and of the run. */
  readonly epochSeconds: number;
  readonly seconds: number;
}

/** The best epoch so far. */
export interface BestSoFar {
  /** What it is the best by: `loss, min`. */
  readonly metric: string;
  readonly value: number;
  readonly epoch: number;
  readonly step: number;
}

/** Everything but the tensors. */
export interface CheckpointRecord {
  readonly fingerprint: Fingerprint;
  readonly position: Position;
  readonly history: readonly EpochRecord[];
  readonly state: Described;
  readonly sums?: Described;
  readonly best?: BestSoFar;
  readonly early?: EarlyStoppingState;
}

/** Numbers JSON does not have, and −0, which it loses, become texts that no other number is written as. */
export function toPlain(value: unknown): unknown {
  if (typeof value === "number")
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { number: Object.is(value, -0) ? "-0" : String(value) };
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toPlain(inner)]));
}

function fromPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0][0] === "number" && typeof entries[0][1] === "string")
    return Number(entries[0][1]);
  return Object.fromEntries(entries.map(([key, inner]) => [key, fromPlain(inner)]));
}

type Check = (value: unknown) => boolean;
const isNumber: Check = (value) => typeof value === "number";
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isText: Check = (value) => typeof value === "string";
const isMissing: Check = (value) => value === undefined;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isRecordOf =
  (entry: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(entry);
const isListOf =
  (entry: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(entry);
const has =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(fields).every(([name, check]) => check(value[name]));
const either =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
const isDescribed: Check = (value) =>
  value === "tensor" ||
  either(
    has({ list: isListOf((item) => isDescribed(item)) }),
    has({
      object: isListOf(
        (pair) => Array.isArray(pair) && pair.length === 2 && isText(pair[0]) && isDescribed(pair[1]),
      ),
      class: either(isMissing, isText),
    }),
    has({ given: isText }),
    (plain) => isObject(plain) && Object.keys(plain).join() === "value",
  )(value);

const isRecord = has({
  fingerprint: isRecordOf(isText),
  position: has({
    epoch: isCount,
    batch: isCount,
    examples: isCount,
    steps: isCount,
    calls: isCount,
    stepsBefore: isCount,
    lossSum: isNumber,
    epochSeconds: isNumber,
    seconds: isNumber,
  }),
  history: isListOf(
    has({ epoch: isCount, loss: isNumber, seconds: isNumber, validation: isRecordOf(isNumber) }),
  ),
  state: isDescribed,
  sums: either(isMissing, isDescribed),
  best: either(isMissing, has({ metric: isText, value: isNumber, epoch: isCount, step: isCount })),
  early: either(
    isMissing,
    has({ metric: isText, best: either(isMissing, isNumber), epoch: isCount, waited: isCount }),
  ),
});

/** @throws AdjointError `checkpoint-damaged` for what no run has written */
export function parseRecord(plain: unknown, file: string): CheckpointRecord {
  const record = fromPlain(plain);
  // every field has just been looked at
  if (isRecord(record)) return record as CheckpointRecord;
  throw damaged(file, "what it says of its run is not what a run writes");
}
