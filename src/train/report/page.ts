/**
 * The report of a run as one page that works from disk: it loads nothing and runs nothing, and a content security policy in it forbids
 * both.
 */
import { escapeHtml } from "../../util/html-escape.js";
import { betterOf } from "../metrics/names.js";
import type { EpochRecord } from "../run.js";
import { chartHtml } from "./chart.js";
import type { RunConfig } from "./describe.js";
import { unitOf, unitOfLoss, wordsOf } from "./metric-words.js";
import { brief, duration, grouped, shapeText, tableHtml } from "./page-parts.js";
import { reportStyle } from "./page-style.js";
import type { RunResult } from "./result.js";

/** What the page is made of; parts that are empty are left out. */
export interface ReportParts {
  readonly config: RunConfig;
  readonly result: RunResult;
  readonly history: readonly EpochRecord[];
  readonly confusion: string;
  readonly examples: string;
  readonly health: string;
}

export function reportHtml(parts: ReportParts): string {
  const { config, history } = parts;
  const sections: readonly (readonly [id: string, title: string, content: string])[] = [
    ["curves", "Curves", curves(config, history)],
    ["numbers", "Numbers", numbers(parts)],
    ["confusion", "Confusion", parts.confusion],
    ["examples", "Worst examples", parts.examples],
    ["health", "Health", parts.health],
    ["settings", "Settings", settings(config)],
    ["model", "Model", model(config)],
  ];
  return [
    "<!doctype html>",
    '<html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<link rel="icon" href="data:,">',
    `<title>${escapeHtml(config.title)}</title><style>${reportStyle}</style></head><body>`,
    `<header><h1>${escapeHtml(config.title)}</h1>${headline(parts)}</header><main>`,
    ...sections
      .filter(([, , content]) => content !== "")
      .map(
        ([id, title, content]) =>
          `<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>`,
      ),
    `</main><footer>Begun ${escapeHtml(config.started.replace("T", " ").replace(/\..*/, " UTC"))} · adjoint ${escapeHtml(config.software.adjoint)}</footer>`,
    "</body></html>\n",
  ].join("\n");
}

/** How it ended, in a sentence, and the last measurements. */
function headline({ result, history, config }: ReportParts): string {
  const { ended, epochs, steps, seconds, error } = result;
  const done = `${grouped(epochs)} of ${grouped(config.settings.epochs)} ${config.settings.epochs === 1 ? "epoch" : "epochs"}`;
  const line = `<p>${escapeHtml(ended)}: ${done}, ${grouped(steps)} updates, ${duration(seconds)}${pace(result, config)}.</p>`;
  const failure = error === null ? "" : `<p class="failure">${escapeHtml(error)}</p>`;
  const last = history.at(-1);
  if (last === undefined) return line + failure;
  const figures = [
    ["training loss", last.loss] as const,
    ...Object.entries(last.validation).map(
      ([name, value]) => [`validation ${wordsOf(name)}`, value] as const,
    ),
  ];
  const items = figures.map(
    ([name, value]) => `<li><b>${brief(value)}</b><span>${escapeHtml(name)}</span></li>`,
  );
  return `${line}${failure}<ul class="figures">${items.join("")}</ul>`;
}

function pace({ epochs, trainingSeconds }: RunResult, { data }: RunConfig): string {
  if (epochs === 0 || trainingSeconds <= 0) return "";
  const each = `, ${duration(trainingSeconds / epochs)} an epoch`;
  if (data.size === null) return each;
  return `${each}, ${grouped(Math.round((data.size * epochs) / trainingSeconds))} examples a second`;
}

