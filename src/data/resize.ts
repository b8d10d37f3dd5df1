/**
 * Images of another size. Each output pixel is a weighted mean of the input pixels around it, first along rows, then along columns;
 * pixels are squares whose centres lie at whole numbers and a half. "area" weighs by overlap; "bilinear" by a triangle, which is
 * widened when an image is made smaller, so that no pixel is passed over (as Pillow does, and cameras' sampling needs).
 */
import type { Planes } from "./image-file.js";

/** How pixels are weighed. */
export type Filter = "area" | "bilinear";

/** Which input pixels make an output pixel. */
interface Taps {
  /** The first of them. */
  readonly start: number;
  /** Their weights, which sum to 1. */
  readonly weights: Float64Array;
}

/** The image in another size; with "crop", its centre of the aspect of that size. */
export function resized(
  image: Planes,
  size: readonly [number, number],
  filter: Filter,
  fit: "stretch" | "crop",
): Planes {
  const [height, width] = size;
  if (image.height === height && image.width === width) return image;
  // the part of the input that is shown
  const scale = Math.min(image.height / height, image.width / width);
  const shown = fit === "crop" ? [height * scale, width * scale] : [image.height, image.width];
  const along = tapsOf(image.width, shown[1], width, filter);
  const down = tapsOf(image.height, shown[0], height, filter);
  const data = new Float32Array(image.channels * height * width);
  const between = new Float64Array(image.height * width);
  for (let channel = 0; channel < image.channels; channel++) {
    const from = channel * image.height * image.width;
    for (let y = 0; y < image.height; y++)
      for (let x = 0; x < width; x++) {
        const { start, weights } = along[x];
        let sum = 0;
        for (let k = 0; k < weights.length; k++)
          sum += weights[k] * image.data[from + y * image.width + start + k];
        between[y * width + x] = sum;
      }
    for (let y = 0; y < height; y++) {
      const { start, weights } = down[y];
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * between[(start + k) * width + x];
        data[(channel * height + y) * width + x] = sum;
      }
    }
  }
  return { channels: image.channels, height, width, data };
}

/** The taps of every output pixel along one axis, of which `shown` input pixels in the middle are looked at. */
function tapsOf(extent: number, shown: number, count: number, filter: Filter): Taps[] {
  const step = shown / count;
  const offset = (extent - shown) / 2;
  const reach = filter === "area" ? step / 2 : Math.max(1, step);
  return Array.from({ length: count }, (_, i) => {
    const centre = offset + (i + 0.5) * step;
    const start = Math.max(0, Math.floor(centre - reach));
    const stop = Math.min(extent, Math.ceil(centre + reach));
    const weights = Float64Array.from({ length: stop - start }, (_, k) => {
      const left = start + k;
      return filter === "area"
        ? Math.max(0, Math.min(left + 1, centre + reach) - Math.max(left, centre - reach))
        : Math.max(0, 1 - Math.abs(left + 0.5 - centre) / reach);
    });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { start, weights: weights.map((weight) => weight / total) };
  });
}
