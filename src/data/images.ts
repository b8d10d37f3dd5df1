/** Data sets and streams of images in folders. */
import { AdjointError, tensor } from "../index.js";
import { readBytes } from "../io/index.js";
import { checkFinite, checkOptionNames, invalidArgument, isNatural } from "../util/checks.js";
import { formatList, formatReceived } from "../util/errors.js";
import { checkFlag, checkName, checkText } from "./checks.js";
import { type Dataset, dataset } from "./dataset.js";
import type { Split } from "./idx.js";
import { decodeImage, type ImageForm, type Planes } from "./image-file.js";
import { type ImageList, listImages } from "./image-folder.js";
import { fileSize } from "./open-file.js";
import type { Filter } from "./resize.js";
import { IndexedStream, type Stream } from "./stream-base.js";

/** Options of {@link images} and `data.stream.images`. */
export interface ImagesOptions {
  /** What every image is made: [height, width], or one number for both. By default all must have the same size as they are. */
  readonly size?: number | readonly [number, number];
  /** 3: red, green and blue (default); 1: gray, as ITU-R BT.601 weighs colors. */
  readonly channels?: 1 | 3;
  /** How sizes change: "bilinear" (default, widened when an image is made smaller) or "area", the mean of what a pixel covers. */
  readonly filter?: Filter;
  /** What happens to an image of another aspect than `size`: it is stretched (default), or cut around its centre. */
  readonly fit?: "stretch" | "crop";
  /** What transparent pixels are laid over: 0 black to 1 white (default). */
  readonly background?: number;
  /** Where the directory has folders train and test: which (default train). */
  readonly split?: Split;
  /** Files that are no images, and folders within classes: refused (default) or left out. Hidden files are always left out. */
  readonly others?: "refuse" | "ignore";
  /** An image of more pixels is refused before it is decoded. Default 2²⁵, a square of 5792. */
  readonly maxPixels?: number;
  /** false (default): an input is [channels, height, width]; true: a row of all its numbers. */
  readonly flatten?: boolean;
  /** What messages call it; by default the directory. */
  readonly name?: string;
}

/** Bytes that a data set of images in memory may take. */
const largestDataset = 2 ** 30;

/** Bytes that a file may have: more than any image of the pixels allowed needs. */
const largestFile = 2 ** 28;

/** Files that are read at once: reading waits, decoding does not. */
const filesAtOnce = 8;

/**
 * Reads the images in `directory/class/`, PNG and JPEG, as float32 from 0 to 1, channels first, with the folders' names, sorted,
 * as classes; also `directory/train/class/` and `directory/test/class/`.
 *
 * Samples of 1 to 16 bits, palettes, gray, alpha and interlacing are understood; color profiles and EXIF orientation are not looked at.
 *
 * @throws AdjointError `file-not-found`; `file-format`, `unsupported` and `file-too-large` naming the file; `invalid-data` for a folder
 * that is not as described, images of different sizes without `size`, and more than 1 GiB of numbers, for which there is
 * `data.stream.images`; `invalid-argument`
 * @example
 * const { mkdirSync, writeFileSync } = process.getBuiltinModule("node:fs");
 * const dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";
 * for (const name of ["black", "dark"]) {
 *   mkdirSync(`dots/${name}`, { recursive: true });
 *   writeFileSync(`dots/${name}/1.png`, Buffer.from(dot, "base64"));
 * }
 * const dots = await data.images("dots", { channels: 1, size: 2 });
 * [dots.size, ...dots.inputShape]; // → 2,1,2,2
 * dots.classes; // → black,dark
 */
export async function images(directory: string, options: ImagesOptions = {}): Promise<Dataset> {
  const operation = "data.images";
  const reader = await openImages(directory, options, operation);
  const { list, shape, width } = reader;
  if (4 * width * list.paths.length > largestDataset)
    throw new AdjointError(
      "invalid-data",
      `${operation}: ${list.paths.length} images of ${shape.join(" × ")} are more than 1 GiB; train from data.stream.images, or give a smaller { size }`,
      { operation, file: directory },
    );
  const inputs = new Float32Array(width * list.paths.length);
  for (let start = 0; start < list.paths.length; start += filesAtOnce) {
    const stop = Math.min(list.paths.length, start + filesAtOnce);
    await reader.readInto(inputs.subarray(start * width, stop * width), start, stop);
  }
  return dataset({
    inputs,
    inputShape: reader.inputShape,
    targets: list.labels,
    targetShape: [],
    classes: list.classes,
    name: options.name ?? directory,
  });
}

/**
 * A stream of images in folders, decoded when they are needed.
 *
 * @throws AdjointError as `images`, as files are met
 * @example
 * const { mkdirSync, writeFileSync } = process.getBuiltinModule("node:fs");
 * const dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";
 * for (const name of ["left", "right"]) {
 *   mkdirSync(`sides/${name}`, { recursive: true });
 *   writeFileSync(`sides/${name}/1.png`, Buffer.from(dot, "base64"));
 * }
 * const sides = await data.stream.images("sides", { size: 4 });
 * (await sides.prefetch(1).first(2)).x.shape; // → 2,3,4,4
 */
