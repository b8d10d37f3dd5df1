/** The plot of what checkpoint() saves and costs, as an SVG that can be read on light and dark pages. */
import { checkpointName } from "./shares.js";

/** @typedef {ReturnType<typeof import("./shares.js").checkpointPoints>[number]} Point */

const width = 640;
const height = 360;
const panel = { left: 64, top: 40, width: 540, height: 250 };

/**
 * Memory over time, both relative to the step without checkpoints: one line for blocks of equal length, one for chains.
 *
 * @param {readonly Point[]} points
 */
export function checkpointPlot(points) {
  const bottom = panel.top + panel.height;
  const right = panel.left + panel.width;
  const longest = Math.max(1.4, ...points.map(({ time }) => time)) + 0.05;
  const largest = 1.05 * Math.max(1, ...points.map(({ saved }) => 1 / saved));
  const x = (/** @type {number} */ time) =>
    panel.left + (panel.width * Math.max(0, time - 1)) / (longest - 1);
  const y = (/** @type {number} */ memory) => bottom - (panel.height * memory) / largest;
  const at = (/** @type {number} */ value) => value.toFixed(1);
  const rows = [0.25, 0.5, 0.75, 1].map(
    (memory) =>
      `<line class="grid" x1="${panel.left}" x2="${right}" y1="${at(y(memory))}" y2="${at(y(memory))}"/><text x="${panel.left - 6}" y="${at(y(memory) + 4)}" text-anchor="end">${memory}</text>`,
  );
  const columns = [];
  for (let tenths = 10; tenths / 10 <= longest; tenths++)
    columns.push(
      `<line class="grid" x1="${at(x(tenths / 10))}" x2="${at(x(tenths / 10))}" y1="${panel.top}" y2="${bottom}"/><text x="${at(x(tenths / 10))}" y="${bottom + 18}" text-anchor="middle">${tenths / 10}</text>`,
    );
  const series = ["blocks", "chain"].map((way) => {
    const own = points.filter((point) => point.way === way).sort((a, b) => a.count - b.count);
    const line = own.map(({ time, saved }) => `${at(x(time))},${at(y(1 / saved))}`).join(" ");
    const least = own.findIndex(({ saved }) => own.every((other) => other.saved <= saved));
    const marks = own.map((point, i) => {
      const [left, top] = [x(point.time), y(1 / point.saved)];
      // beside the line: below a chain; right of blocks, but left where they are best and the line turns
      const [dx, dy, anchor] =
        way === "chain" ? [0, 18, "middle"] : i === least ? [-9, 4, "end"] : [9, i < least ? -3 : 5, "start"];
      return `<circle cx="${at(left)}" cy="${at(top)}" r="4"/><text x="${at(left + dx)}" y="${at(top + dy)}" text-anchor="${anchor}" class="small">${checkpointName(point)}</text>`;
    });
    return `<g class="${way}"><polyline points="${line}"/>\n${marks.join("\n")}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
<title id="title">checkpoint() on a network of 32 layers: memory over time, in blocks of equal length and as a chain</title>
<style>
text { font: 12px system-ui, sans-serif; fill: #24292f; } .small { font-size: 10px; } .title { font-weight: 600; }
.axis { stroke: #57606a; } .grid { stroke: #d0d7de; } polyline { fill: none; stroke-width: 1.5; } .page { fill: #ffffff; }
.chain polyline { stroke: #0969da; } .chain circle { fill: #0969da; }
.blocks polyline { stroke: #bc4c00; stroke-dasharray: 5 4; } .blocks circle { fill: #bc4c00; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .page { fill: #0d1117; } .axis { stroke: #9198a1; } .grid { stroke: #3d444d; }
.chain polyline { stroke: #58a6ff; } .chain circle { fill: #58a6ff; }
.blocks polyline { stroke: #f0883e; } .blocks circle { fill: #f0883e; }
}
</style>
<rect class="page" width="${width}" height="${height}"/>
<text x="${panel.left}" y="22" class="title">values between kernels, over time of a step (without checkpoint(): 1 and 1)</text>
${[...rows, ...columns].join("\n")}
<line class="axis" x1="${panel.left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
<line class="axis" x1="${panel.left}" x2="${panel.left}" y1="${panel.top}" y2="${bottom}"/>
${series.join("\n")}
<text x="${panel.left + panel.width / 2}" y="${height - 12}" text-anchor="middle">time: solid, keeping some values of a chain; dashed, blocks of equal length</text>
</svg>
`;
}
