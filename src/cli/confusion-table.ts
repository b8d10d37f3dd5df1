/** Which classes are taken for which, as a table. */
import { visible } from "./output.js";

const width = 80;

/**
 * Rows are the true classes, columns the predicted ones, at most 80 columns wide. Where there are too many classes for a
 * table, the commonest confusions instead.
 *
 * @param counts counts[truth][predicted]
 */
export function confusionTable(counts: readonly (readonly number[])[], classes: readonly string[]): string {
  const names = counts.map((_, i) => visible(classes[i] ?? String(i)));
  const totals = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
  const rate = counts.map((row, i) =>
    totals[i] === 0 ? "–" : `${((100 * row[i]) / totals[i]).toFixed(1)} %`,
  );
  const digits = Math.max(...counts.flat().map((count) => String(count).length));
  const room = (first: number): number => Math.floor((width - first - 10) / counts.length) - 1;
  const longest = Math.max(...names.map((name) => name.length));
  const first = Math.max(4, Math.min(longest, 20));
  if (room(first) < Math.max(digits, Math.min(longest, 3))) return commonest(counts, names);
  // wide enough for the names where there is room, and never narrower than the numbers
  const column = Math.max(digits, Math.min(longest, room(first)));
  const line = (head: string, cells: readonly string[], last: string): string =>
    `${shorten(head, first).padEnd(first)} ${cells.map((cell) => ` ${shorten(cell, column).padStart(column)}`).join("")}  ${last.padStart(7)}`.trimEnd();
  return [
    line("true", names, "right"),
    ...counts.map((row, i) =>
      line(
        names[i],
        row.map((count) => (count === 0 ? "·" : String(count))),
        rate[i],
      ),
    ),
  ].join("\n");
}

function commonest(counts: readonly (readonly number[])[], names: readonly string[]): string {
  const mistakes = counts
    .flatMap((row, truth) => row.map((count, predicted) => ({ truth, predicted, count })))
    .filter(({ truth, predicted, count }) => truth !== predicted && count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, 10);
  if (mistakes.length === 0) return "no confusions";
  const lines = mistakes.map(
    ({ truth, predicted, count }) =>
      `${String(count).padStart(7)}  ${shorten(names[truth], 30)} taken for ${shorten(names[predicted], 30)}`,
  );
  return ["  count  commonest confusions", ...lines].join("\n");
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, Math.max(0, length - 1))}…` : text;
}