function curves({ settings: { loss } }: RunConfig, history: readonly EpochRecord[]): string {
  if (history.length === 0) return '<p class="muted">No epoch was finished.</p>';
  const names = new Set(history.flatMap(({ validation }) => Object.keys(validation)));
  const validation = (name: string) =>
    history.map(({ epoch, validation: values }) => [epoch, values[name] ?? Number.NaN] as const);
  const charts = [
    chartHtml({
      title: "Loss",
      label: `loss${unitOfLoss(loss)}`,
      across: "epoch",
      series: [
        { name: "training", points: history.map(({ epoch, loss: value }) => [epoch, value]) },
        { name: "validation", points: validation("loss") },
      ],
    }),
    ...[...names]
      .filter((name) => name !== "loss")
      .map((name) =>
        chartHtml({
          title: `${capital(wordsOf(name))}, validation`,
          label: `${wordsOf(name)}${unitOf(name)}`,
          across: "epoch",
          series: [{ name: wordsOf(name), points: validation(name) }],
        }),
      ),
    chartHtml({
      title: "Time of an epoch",
      label: "time (s)",
      across: "epoch",
      mayBeLogarithmic: false,
      series: [{ name: "time", points: history.map(({ epoch, seconds }) => [epoch, seconds]) }],
    }),
  ];
  return `<div class="charts">${charts.join("")}</div>`;
}

/** The last and the best value of everything measured. */
function numbers({ history }: ReportParts): string {
  if (history.length === 0) return "";
  const names = [...new Set(history.flatMap(({ validation }) => Object.keys(validation)))];
  const row = (title: string, values: readonly number[], direction: "higher" | "lower" | undefined) => {
    const sign = direction === "higher" ? 1 : -1;
    const finite = values.map((value, i) => ({ value, i })).filter(({ value }) => Number.isFinite(value));
    const best = finite.reduce<{ value: number; i: number } | undefined>(
      (found, one) => (found === undefined || sign * (one.value - found.value) > 0 ? one : found),
      undefined,
    );
    const known = direction !== undefined && best !== undefined;
    return [
      escapeHtml(title),
      brief(values[values.length - 1]),
      known ? brief(best.value) : "",
      known ? grouped(history[best.i].epoch) : "",
    ];
  };
  return tableHtml(
    [
      ["", "last", "best", "in epoch"],
      row(
        "training loss",
        history.map(({ loss }) => loss),
        "lower",
      ),
      ...names.map((name) =>
        row(
          `validation ${wordsOf(name)}`,
          history.map(({ validation }) => validation[name] ?? Number.NaN),
          betterOf(name),
        ),
      ),
    ],
    "The last and the best values",
    { numeric: [1, 2, 3] },
  );
}

function settings({
  settings: given,
  data,
  validation,
  software,
  machine,
  config,
  resumed,
}: RunConfig): string {
  const own = typeof config === "object" && config !== null ? Object.entries(config) : [];
  const rows: (readonly [string, string])[] = [
    ["data", dataText(data)],
    ["validation", validation === null ? "none" : dataText(validation)],
    ["loss", given.loss],
    ["optimizer", given.optimizer],
    ["epochs", grouped(given.epochs)],
    ["batch size", grouped(given.batchSize)],
    ["seed", given.seed === null ? "none" : String(given.seed)],
    ...own.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)] as const),
    ["device", `${machine.device}, ${machine.threads} ${machine.threads === 1 ? "thread" : "threads"}`],
    ["machine", `${machine.processor}, ${machine.platform}`],
    ["software", `adjoint ${software.adjoint}, Node ${software.node}`],
    ...resumed.map(
      ({ time, epochs, steps }) =>
        ["taken up again", `${time}, after ${grouped(epochs)} epochs and ${grouped(steps)} updates`] as const,
    ),
  ];
  const cells = rows.map(([name, value]) => [escapeHtml(name), escapeHtml(value)]);
  return tableHtml([["setting", "value"], ...cells], "Settings", { name: "settings" });
}

function dataText({ name, size, inputShape, targetShape, classes }: RunConfig["data"]): string {
  const count = size === null ? "a stream of examples" : `${grouped(size)} examples`;
  const answer = classes === null ? shapeText(targetShape) : `${classes.length} classes`;
  return `${name === null ? "" : `${name}: `}${count}, ${shapeText(inputShape)} → ${answer}`;
}

function model({ model: { summary, parameters } }: RunConfig): string {
  return `<p>${grouped(parameters)} parameters.</p><div class="scroll" tabindex="0" role="region" aria-label="Layers"><pre>${escapeHtml(summary)}</pre></div>`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
