/** The paths from the cost to the target, each link a row with the product so far. */

import { escapeHtml } from "../../util/html-escape.js";
import type { ExplanationDocument, Path, Paths, Real } from "../document.js";
import { fromReal, show } from "../numbers.js";
import { countText } from "../text-paths.js";
import { signed, tableHtml } from "./html-brief.js";
import type { Typesetter } from "./html-math.js";

/** Paths with all their factors, of which so many are open; links shown of one path. */
const shownPaths = 16;
const openPaths = 3;
const shownFactors = 40;
const shownSteps = 40;

export function pathsHtml({ paths, target }: ExplanationDocument, math: Typesetter): string {
  if (paths.status === "refused") return `<p>Not listed: ${escapeHtml(paths.reason)}.</p>`;
  const all =
    paths.count === "1" ? "There is one path" : `There are ${escapeHtml(countText(paths.count))} paths`;
  const dead =
    paths.dead === "0"
      ? ""
      : ` ${escapeHtml(countText(paths.dead))} of them ${paths.dead === "1" ? "has" : "have"} a factor of exactly 0 and contribute nothing.`;
  return [
    `<p>${all} from the cost to ${math.set(target.symbol)}. Each is a product of local derivatives, one for every link; the sum of all of them is the derivative.${dead}</p>`,
    balance(paths),
    ...paths.listed.slice(0, shownPaths).map((path, i) => pathHtml(paths, path, i, math)),
    rest(paths),
    accumulation(paths, math),
  ].join("\n");
}

/** What each path adds, as bars to the left and to the right of 0. */
function balance({ listed, remainder, sum, positive, negative, survival }: Paths): string {
  const rows = listed.slice(0, shownPaths).map(({ value }, i) => ({ name: `path ${i + 1}`, value }));
  const unlisted = listed.slice(shownPaths);
  if (unlisted.length > 0)
    rows.push({
      name: `${unlisted.length} more listed`,
      value: unlisted.reduce((total, { value }) => total + fromReal(value), 0),
    });
  if (remainder !== null) rows.push({ name: `${countText(remainder.count)} others`, value: remainder.value });
  rows.push({ name: "sum", value: sum.computed });
  const most = Math.max(...rows.map(({ value }) => Math.abs(fromReal(value))), Number.MIN_VALUE);
  const bar = (value: Real): string => {
    const share = Math.min(1, Math.abs(fromReal(value)) / most) * 50;
    const start = fromReal(value) < 0 ? 50 - share : 50;
    return `<span class="bar" aria-hidden="true"><span class="${fromReal(value) < 0 ? "down" : "up"}" style="left:${start.toFixed(2)}%;width:${(Number.isFinite(share) ? share : 50).toFixed(2)}%"></span></span>`;
  };
  const cancels = fromReal(positive) !== 0 && fromReal(negative) !== 0;
  return [
    `<ul class="balance" aria-label="What each path adds">${rows
      .map(
        ({ name, value }) =>
          `<li${name === "sum" ? ' class="total"' : ""}><span>${escapeHtml(name)}</span>${bar(value)}<span class="number">${signed(value)}</span></li>`,
      )
      .join("")}</ul>`,
    `<p>${
      sum.agrees
        ? `The sum is the adjoint of the backward pass, ${show(sum.expected)}.`
        : `<strong>The sum is NOT the adjoint of the backward pass, ${show(sum.expected)}.</strong>`
    }${
      cancels
        ? ` Positive paths come to ${show(positive)}, negative ones to ${show(negative)}: ${show(fromReal(survival) * 100, 3)} % of their size is left, the rest cancels.`
        : ""
    }</p>`,
  ].join("\n");
}

function pathHtml(paths: Paths, path: Path, number: number, math: Typesetter): string {
  const row = ({ edge, value, product }: Path["factors"][number]): string[] => {
    const { symbol, meaning, from, to } = paths.edges[edge];
    const nodes = `${paths.vertices[from].node} ${paths.vertices[to].node}`;
    return [
      `<span class="link" data-nodes="${nodes}">${math.set(symbol)}</span>`,
      meaning === null ? "" : math.set(meaning),
      signed(value),
      signed(product),
    ];
  };
  const { factors } = path;
  const body =
    factors.length > shownFactors
      ? [
          ...factors.slice(0, shownFactors - 6).map(row),
          [`… ${factors.length - shownFactors + 1} more links`, "", "", ""],
          ...factors.slice(-5).map(row),
        ]
      : factors.map(row);
  const nodes = new Set(
    factors.flatMap(({ edge }) => [
      paths.vertices[paths.edges[edge].from].node,
      paths.vertices[paths.edges[edge].to].node,
    ]),
  );
  const caption = `Path ${number + 1}, its factors and their running product`;
  return [
    `<details class="path" data-nodes="${[...nodes].join(" ")}"${number < openPaths ? " open" : ""}>`,
    `<summary>Path ${number + 1}: ${signed(path.value)} <span class="muted">${factors.length} ${factors.length === 1 ? "factor" : "factors"}</span></summary>`,
    tableHtml([["factor", "which is", "value", "product so far"], ...body], {
      caption,
      numeric: [2, 3],
      name: "walk",
    }),
    "</details>",
  ].join("\n");
}

function rest({ listed, vertices, edges }: Paths): string {
  const others = listed.slice(shownPaths);
  if (others.length === 0) return "";
  const rows = others.map(({ factors, value }) => {
    const stations = factors.map(({ edge }) => vertices[edges[edge].to].symbol.text);
    return [signed(value), escapeHtml([vertices[0].symbol.text, ...stations].join(" ← "))];
  });
  return `<details><summary>${others.length} more paths</summary>${tableHtml([["product", "from the cost to the target"], ...rows], { caption: "The other listed paths" })}</details>`;
}

function accumulation({ accumulation: found, vertices, edges, count }: Paths, math: Typesetter): string {
  const { steps, multiplications, additions, pathMultiplications } = found;
  const comparison =
    count === "1"
      ? `With one path there is nothing to share: ${multiplications} multiplications.`
      : `Multiplying out every path takes ${countText(pathMultiplications)} multiplications. Reverse accumulation visits each of the ${found.edges.toLocaleString("en")} edges once: ${multiplications.toLocaleString("en")} multiplications and ${additions.toLocaleString("en")} ${additions === 1 ? "addition" : "additions"}.`;
  const head = `<h3>The same by reverse accumulation</h3><p>${escapeHtml(comparison)}</p>`;
  if (steps === null) return head;
  const rows = steps.slice(0, shownSteps).map(({ vertex, terms, adjoint }) => {
    const { symbol, node } = vertices[vertex];
    const derivative = {
      text: `∂C/∂${symbol.text}`,
      latex: `\\frac{\\partial C}{\\partial ${symbol.latex}}`,
    };
    const sum = terms.slice(0, 4).map(({ edge }) => {
      const { from, value } = edges[edge];
      return from === 0 ? show(value) : `${show(vertices[from].adjoint, 4)} · ${show(value, 4)}`;
    });
    const more = terms.length > 4 ? ` + … ${terms.length - 4} more` : "";
    return [
      `<span class="link" data-nodes="${node}">${math.set(derivative)}</span>`,
      sum.join(" + ") + more,
      signed(adjoint),
    ];
  });
  const left = steps.length - rows.length;
  return [
    head,
    tableHtml([["adjoint", "from those above it", "value"], ...rows], {
      caption: "Reverse accumulation, step by step",
      numeric: [2],
      name: "walk",
    }),
    left > 0 ? `<p class="muted">… ${left} more steps</p>` : "",
  ].join("\n");
}
