/** An image file as planes of numbers from 0 to 1. */
import { AdjointError } from "../index.js";
import { decodePng, isPng, type Refusals } from "./image-png.js";
import { type Filter, resized } from "./resize.js";

/** Samples as a file has them: [height, width, channels], each from 0 to `largest`. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 1 gray, 2 gray and alpha, 3 red, green and blue, 4 with alpha. */
  readonly channels: 1 | 2 | 3 | 4;
  readonly data: ArrayLike<number>;
  readonly largest: number;
}

/** What is refused because of its size. */
export interface ImageLimits {
  readonly maxPixels: number;
}

/** What images are made into. */
export interface ImageForm extends ImageLimits {
  /** 1: gray; 3: red, green and blue. */
  readonly channels: 1 | 3;
  /** [height, width]; without, what the file has. */
  readonly size: readonly [number, number] | undefined;
  readonly filter: Filter;
  /** Whether an image of another aspect is cut to that of `size`, from its centre, or stretched. */
  readonly fit: "stretch" | "crop";
  /** What transparent pixels are laid over, from 0, black, to 1, white. */
  readonly background: number;
}

/** A decoded image: [channels, height, width], from 0 to 1. */
export interface Planes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/**
 * The image in the bytes of a PNG or JPEG file, whatever the file is called.
 * @throws AdjointError `file-format`, `file-too-large`, `unsupported`
 */
export async function decodeImage(
  bytes: Uint8Array,
  file: string,
  form: ImageForm,
  operation: string,
): Promise<Planes> {
  const refusal = (code: "file-format" | "file-too-large" | "unsupported") => (problem: string) =>
    new AdjointError(code, `${operation}: ${file}: ${problem}`, { operation, file });
  const refuse: Refusals = {
    format: refusal("file-format"),
    tooLarge: refusal("file-too-large"),
    unsupported: refusal("unsupported"),
  };
  if (!isPng(bytes) && !isJpeg(bytes))
    throw refuse.format("it is neither a PNG nor a JPEG file, whatever its name says");
  const pixels = isPng(bytes) ? await decodePng(bytes, form, refuse) : await decodeJpeg(bytes, form, refuse);
  const planes = planesOf(pixels, form);
  return form.size === undefined ? planes : resized(planes, form.size, form.filter, form.fit);
}

function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/** Turning an image as its EXIF data say is left to whoever made the file. */
async function decodeJpeg(bytes: Uint8Array, { maxPixels }: ImageLimits, refuse: Refusals): Promise<Pixels> {
  const { width, height } = jpegExtents(bytes, refuse);
  if (width * height > maxPixels)
    throw refuse.tooLarge(`${width} × ${height} pixels are more than the ${maxPixels} allowed by maxPixels`);
  // a block of 8 × 8 pixels takes a bit at the very least: memory is given to files that can fill it
  if ((width * height) / 64 > 8 * bytes.length)
    throw refuse.format(`${bytes.length} bytes are too few for ${width} × ${height} pixels`);
  const { decode } = await import("jpeg-js");
  try {
    const { data } = decode(bytes, {
      useTArray: true,
      formatAsRGBA: true,
      tolerantDecoding: false,
      maxResolutionInMP: Math.ceil(maxPixels / 1e6),
      // what its planes, coefficients and output take, with room: a limit on files that lie about their blocks
      maxMemoryUsageInMB: 64 + Math.ceil((32 * width * height) / 2 ** 20),
    });
    return { width, height, channels: 4, data, largest: 255 };
  } catch (cause) {
    throw refuse.format(cause instanceof Error ? cause.message : String(cause));
  }
}

/** The extents in the frame header, which says how much is to be decoded. */
function jpegExtents(bytes: Uint8Array, refuse: Refusals): { width: number; height: number } {
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) throw refuse.format(`expected a marker at byte ${at}`);
    const marker = bytes[at + 1];
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) {
      const [height, width] = [bytes[at + 5] * 256 + bytes[at + 6], bytes[at + 7] * 256 + bytes[at + 8]];
      if (width > 0 && height > 0) return { width, height };
      throw refuse.format(`an image of ${width} × ${height} pixels`);
    }
    // fill bytes before a marker, then the segment with its length
    at += marker === 0xff ? 1 : 2 + bytes[at + 2] * 256 + bytes[at + 3];
  }
  throw refuse.format("it ends before its frame header");
}

/** Luma of ITU-R BT.601, as most software makes gray of colors. */
const luma = [0.299, 0.587, 0.114] as const;

/** Samples as planes, transparent ones laid over the background, in the channels asked for. */
function planesOf({ width, height, channels, data, largest }: Pixels, form: ImageForm): Planes {
  const area = width * height;
  const planes = new Float32Array(form.channels * area);
  const hasAlpha = channels === 2 || channels === 4;
  const colors = hasAlpha ? channels - 1 : channels;
  for (let i = 0; i < area; i++) {
    const at = i * channels;
    const alpha = hasAlpha ? data[at + colors] / largest : 1;
    const under = (1 - alpha) * form.background;
    const sample = (k: number): number => (data[at + Math.min(k, colors - 1)] / largest) * alpha + under;
    if (form.channels === 3) for (let k = 0; k < 3; k++) planes[k * area + i] = sample(k);
    else
      planes[i] = colors === 1 ? sample(0) : luma[0] * sample(0) + luma[1] * sample(1) + luma[2] * sample(2);
  }
  return { channels: form.channels, height, width, data: planes };
}