export async function imageStream(directory: string, options: ImagesOptions = {}): Promise<Stream> {
  const operation = "data.stream.images";
  const reader = await openImages(directory, options, operation);
  const { list, width, inputShape } = reader;
  const name = options.name ?? directory;
  return new IndexedStream(
    { size: list.paths.length, inputShape, targetShape: [], classes: list.classes, name },
    async (indices) => {
      const x = new Float32Array(indices.length * width);
      for (let start = 0; start < indices.length; start += filesAtOnce) {
        const some = indices.subarray(start, start + filesAtOnce);
        await reader.pickInto(x.subarray(start * width, (start + some.length) * width), some);
      }
      const y = Int32Array.from(indices, (i) => list.labels[i]);
      return { x: tensor(x, { shape: [indices.length, ...inputShape] }), y: tensor(y) };
    },
    { kind: "images", source: directory, options },
  );
}

interface ImageReader {
  readonly list: ImageList;
  /** [channels, height, width] */
  readonly shape: readonly number[];
  readonly inputShape: readonly number[];
  readonly width: number;
  readInto(target: Float32Array, start: number, stop: number): Promise<void>;
  pickInto(target: Float32Array, indices: ArrayLike<number>): Promise<void>;
}

async function openImages(
  directory: string,
  options: ImagesOptions,
  operation: string,
): Promise<ImageReader> {
  const form = formOf(directory, options, operation);
  const list = await listImages(directory, options.split, options.others ?? "refuse", operation);
  const first = await readImage(list.paths[0], form, operation);
  const shape = [first.channels, first.height, first.width];
  const width = first.data.length;
  const read = async (path: string): Promise<Float32Array> => {
    const { data, height, width: own } = await readImage(path, form, operation);
    if (height === first.height && own === first.width) return data;
    throw new AdjointError(
      "invalid-data",
      `${operation}: ${path} has ${own} × ${height} pixels, ${list.paths[0]} ${first.width} × ${first.height}; give the { size } they shall have`,
      { operation, file: path, expected: `${first.width} × ${first.height}`, received: `${own} × ${height}` },
    );
  };
  const pickInto = async (target: Float32Array, indices: ArrayLike<number>): Promise<void> => {
    const rows = await Promise.all(Array.from(indices, (i) => read(list.paths[i])));
    rows.forEach((row, i) => {
      target.set(row, i * width);
    });
  };
  return {
    list,
    shape,
    inputShape: options.flatten === true ? [width] : shape,
    width,
    pickInto,
    readInto: (target, start, stop) =>
      pickInto(
        target,
        Array.from({ length: stop - start }, (_, i) => start + i),
      ),
  };
}

async function readImage(path: string, form: ImageForm, operation: string): Promise<Planes> {
  const length = await fileSize(path, operation);
  if (length > largestFile)
    throw new AdjointError(
      "file-too-large",
      `${operation}: ${path}: ${length} bytes are more than the ${largestFile} an image may have`,
      { operation, file: path, expected: `at most ${largestFile}`, received: String(length) },
    );
  const { bytes } = await readBytes(path, operation);
  return decodeImage(bytes, path, form, operation);
}

/** @throws AdjointError `invalid-argument` */
function formOf(directory: unknown, options: ImagesOptions, operation: string): ImageForm {
  if (typeof directory !== "string" || directory === "")
    throw invalidArgument(operation, "directory", "a path", formatReceived(directory));
  checkOptionNames(options, optionNames, operation);
  const {
    size,
    channels = 3,
    filter = "bilinear",
    fit = "stretch",
    background = 1,
    maxPixels = 2 ** 25,
  } = options;
  const isExtent = (value: unknown): value is number => isNatural(value) && value > 0 && value <= 2 ** 14;
  const extents = typeof size === "number" ? [size, size] : size;
  if (extents !== undefined && !(Array.isArray(extents) && extents.length === 2 && extents.every(isExtent)))
    throw invalidArgument(operation, "size", "a number of pixels, or [height, width]", formatList(size));
  if (channels !== 1 && channels !== 3)
    throw invalidArgument(operation, "channels", "1 or 3", formatReceived(channels));
  checkName(filter, ["area", "bilinear"], operation, "filter");
  checkName(fit, ["stretch", "crop"], operation, "fit");
  checkName(options.split, ["train", "test", "all"], operation, "split");
  checkName(options.others, ["refuse", "ignore"], operation, "others");
  checkFlag(options.flatten, operation, "flatten");
  checkText(options.name, operation, "name");
  if (!(checkFinite(background, operation, "background") >= 0 && background <= 1))
    throw invalidArgument(operation, "background", "from 0 to 1", formatReceived(background));
  if (!isNatural(maxPixels) || maxPixels === 0 || maxPixels > 2 ** 28)
    throw invalidArgument(operation, "maxPixels", "an integer from 1 to 2²⁸", formatReceived(maxPixels));
  const target = extents === undefined ? undefined : ([extents[0], extents[1]] as const);
  return { channels, size: target, filter, fit, background, maxPixels };
}

const optionNames = [
  "size",
  "channels",
  "filter",
  "fit",
  "background",
  "split",
  "others",
  "maxPixels",
  "flatten",
  "name",
] as const satisfies readonly (keyof ImagesOptions)[];
