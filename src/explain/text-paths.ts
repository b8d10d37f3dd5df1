/** The paths and the accumulation as text. */
import type { ExplanationDocument, Path, Paths } from "./document.js";
import { fromReal, show } from "./numbers.js";
import { heading, more, table, wrap } from "./text-layout.js";

/** Paths shown with all their factors, and factors of one path. */
const shownPaths = 6;
const shownFactors = 24;
const shownSteps = 16;

export function pathsText({ paths, target }: ExplanationDocument): string[] {
  const title = heading(`Paths from the cost to ${target.name}`);
  if (paths.status === "refused") return [...title, ...wrap(`Not listed: ${paths.reason}.`)];
  const many = paths.listed.length > shownPaths;
  const shown = paths.listed.slice(0, shownPaths);
  return [
    ...title,
    ...wrap(introduction(paths)),
    ...shown.flatMap((path, i) => ["", ...pathText(paths, path, i + 1)]),
    ...(many ? ["", "  The others, by their product:", ...brief(paths, paths.listed.slice(shownPaths))] : []),
    "",
    ...summary(paths),
    ...accumulationText(paths),
  ];
}

/** A count, spelt out while it can be read. */
export function countText(digits: string): string {
  if (digits.length <= 15) return Number(digits).toLocaleString("en");
  return `about ${digits[0]}.${digits.slice(1, 3)}e${digits.length - 1}`;
}

function introduction(paths: Paths): string {
  const { count, dead, listed, remainder } = paths;
  const all = count === "1" ? "There is one path." : `There are ${countText(count)} paths.`;
  const which = remainder === null ? "" : ` The ${listed.length} of largest magnitude are listed.`;
  const none =
    dead === "0" ? "" : ` ${countText(dead)} of them ${dead === "1" ? "has" : "have"} a factor of exactly 0.`;
  return `${all}${which}${none} Each is a product of partial derivatives, one for every link.`;
}

function pathText(paths: Paths, path: Path, number: number): string[] {
  const rows = path.factors.map(({ edge, value, product }) => {
    const { symbol, meaning } = paths.edges[edge];
    return [symbol.text, meaning === null ? "" : `= ${meaning.text}`, show(value), show(product)];
  });
  const head = rows.slice(0, shownFactors - 4);
  const shown =
    rows.length > shownFactors
      ? [...head, ["…", `${rows.length - head.length - 3} more`, "", ""], ...rows.slice(-3)]
      : rows;
  return [
    `  Path ${number}: ${show(path.value)}`,
    ...table(
      [["factor", "", "value", "so far"], ...shown],
      [{ most: 26 }, { most: 24 }, { align: "right" }, { align: "right" }],
      "    ",
    ),
  ];
}

function brief(paths: Paths, list: readonly Path[]): string[] {
  const rows = list.slice(0, 12).map(({ factors, value }) => {
    const stations = [
      paths.vertices[0].symbol.text,
      ...factors.map(({ edge }) => paths.vertices[paths.edges[edge].to].symbol.text),
    ];
    return [show(value), stations.join(" ← ")];
  });
  return [...table(rows, [{ align: "right" }, {}], "    "), ...more(list.length - rows.length, "paths")];
}

function summary(paths: Paths): string[] {
  const { sum, positive, negative, survival, remainder } = paths;
  const rows = [
    ...(remainder === null
      ? []
      : [[`${countText(remainder.count)} other paths together`, show(remainder.value)]]),
    ["sum of all paths", show(sum.computed)],
    ["adjoint by the backward pass", show(sum.expected), sum.agrees ? "✓ the same" : "✗ DIFFERENT"],
  ];
  const cancels = fromReal(positive) !== 0 && fromReal(negative) !== 0;
  const lines = table(rows, [{}, { align: "right" }, {}]);
  if (!cancels) return lines;
  const left = fromReal(survival) * 100;
  return [
    ...lines,
    ...wrap(
      `  Positive paths ${show(positive)}, negative ${show(negative)}: ${show(left, 3)} % of their size is left, the rest cancels.`,
      "  ",
    ),
  ];
}

function accumulationText({ accumulation, vertices, edges, count }: Paths): string[] {
  const { steps, multiplications, additions, pathMultiplications } = accumulation;
  const comparison =
    count === "1"
      ? `  With one path there is nothing to share: ${multiplications} ${multiplications === 1 ? "multiplication" : "multiplications"}.`
      : `  Multiplying out every path takes ${countText(pathMultiplications)} ${pathMultiplications === "1" ? "multiplication" : "multiplications"}; reverse accumulation visits each of the ${accumulation.edges.toLocaleString("en")} edges once: ${multiplications.toLocaleString("en")} multiplications, ${additions.toLocaleString("en")} ${additions === 1 ? "addition" : "additions"}.`;
  const title = ["", "  The same by reverse accumulation, from the cost back:"];
  if (steps === null) return ["", ...wrap(comparison, "  ")];
  const rows = steps.slice(0, shownSteps).map(({ vertex, terms, adjoint }) => [
    `∂C/∂${vertices[vertex].symbol.text}`,
    `= ${terms
      .slice(0, 3)
      .map(({ edge }) => {
        const upper = vertices[edges[edge].from];
        return edges[edge].from === 0
          ? show(edges[edge].value)
          : `${show(upper.adjoint, 4)} · ${show(edges[edge].value, 4)}`;
      })
      .join(" + ")}${terms.length > 3 ? ` + … ${terms.length - 3} more` : ""}`,
    `= ${show(adjoint)}`,
  ]);
  return [
    ...title,
    ...table(rows, [{ most: 22 }, { most: 36 }, {}], "    "),
    ...more(steps.length - rows.length, "steps"),
    "",
    ...wrap(comparison, "  "),
  ];
}
