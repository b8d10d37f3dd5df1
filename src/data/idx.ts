/** Data sets from pairs of IDX files, images and labels: MNIST and the many sets published in its shape. */
import { AdjointError } from "../index.js";
import { decodeIdx, type IdxArray, type IdxFile, listDirectory, readBytes } from "../io/index.js";
import { checkFinite, checkOptionNames, checkOptions } from "../util/checks.js";
import { formatShape } from "../util/errors.js";
import { checkFlag, checkName, checkText, checkTexts } from "./checks.js";
import { type Dataset, dataset } from "./dataset.js";

/** Which part of a published set. */
export type Split = "train" | "test" | "all";

/** Options of {@link idx}. */
export interface IdxOptions {
  /** In a directory: the training files (default), the test files (t10k-… or test-…), or both, training first. */
  readonly split?: Split;
  /** true (default): an image of h × w pixels is a row of h·w; false: [1, h, w], one channel. */
  readonly flatten?: boolean;
  /** What pixels are multiplied by; by default 1/255 for uint8, so that they lie in [0, 1], and 1 for all else. */
  readonly scale?: number;
  readonly classes?: readonly string[];
  /** What messages call the data; by default the directory. */
  readonly name?: string;
}

/** An images file and its labels file: paths, or bytes. */
export interface IdxPair {
  readonly images: string | Uint8Array;
  readonly labels: string | Uint8Array;
}

const operation = "data.idx";
const optionNames = [
  "split",
  "flatten",
  "scale",
  "classes",
  "name",
] as const satisfies readonly (keyof IdxOptions)[];

/**
 * Reads images and labels in the IDX format, plain or gzipped, from a directory that holds them under their usual names
 * (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-…`, each perhaps `.gz`) or from two files.
 *
 * @throws AdjointError `file-not-found`, `file-format` naming file and byte offset, `invalid-data` where images and labels
 * do not fit each other, `invalid-argument`
 * @example
 * const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255);
 * const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 7);
 * (await data.idx({ images, labels })).inputs; // → 0,1
 */
export async function idx(source: string | IdxPair, options: IdxOptions = {}): Promise<Dataset> {
  checkOptionNames(options, optionNames, operation);
  checkName(options.split, ["train", "test", "all"], operation, "split");
  checkFlag(options.flatten, operation, "flatten");
  if (options.scale !== undefined) checkFinite(options.scale, operation, "scale");
  checkTexts(options.classes, operation, "classes");
  checkText(options.name, operation, "name");
  checkSource(source);
  const splits: readonly Split[] = options.split === "all" ? ["train", "test"] : [options.split ?? "train"];
  const pairs =
    typeof source === "string" ? await Promise.all(splits.map((split) => findPair(source, split))) : [source];
  const parts: LabelledImages[] = [];
  for (const pair of pairs) parts.push(await readPair(pair));
  return assemble(parts, { ...(typeof source === "string" ? { name: source } : {}), ...options });
}

/** Paths and bytes are looked at where they are read. */
function checkSource(source: unknown): void {
  if (typeof source === "string") return;
  checkOptions(source, operation, "a directory, or { images, labels }", "source");
  checkOptionNames(source as object, ["images", "labels"], operation);
}

interface LabelledImages {
  readonly images: IdxFile;
  readonly labels: IdxArray;
}

async function readPair(pair: IdxPair): Promise<LabelledImages> {
  const imageFile = await readBytes(pair.images, operation);
  const labelFile = await readBytes(pair.labels, operation);
  const images = decodeIdx(imageFile.bytes, imageFile.file);
  const labels = decodeIdx(labelFile.bytes, labelFile.file);
  if (images.shape.length < 2)
    throw invalid(
      `${imageFile.file} holds ${images.element}${formatShape(images.shape)}; expected images, of 2 dimensions or more: are the files swapped?`,
      imageFile.file,
    );
  if (labels.shape.length !== 1 || labels.element.startsWith("float"))
    throw invalid(
      `${labelFile.file} holds ${labels.element}${formatShape(labels.shape)}; expected labels: integers of 1 dimension`,
      labelFile.file,
    );
  if (labels.shape[0] !== images.shape[0])
    throw invalid(
      `${imageFile.file} holds ${images.shape[0]} images, ${labelFile.file} ${labels.shape[0]} labels; expected as many of each`,
      labelFile.file,
    );
  const bad = labels.data.findIndex((label) => label < 0);
  if (bad >= 0)
    throw invalid(
      `${labelFile.file}: label ${labels.data[bad]} of example ${bad} is negative`,
      labelFile.file,
    );
  return { images, labels: labels.data };
}

function assemble(parts: readonly LabelledImages[], options: IdxOptions): Dataset {
  const pixels = parts[0].images.shape.slice(1);
  for (const { images } of parts)
    if (formatShape(images.shape.slice(1)) !== formatShape(pixels))
      throw invalid(
        `training images have the shape ${formatShape(pixels)}, test images ${formatShape(images.shape.slice(1))}`,
      );
  const width = pixels.reduce((total, extent) => total * extent, 1);
  const count = parts.reduce((total, { labels }) => total + labels.length, 0);
  const inputs = new Float32Array(count * width);
  const targets = new Int32Array(count);
  let row = 0;
  for (const { images, labels } of parts) {
    const scale = options.scale ?? (images.element === "uint8" ? 1 / 255 : 1);
    const { data } = images;
    for (let i = 0, to = row * width; i < data.length; i++, to++) inputs[to] = data[i] * scale;
    targets.set(labels, row);
    row += labels.length;
  }
  const inputShape = options.flatten === false ? (pixels.length === 2 ? [1, ...pixels] : pixels) : [width];
  const { classes, name } = options;
  return dataset({
    inputs,
    targets,
    inputShape,
    targetShape: [],
    ...(classes === undefined ? {} : { classes }),
    ...(name === undefined ? {} : { name }),
  });
}

/** The images file and the labels file of one split in a directory. */
async function findPair(directory: string, split: Split): Promise<IdxPair> {
  const names = (await listDirectory(directory, operation)).filter((name) =>
    /idx\d|\.idx$|ubyte/i.test(name),
  );
  const find = async (role: "images" | "labels"): Promise<string> => {
    const isTest = (name: string): boolean => /^(t10k|test)/i.test(name);
    const found = names.filter(
      (name) => name.toLowerCase().includes(role) && isTest(name) === (split === "test"),
    );
    // a file and its gzipped copy side by side are the same file
    const distinct = found.filter((name) => !(name.endsWith(".gz") && found.includes(name.slice(0, -3))));
    if (distinct.length === 1) return `${directory}/${distinct[0]}`;
    const usual = `${split === "test" ? "t10k" : "train"}-${role}-idx${role === "images" ? 3 : 1}-ubyte`;
    throw new AdjointError(
      "file-not-found",
      distinct.length === 0
        ? `${operation}: ${directory} has no file of ${split} ${role}; expected ${usual} or ${usual}.gz`
        : `${operation}: ${directory} has several files of ${split} ${role} (${distinct.join(", ")}); name two files instead`,
      { operation, file: directory, expected: usual, received: distinct.join(", ") || "none" },
    );
  };
  return { images: await find("images"), labels: await find("labels") };
}

function invalid(message: string, file?: string): AdjointError {
  return new AdjointError("invalid-data", `${operation}: ${message}`, {
    operation,
    ...(file === undefined ? {} : { file }),
  });
}
