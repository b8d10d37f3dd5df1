/** What a table held when a model was trained on it, so that its held-out rows can be told from the others later. */
import type { Dataset } from "../data/index.js";
import { AdjointError } from "../index.js";
import type { Content, DataConfig } from "./config.js";
import { grouped } from "./output.js";

/**
 * The number of rows, and a hash of the numbers that are used of them, in their order: what the held-out rows depend on. Spaces,
 * line breaks and other columns may change.
 */
export async function contentOf({ inputs, targets, size }: Dataset): Promise<Content> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  for (const { buffer, byteOffset, byteLength } of [inputs, targets])
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return { rows: size, sha256: hash.digest("hex") };
}

export function sameContent(a: Content | undefined, b: Content): boolean {
  return a !== undefined && a.rows === b.rows && a.sha256 === b.sha256;
}

/** @throws AdjointError `invalid-data` where the rows are not those the model was trained on and measured with */
export function checkContent(
  { path, content: before }: Extract<DataConfig, { kind: "csv" }>,
  now: Content,
  model: string,
): void {
  if (sameContent(before, now)) return;
  const was = before === undefined ? "the model does not say which rows" : textOf(before);
  throw new AdjointError(
    "invalid-data",
    `${path} has changed since the model was trained: ${was} then, ${textOf(now)} now, so the rows it has not seen cannot be told from the others; to measure all rows: adjoint eval ${model} ${path}`,
    { file: path, expected: was, received: textOf(now) },
  );
}

function textOf({ rows, sha256 }: Content): string {
  return `${grouped(rows)} rows (sha256 ${sha256.slice(0, 12)}…)`;
}
