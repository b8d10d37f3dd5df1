/** Which class was taken for which, and what that means for each. */
import { escapeHtml } from "../../util/html-escape.js";
import { type ClassReport, classReport } from "../metrics/report.js";
import { grouped, share, tableHtml } from "./page-parts.js";

/** Classes up to which the whole matrix is readable; beyond, the most frequent mistakes are listed. */
const largestMatrix = 20;
const listedMistakes = 20;
/** Rows of the table of classes. */
const listedClasses = 50;
/** Characters of a name that are shown in a table. */
const shownName = 24;

/** A name as it fits into a cell; the rest is told to who points at it. */
function nameHtml(name: string): string {
  if (name.length <= shownName) return escapeHtml(name);
  return `<span title="${escapeHtml(name)}">${escapeHtml(name.slice(0, shownName - 1))}…</span>`;
}

/** @param counts `counts[truth][predicted]` */
export function confusionHtml(
  counts: readonly (readonly number[])[],
  classes: readonly string[] | undefined,
  of: string,
): string {
  const names = counts.map((_, i) => classes?.[i] ?? String(i));
  const report = classReport(counts, names);
  const total = counts.flat().reduce((sum, count) => sum + count, 0);
  return [
    `<p class="muted">${grouped(total)} ${escapeHtml(of)} examples; rows are the truth, columns what was predicted.</p>`,
    counts.length <= largestMatrix ? matrix(counts, names) : "",
    mistakes(counts, names),
    "<h3>Each class</h3>",
    classTable(report),
  ].join("");
}

function matrix(counts: readonly (readonly number[])[], names: readonly string[]): string {
  const head = names.map((name) => `<th scope="col">${nameHtml(name)}</th>`).join("");
  const most = Math.max(...counts.flatMap((row, truth) => row.filter((_, predicted) => predicted !== truth)));
  const rows = counts.map((row, truth) => {
    const all = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, predicted) => {
      const kind = count === 0 ? "none" : truth === predicted ? "right" : "wrong";
      // mistakes beside each other: beside all that is right they could not be seen
      const depth = truth === predicted ? count / all : count / most;
      const title = `${names[truth]} taken for ${names[predicted]}: ${grouped(count)} of ${grouped(all)}`;
      return `<td class="${kind}"${count === 0 ? "" : ` style="--share:${depth.toFixed(3)}"`} title="${escapeHtml(title)}">${count === 0 ? "·" : grouped(count)}</td>`;
    });
    return `<tr><th scope="row">${nameHtml(names[truth])}</th>${cells.join("")}</tr>`;
  });
  return `<div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix"><table class="confusion"><caption class="hidden">Confusion matrix</caption><thead><tr><th scope="col"><span class="hidden">truth</span></th>${head}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

function mistakes(counts: readonly (readonly number[])[], names: readonly string[]): string {
  const found = counts
    .flatMap((row, truth) => row.map((count, predicted) => ({ truth, predicted, count })))
    .filter(({ truth, predicted, count }) => truth !== predicted && count > 0)
    .sort((a, b) => b.count - a.count);
  if (found.length === 0) return '<p class="good">No mistakes.</p>';
  const isList = counts.length > largestMatrix;
  const shown = found.slice(0, isList ? listedMistakes : 3);
  const texts = shown.map(
    ({ truth, predicted, count }) =>
      `${nameHtml(names[truth])} taken for ${nameHtml(names[predicted])} (${count === 1 ? "once" : `${grouped(count)} times`})`,
  );
  if (!isList) return `<p>Most often: ${texts.join("; ")}.</p>`;
  return `<h3>The most frequent mistakes</h3><ol>${texts.map((text) => `<li>${text}</li>`).join("")}</ol>`;
}

function classTable({ classes, macro, weighted }: ClassReport): string {
  const row = (name: string, one: ClassReport["macro"]): string[] => [
    nameHtml(name),
    share(one.precision),
    share(one.recall),
    share(one.f1),
    grouped(one.support),
  ];
  const rows = classes.slice(0, listedClasses).map((one) => row(one.name, one));
  const left = classes.length - rows.length;
  const table = tableHtml(
    [
      ["class", "precision", "recall", "F1", "examples"],
      ...rows,
      row("mean of classes", macro),
      row("weighted mean", weighted),
    ],
    "Precision, recall and F1 of each class",
    { numeric: [1, 2, 3, 4] },
  );
  return left > 0 ? `${table}<p class="muted">… and ${grouped(left)} more classes.</p>` : table;
}
