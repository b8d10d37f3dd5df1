/** The examples with the largest loss: pictures as pictures, all else as rows of numbers. */
import { escapeHtml } from "../../util/html-escape.js";
import { brief, grouped, tableHtml } from "./page-parts.js";
import type { WorstExample, WorstExamples } from "./worst.js";

/** What inputs look like: channels, height and width, or null where they are no pictures. */
export type PictureShape = readonly [channels: number, height: number, width: number] | null;

/** The smallest square that a row of numbers is taken for, 8 by 8; and the largest picture that is put on the page. */
const smallestSide = 8;
const largestSide = 512;

/** Numbers of a row, and of an output, that are shown. */
const shownNumbers = 8;

/**
 * Pictures by their shape: [h, w], [c, h, w] with 1 or 3 channels, or a flattened square such as [784].
 */
export function pictureShapeOf(shape: readonly number[]): PictureShape {
  const [a, b, c] = shape;
  const found: PictureShape =
    shape.length === 3 && (a === 1 || a === 3)
      ? [a, b, c]
      : shape.length === 2
        ? [1, a, b]
        : shape.length === 1 && Number.isInteger(Math.sqrt(a))
          ? [1, Math.sqrt(a), Math.sqrt(a)]
          : null;
  if (found === null) return null;
  const [, height, width] = found;
  const fits = (side: number): boolean => side >= smallestSide && side <= largestSide;
  return fits(height) && fits(width) ? found : null;
}

export interface ExampleLooks {
  readonly picture: PictureShape;
  readonly classes: readonly string[] | undefined;
  /** Between the classes of a single output. */
  readonly threshold: number;
  /** "validation" or "training". */
  readonly of: string;
}

export async function examplesHtml(worst: WorstExamples, looks: ExampleLooks): Promise<string> {
  const { examples, seen } = worst;
  if (examples.length === 0) return "";
  const lead = `<p class="muted">The ${examples.length} largest losses of ${grouped(seen)} ${escapeHtml(looks.of)} examples, each measured by itself.</p>`;
  if (looks.picture === null) return lead + rowsHtml(worst, looks);
  const items: string[] = [];
  for (const one of examples) {
    const { truth, guess } = words(one, worst.areLabels, looks);
    const source = await pictureUrl(one.input, looks.picture);
    items.push(
      `<li><img src="${source}" alt="${escapeHtml(`example ${one.index}: ${truth}, taken for ${guess}`)}">${escapeHtml(truth)}, taken for ${escapeHtml(guess)}<br><span class="muted">loss ${brief(one.loss)}, no. ${grouped(one.index)}</span></li>`,
    );
  }
  return `${lead}<ul class="examples">${items.join("")}</ul>`;
}

function rowsHtml({ examples, areLabels }: WorstExamples, looks: ExampleLooks): string {
  const rows = examples.map((one) => {
    const { truth, guess } = words(one, areLabels, looks);
    return [
      grouped(one.index),
      brief(one.loss),
      escapeHtml(truth),
      escapeHtml(guess),
      escapeHtml(list(one.input)),
    ];
  });
  return tableHtml([["no.", "loss", "target", "output", "input"], ...rows], "The largest losses", {
    numeric: [1],
  });
}

function words(
  { target, output }: WorstExample,
  areLabels: boolean,
  { classes, threshold }: ExampleLooks,
): { truth: string; guess: string } {
  if (!areLabels) return { truth: list(target), guess: list(output) };
  const name = (label: number): string => classes?.[label] ?? String(label);
  const guess = output.length === 1 ? Number(output[0] > threshold) : largestOf(output);
  return { truth: name(target[0]), guess: name(guess) };
}

function largestOf(values: ArrayLike<number>): number {
  let at = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[at]) at = i;
  return at;
}

function list(values: Float64Array): string {
  const shown = Array.from(values.subarray(0, shownNumbers), brief).join(", ");
  return values.length > shownNumbers ? `${shown}, … (${grouped(values.length)})` : shown;
}

/** Pixels 0 … 1 as they are; others stretched to what the picture has. */
async function pictureUrl(
  pixels: Float64Array,
  [channels, height, width]: Exclude<PictureShape, null>,
): Promise<string> {
  const { encode } = await import("fast-png");
  const finite = pixels.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), 0);
  const high = finite.reduce((a, b) => Math.max(a, b), 1);
  const area = height * width;
  const data = new Uint8Array(area * channels);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < area; i++)
      // channels first here, last in the file
      data[i * channels + c] = Math.round(((pixels[c * area + i] - low) / (high - low)) * 255);
  const file = encode({ width, height, data, channels, depth: 8 });
  return `data:image/png;base64,${Buffer.from(file).toString("base64")}`;
}
