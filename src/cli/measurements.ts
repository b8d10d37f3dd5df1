/** Measurements as people read them. */
import type { Measurements } from "../train/index.js";
import { loss, percent } from "./output.js";

/** Shares of examples; everything else has no upper bound, or is a score. */
const shares = /^(accuracy|top\d+)$/i;

/** `95.12 %`, or `0.1234`. */
export function measurement(name: string, value: number): string {
  return shares.test(name) && Number.isFinite(value) ? percent(value) : loss(value);
}

/** `accuracy 95.12 %  f1 0.9431`: all of them, the loss only where it is alone or asked for. */
export function describeMeasurements(values: Measurements, options: { readonly withLoss: boolean }): string {
  const named = Object.entries(values).filter(
    ([name], _, all) => options.withLoss || name !== "loss" || all.length === 1,
  );
  return named.map(([name, value]) => `${name} ${measurement(name, value)}`).join("  ");
}

/** Parts of a line, as many as fit into 80 columns; the first always. */
export function fitting(parts: readonly string[], width = 80): string {
  return parts.reduce((line, part) => (line.length + 2 + part.length <= width ? `${line}  ${part}` : line));
}

/** All of them, in lines of 80 columns. */
export function measurementLines(values: Measurements): string[] {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    const part = `${name} ${measurement(name, value)}`;
    const last = lines.at(-1);
    if (last !== undefined && last.length + 2 + part.length <= 80)
      lines[lines.length - 1] = `${last}  ${part}`;
    else lines.push(part);
  }
  return lines;
}
