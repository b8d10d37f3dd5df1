/** A health report as plain text in 80 columns: nothing is lost without colour. */
import type { Real, Refusal } from "../document.js";
import { fromReal, show } from "../numbers.js";
import { heading, lineWidth, padTo, table, widthOf, wrap } from "../text-layout.js";
import type { Counterfactual, Finding, HealthDocument, LayerHealth, Trial } from "./document.js";

/** Lines of evidence that are shown of a finding. */
const shownEvidence = 8;

/** The whole document. */
export function healthText(document: HealthDocument): string {
  const { findings } = document;
  return [
    ...headText(document),
    ...findings.flatMap((finding, i) => findingText(finding, i + 1)),
    ...layersText(document),
    ...trialText(document),
    "",
  ].join("\n");
}

function verdict(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  const count = (n: number, word: string): string[] => (n === 0 ? [] : [`${n} ${word}${n === 1 ? "" : "s"}`]);
  if (findings.length === 0) return "✓ healthy: nothing found";
  return `${errors > 0 ? "✗" : "!"} ${[...count(errors, "error"), ...count(warnings, "warning")].join(", ")}`;
}

function headText({ findings, examples, parameters, loss, step }: HealthDocument): string[] {
  const title = step === null ? "Health" : `Health after ${step} steps`;
  const right = verdict(findings);
  const constant = loss.constant === null ? "" : `; constant outputs would cost ${show(loss.constant, 4)}`;
  return [
    title + padTo(right, Math.max(2, lineWidth - widthOf(title)), "left"),
    "═".repeat(lineWidth),
    ...wrap(
      `${parameters.toLocaleString("en")} parameters, ${examples.toLocaleString("en")} examples. ${loss.name} ${show(loss.value, 4)}${constant}.`,
    ),
  ];
}

function findingText(finding: Finding, number: number): string[] {
  const { code, severity, summary, evidence, limit, meaning, remedy, consequences } = finding;
  const shown = evidence.slice(0, shownEvidence);
  const mark = severity === "error" ? "✗ error" : "! warning";
  const title = `${number}. ${code}`;
  return [
    "",
    title + padTo(mark, lineWidth - widthOf(title), "left"),
    "─".repeat(lineWidth),
    ...wrap(summary),
    "",
    ...table(
      shown.map(({ what, value }) => [show(value, 4), what]),
      [{ align: "right" }, {}],
    ),
    ...(evidence.length > shown.length ? [`  … ${evidence.length - shown.length} more in the document`] : []),
    ...(limit === null
      ? []
      : [...labelled("limit", `${limit.name} ${show(limit.value, 4)}. ${limit.source}.`)]),
    ...labelled("means", meaning),
    ...labelled("do", remedy),
    ...triedText(finding.counterfactual),
    ...consequences.flatMap(({ summary: also }, i) => labelled(i === 0 ? "so also" : "", also)),
  ];
}

/** A paragraph behind a word in the margin. */
function labelled(label: string, text: string): string[] {
  const margin = 11;
  const lines = wrap(text, "", lineWidth - margin);
  return lines.map((line, i) => `${padTo(i === 0 ? label : "", margin)}${line}`);
}

function triedText(counterfactual: Counterfactual | Refusal): string[] {
  if (counterfactual.status === "refused") return labelled("not tried", `${counterfactual.reason}.`);
  const { change, without, with: changed, effect, helps } = counterfactual;
  const { name } = without.score;
  const row = (label: string, { loss, score }: Trial): string[] => [
    label,
    show(loss.start, 4),
    show(loss.end, 4),
    scoreText(name, score.start),
    scoreText(name, score.end),
  ];
  const right = { align: "right" } as const;
  return [
    ...labelled("tried", `${change}.`),
    ...(effect === null
      ? []
      : labelled(
          "",
          `${capital(effect.what)}: ${show(effect.without, 3)}, so changed ${show(effect.with, 3)}.`,
        )),
    ...labelled("", `${without.steps} steps on the same batches${helps ? "" : "; it did not help so far"}:`),
    ...table(
      [["", "loss", "after", name, "after"], row("as it is", without), row("changed", changed)],
      [{}, right, right, right, right],
      " ".repeat(11),
    ),
  ];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function scoreText(name: Trial["score"]["name"], value: Real): string {
  const number = fromReal(value);
  if (!Number.isFinite(number)) return "–";
  return name === "accuracy" ? `${(100 * number).toFixed(1)}\u00a0%` : show(value, 4);
}

function layersText({ layers }: HealthDocument): string[] {
  if (layers.length === 0) return ["", "No weights were found."];
  const right = { align: "right" } as const;
  const percent = (value: Real): string => `${Math.round(100 * fromReal(value))}\u00a0%`;
  const rows = layers.map(
    ({ layer, gain, gradientNorm, signalRatio, updateRatio, activation }: LayerHealth) => [
      layer,
      show(gain, 2),
      show(gradientNorm, 2),
      show(signalRatio, 2),
      updateRatio === null ? "–" : show(updateRatio.mean, 2),
      activation === null ? "–" : `${activation.name} ${show(activation.slope, 2)}`,
      activation === null ? "–" : percent(activation.saturated),
      activation === null ? "–" : `${activation.dead}/${activation.units}`,
    ],
  );
  return [
    ...heading("Layers"),
    ...table(
      [["", "gain", "‖∂C/∂W‖", "δ/δ last", "‖ΔW‖/‖W‖", "mean σ′", "flat", "dead"], ...rows],
      [{ most: 22 }, right, right, right, right, right, right, right],
    ),
  ];
}

function trialText({ trial }: HealthDocument): string[] {
  if ("status" in trial) return ["", ...wrap(`No trial run: ${trial.reason}.`)];
  const { steps, loss, score } = trial;
  return [
    "",
    ...wrap(
      `In ${steps} steps the loss goes from ${show(loss.start, 4)} to ${show(loss.end, 4)}, the ${score.name} from ${scoreText(score.name, score.start)} to ${scoreText(score.name, score.end)}.`,
    ),
  ];
}
