/** From facts to findings: the rules in order, causes before consequences, remedies tried. */
import type { Refusal } from "../document.js";
import { real } from "../numbers.js";
import { type Counterfactual, type Finding, type FindingCode, findingCodes } from "./document.js";
import { consequencesOf, type Draft, type Rule } from "./draft.js";
import type { Facts } from "./facts.js";
import type { Broken } from "./non-finite.js";
import { unnormalisedInputs, unreachableTargets, wrongLoss } from "./rules-data.js";
import { hardlyAny, judgeRate } from "./rules-rate.js";
import { explodingGradient, saturatedOutput, vanishingGradient } from "./rules-signals.js";
import { deadUnits, lossAtStart, saturatedUnits, symmetricUnits, weightsTooLarge } from "./rules-weights.js";
import { type Course, isBetter, type Setup, type Tried, tryOut } from "./trial.js";

/** In the order of `findingCodes`: what may cause what comes after it. */
const rules: readonly Rule[] = [
  wrongLoss,
  unreachableTargets,
  unnormalisedInputs,
  symmetricUnits,
  weightsTooLarge,
  deadUnits,
  saturatedOutput,
  explodingGradient,
  vanishingGradient,
  saturatedUnits,
  lossAtStart,
];

/** What findings are made from. */
export interface Suspicion {
  readonly facts: Facts;
  readonly broken: Broken | null;
  readonly baseline: Tried | null;
  readonly setup: Setup;
  readonly course: Course;
  readonly judgesRate: boolean;
  /** One forward and backward pass of another setup. */
  readonly factsOf: (setup: Setup) => Facts;
  /** Whether the time for trying remedies is up. */
  readonly isLate: () => boolean;
}

/** All findings, causes first; what a cause explains is among its consequences. */
export async function findingsOf(suspicion: Suspicion): Promise<Finding[]> {
  const { facts, broken, baseline, setup, course, judgesRate } = suspicion;
  if (broken !== null) return [brokenFinding(broken)];
  const drafts = rules.flatMap((rule) => {
    const draft = rule(facts);
    return draft === null ? [] : [draft];
  });
  const isExplained = (code: FindingCode): boolean =>
    drafts.some((draft) => consequencesOf[draft.code].includes(code));
  // the runs of one rate serve both the judgement and the remedy
  const known = new Map<number, Promise<Tried>>();
  const atRate = (times: number): Promise<Tried> => {
    const run = known.get(times) ?? tryOut({ ...setup, rate: times }, course);
    known.set(times, run);
    return run;
  };
  if (judgesRate && baseline !== null && !isExplained("learning-rate-too-high")) {
    const { schedule } = setup.optimizer;
    const before = setup.state === null ? 0 : await setup.state.step.item();
    const draft = await judgeRate(facts, baseline, atRate, schedule && ((step) => schedule(before + step)));
    if (draft !== null) drafts.push(draft);
  }
  drafts.sort((a, b) => findingCodes.indexOf(a.code) - findingCodes.indexOf(b.code));
  const causes = drafts.filter(({ code }) => !isExplained(code));
  const findings: Finding[] = [];
  for (const draft of causes) {
    const { treatments, untried, measure, ...said } = draft;
    findings.push({
      ...said,
      counterfactual: await counterfactual(draft, suspicion),
      consequences: drafts
        .filter(({ code }) => consequencesOf[said.code].includes(code))
        .map(({ code, summary }) => ({ code, summary })),
      place: null,
    });
  }
  return findings;
}

function brokenFinding({ phase, summary, evidence, place }: Broken): Finding {
  const remedies: Readonly<Record<Broken["phase"], string>> = {
    data: "Remove or replace what is missing before training.",
    parameter: "Go back to parameters from before it happened, and look there with a smaller learning rate.",
    forward:
      "Look at the inputs named above: logarithms and quotients need numbers away from 0, exponentials small ones; the library's losses take logits for that reason.",
    backward:
      "The value is finite but its slope is not, as with the root of 0: add a small constant inside, or keep the point away with where.",
  };
  return {
    code: "non-finite",
    severity: "error",
    layers: [],
    summary,
    evidence,
    limit: null,
    meaning:
      "NaN and infinities spread to whatever is computed from them: one update later every parameter has them.",
    remedy: remedies[phase],
    counterfactual: { status: "refused", reason: "there is no training with numbers that are not finite" },
    consequences: [],
    place,
  };
}

/** The first remedy that helps; where none does, the first that could be tried. */
async function counterfactual(
  { treatments, untried, measure }: Draft,
  { facts, baseline, setup, course, isLate, factsOf }: Suspicion,
): Promise<Counterfactual | Refusal> {
  if (baseline === null) return { status: "refused", reason: "no trial runs were asked for" };
  let reason = untried ?? "no change of this model or its training that could be made here would show it";
  let first: Counterfactual | undefined;
  const margin = hardlyAny * (facts.constantLoss ?? Math.abs(facts.lossValue));
  for (const treatment of treatments) {
    if (isLate()) {
      reason = "the time for trying remedies was up";
      break;
    }
    const changed = treatment.apply(setup);
    if (typeof changed === "string") {
      reason = changed;
      continue;
    }
    const { trial } = await tryOut(changed, course);
    const tried: Counterfactual = {
      status: "run",
      change: treatment.change,
      without: baseline.trial,
      with: trial,
      effect:
        measure === undefined || (changed.model === setup.model && changed.prepare === setup.prepare)
          ? null
          : {
              what: measure.what,
              without: real(measure.of(facts)),
              with: real(measure.of(factsOf(changed))),
            },
      helps: isBetter(baseline.trial, trial, changed.loss === setup.loss, margin),
    };
    if (tried.helps) return tried;
    first ??= tried;
  }
  return first ?? { status: "refused", reason };
}
