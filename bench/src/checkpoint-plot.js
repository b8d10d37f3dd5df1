/** The plot of what checkpoint() saves and costs, as an SVG that can be read on light and dark pages. */
import { digits } from "./units.js";

/** @typedef {ReturnType<typeof import("./shares.js").checkpointPoints>[number]} Point */

const width = 640;
const height = 300;
const panel = { width: 250, height: 190, top: 48 };

/**
 * Two panels over the layers in a block (logarithmic): memory, and time.
 *
 * @param {readonly Point[]} points ordered by layers
 */
export function checkpointPlot(points) {
  const [{ plainBytes }] = points;
  const memory = panelOf({
    left: 58,
    title: "values between kernels, MB (without: 1)",
    points: points.map(({ layers, bytes: size }) => ({ layers, value: size / plainBytes })),
    label: (value) => digits((value * plainBytes) / 1e6),
    most: Math.max(1, ...points.map(({ bytes: size }) => size / plainBytes)),
  });
  const time = panelOf({
    left: 378,
    title: "time of a step (without: 1)",
    points: points.map(({ layers, time: value }) => ({ layers, value })),
    label: (value) => value.toFixed(2),
    most: Math.max(1, ...points.map(({ time: value }) => value)),
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
<title id="title">checkpoint() on a network of 32 layers: memory and time by the layers in a block</title>
<style>
text { font: 12px system-ui, sans-serif; fill: #24292f; } .small { font-size: 10px; } .title { font-weight: 600; }
.axis { stroke: #57606a; } .grid { stroke: #d0d7de; }
.line { fill: none; stroke: #0969da; stroke-width: 2; } .dot { fill: #0969da; }
.plain { stroke: #bc4c00; stroke-dasharray: 5 4; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .axis { stroke: #9198a1; } .grid { stroke: #3d444d; }
.line { stroke: #58a6ff; } .dot { fill: #58a6ff; }
.plain { stroke: #f0883e; }
}
</style>
${memory}
${time}
<text x="${width / 2}" y="${height - 8}" text-anchor="middle">layers in a block</text>
</svg>
`;
}

/**
 * @param {{ left: number, title: string, points: readonly { layers: number, value: number }[],
 *   label: (value: number) => string, most: number }} contents values relative to the step without checkpoints
 */
function panelOf({ left, title, points, label, most }) {
  const bottom = panel.top + panel.height;
  const last = points[points.length - 1].layers;
  const top = 1.12 * most;
  const x = (/** @type {number} */ layers) =>
    left + 12 + ((panel.width - 24) * Math.log2(layers)) / Math.max(1, Math.log2(last));
  const y = (/** @type {number} */ value) => bottom - (panel.height * value) / top;
  const at = (/** @type {number} */ value) => value.toFixed(1);
  const ticks = [0.25, 0.5, 0.75, 1].map(
    (value) =>
      `<line class="grid" x1="${left}" x2="${left + panel.width}" y1="${at(y(value))}" y2="${at(y(value))}"/><text x="${left - 6}" y="${at(y(value) + 4)}" text-anchor="end">${value}</text>`,
  );
  const path = points.map(({ layers, value }) => `${at(x(layers))},${at(y(value))}`).join(" ");
  const marks = points.map(
    ({ layers, value }) =>
      `<circle class="dot" cx="${at(x(layers))}" cy="${at(y(value))}" r="3.5"/><text x="${at(x(layers))}" y="${at(y(value) - 9)}" text-anchor="middle" class="small">${label(value)}</text><text x="${at(x(layers))}" y="${bottom + 18}" text-anchor="middle">${layers}</text>`,
  );
  return `<g>
<text x="${left}" y="22" class="title">${title}</text>
${ticks.join("\n")}
<line class="axis" x1="${left}" x2="${left + panel.width}" y1="${bottom}" y2="${bottom}"/>
<line class="plain" x1="${left}" x2="${left + panel.width}" y1="${at(y(1))}" y2="${at(y(1))}"/>
<polyline class="line" points="${path}"/>
${marks.join("\n")}
</g>`;
}
