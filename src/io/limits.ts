/** What readers refuse because of its size, whatever else is right with it. */
import { AdjointError } from "../index.js";
import { formatList, formatShape } from "../util/errors.js";

/** What compressed bytes may expand to, however few they are. */
export const freeExpansion = 2 ** 26;

/**
 * Beyond that, as many times their own length. Weights and images stay far below; a file made to exhaust memory does not, as deflate
 * reaches 1032 : 1.
 */
export const expansionRatio = 200;

/** What so many compressed bytes may expand to. */
export function expansionLimit(compressed: number): number {
  return freeExpansion + expansionRatio * compressed;
}

/** Elements of a tensor, and extents: positions are int32. */
const largestCount = 2 ** 31 - 1;
/** Axes of an array of NumPy's, from version 2 on; the format of safetensors sets no limit. */
const largestRank = 64;

/** The elements of a shape that a file announces; NaN, which equals no length, where they cannot be counted exactly. */
export function countOf(shape: readonly number[]): number {
  let count = 1;
  for (const extent of shape) {
    count *= extent;
    if (count > Number.MAX_SAFE_INTEGER) return Number.NaN;
  }
  return count;
}

/**
 * A shape that its format allows, and tensors do not.
 * @throws AdjointError `unsupported`
 */
export function checkExtents(shape: readonly number[], operation: string, where: string, file: string): void {
  if (shape.length <= largestRank && shape.every((extent) => extent <= largestCount))
    if (countOf(shape) <= largestCount) return;
  const received = shape.length > largestRank ? `${shape.length} axes` : formatList(shape);
  throw new AdjointError(
    "unsupported",
    `${operation}: ${where}: a tensor has at most ${largestRank} axes and ${largestCount} elements, received ${received}`,
    { operation, file, expected: `at most ${largestCount} elements`, received },
  );
}

/**
 * Room for bytes of a file.
 * @throws AdjointError `file-too-large` where memory has none
 */
export function allocateBytes(length: number, operation: string, file: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch {
    throw tooLarge(operation, file, `${length} bytes do not fit into memory`);
  }
}

/** The refusal of what would take too much memory. */
export function tooLarge(operation: string, file: string, problem: string): AdjointError {
  return new AdjointError("file-too-large", `${operation}: ${file}: ${problem}`, { operation, file });
}

/** `float32[2, 3]`, for messages. */
export function formatType(name: string, shape: readonly number[]): string {
  return `${name}${shape.length > 8 ? `[${shape.length} axes]` : formatShape(shape)}`;
}
