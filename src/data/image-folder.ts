/** Folders of images, one for each class. */
import { AdjointError } from "../index.js";
import { listDirectory } from "../io/index.js";
import type { Split } from "./idx.js";
import { readingError } from "./open-file.js";

/** The images of a folder: their paths, sorted by class and name, and the number of each one's class. */
export interface ImageList {
  readonly paths: readonly string[];
  readonly labels: Int32Array;
  readonly classes: readonly string[];
}

interface Folder {
  readonly path: string;
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

/**
 * The images in `directory/class/*.png` (.jpg, .jpeg; letters of any size), or in `directory/train/class/…` and
 * `directory/test/class/…`. Hidden files are left out; others that are no images are refused, or left out as asked.
 * @throws AdjointError `file-not-found`, `invalid-data`
 */
export async function listImages(
  directory: string,
  split: Split | undefined,
  others: "refuse" | "ignore",
  operation: string,
): Promise<ImageList> {
  const top = await folderAt(directory, operation);
  const isSplit = top.folders.length > 0 && top.folders.every((name) => name === "train" || name === "test");
  if (!isSplit && split !== undefined)
    throw invalid(`${directory} has no folders train and test to take ${split} from`, directory, operation);
  const wanted = split === "all" ? ["train", "test"] : [split ?? "train"];
  const missing = isSplit ? wanted.find((name) => !top.folders.includes(name)) : undefined;
  if (missing !== undefined) throw invalid(`${directory} has no folder ${missing}`, directory, operation);
  const parts = isSplit
    ? await Promise.all(top.folders.map((name) => folderAt(`${directory}/${name}`, operation)))
    : [top];
  // of all parts, so that a number means the same class in each
  const classes = [...new Set(parts.flatMap(({ folders }) => folders))].sort();
  const roots = isSplit ? parts.filter((_, i) => wanted.includes(top.folders[i])) : parts;
  // folders come sorted, and training goes before tests
  if (isSplit) roots.reverse();
  if (classes.length === 0)
    throw invalid(
      `${directory} has no folders; expected one for each class, such as ${directory}/cat`,
      directory,
      operation,
    );
  const paths: string[] = [];
  const labels: number[] = [];
  for (const root of roots) {
    checkOthers(root, root.files, others, operation);
    for (const name of root.folders) {
      const folder = await folderAt(`${root.path}/${name}`, operation);
      const images = folder.files.filter((file) => /\.(png|jpe?g)$/i.test(file));
      const rest = folder.files.filter((file) => !images.includes(file));
      checkOthers(folder, [...rest, ...folder.folders], others, operation);
      if (images.length === 0) throw invalid(`${folder.path} has no images`, folder.path, operation);
      for (const image of images) {
        paths.push(`${folder.path}/${image}`);
        labels.push(classes.indexOf(name));
      }
    }
  }
  return { paths, labels: Int32Array.from(labels), classes };
}

async function folderAt(path: string, operation: string): Promise<Folder> {
  const names = (await listDirectory(path, operation)).filter(
    (name) => !name.startsWith(".") && name !== "Thumbs.db" && name !== "desktop.ini",
  );
  const { stat } = await import("node:fs/promises");
  const kinds = await Promise.all(
    names.map((name) =>
      stat(`${path}/${name}`).catch((cause: unknown) => {
        throw readingError(cause, `${path}/${name}`, operation);
      }),
    ),
  );
  return {
    path,
    folders: names.filter((_, i) => kinds[i].isDirectory()),
    files: names.filter((_, i) => !kinds[i].isDirectory()),
  };
}

function checkOthers(
  { path }: Folder,
  names: readonly string[],
  others: "refuse" | "ignore",
  operation: string,
): void {
  if (others === "ignore" || names.length === 0) return;
  throw invalid(
    `${path}/${names[0]} is no PNG or JPEG file in the folder of a class; { others: "ignore" } leaves such out`,
    `${path}/${names[0]}`,
    operation,
  );
}

function invalid(message: string, file: string, operation: string): AdjointError {
  return new AdjointError("invalid-data", `${operation}: ${message}`, { operation, file });
}
