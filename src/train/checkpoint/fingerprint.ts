/**
 * What two runs must have in common for one to be the continuation of the other, as texts that can be compared and shown. What is not
 * among them may change: the number of epochs, learning rates and other numbers of the optimizer, validation, and who
 * looks on.
 */
import { isTensor } from "../../index.js";
import { AdjointError, formatShape } from "../../util/errors.js";
import { flatten, type Structure } from "../../util/tree.js";
import type { Rows, Source } from "../source.js";

/** Names of settings, and what they are. */
export type Fingerprint = Readonly<Record<string, string>>;

/** The classes, tensors and plain values of a model, by their place in it. */
export function fingerprintOf(model: unknown): Record<string, string> {
  const { leaves, structure } = flatten(model, isTensor);
  const found: Record<string, string> = {};
  let next = 0;
  const visit = (node: Structure, path: string): void => {
    switch (node.kind) {
      case "leaf": {
        const { dtype, shape } = leaves[next++];
        found[path] = `${dtype}${formatShape(shape)}`;
        return;
      }
      case "array":
        node.items.forEach((item, i) => {
          visit(item, `${path}.${i}`);
        });
        return;
      case "object":
        if (node.prototype !== null && node.prototype !== Object.prototype)
          found[path] = String(node.prototype.constructor?.name);
        node.items.forEach((item, i) => {
          visit(item, `${path}.${node.keys[i]}`);
        });
        return;
      case "static":
        found[path] = textOf(node.value);
    }
  };
  visit(structure, "model");
  return found;
}

/** What no tensor is, by its value where it has one that can be written; a function is what the program says it is. */
function textOf(value: unknown): string {
  if (typeof value === "object" || typeof value === "function") return typeof value;
  // JSON has no whole numbers of any length, and refuses them
  return typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value));
}

/** Rows and labels that are looked at, evenly spread over all: enough to tell two data sets apart, and cheap. */
const rowsHashed = 1024;

/** What the examples are, and a hash of some of them. */
export async function fingerprintOfRows(source: Source): Promise<Record<string, string>> {
  const { size, inputs, targets, inputShape, targetShape } = source;
  const parts = [...sampled(inputs, size, rowsHashed), ...sampled(targets, size, 64 * rowsHashed)];
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", bytes));
  return {
    data: `${size} examples ${kindOf(inputs)}${formatShape(inputShape)} → ${kindOf(targets)}${formatShape(targetShape)}`,
    "the examples": Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
}

function kindOf(rows: Rows): string {
  return rows instanceof Int32Array ? "int32" : rows instanceof Float64Array ? "float64" : "float32";
}

/** At most `count` rows, the first and the last among them. */
function sampled(rows: Rows, size: number, count: number): Rows[] {
  const width = rows.length / size;
  if (size <= count) return [rows];
  return Array.from({ length: count }, (_, i) => {
    const at = Math.round((i * (size - 1)) / (count - 1));
    return rows.subarray(at * width, (at + 1) * width);
  });
}

/** What messages say to whom: who wants the two to be the same, and what to do where they are not. */
interface Purpose {
  readonly operation: string;
  readonly remedy: string;
}

const resuming: Purpose = { operation: "fit", remedy: "resume with the settings it began with" };

/**
 * @throws AdjointError `checkpoint-mismatch` naming the first setting that differs
 */
export function checkFingerprint(
  was: Fingerprint,
  is: Fingerprint,
  file: string,
  { operation, remedy }: Purpose = resuming,
): void {
  const names = new Set([...Object.keys(was), ...Object.keys(is)]);
  for (const name of names) {
    const [before, now] = [was[name] ?? "nothing", is[name] ?? "nothing"];
    if (before === now) continue;
    throw new AdjointError(
      "checkpoint-mismatch",
      `${operation}: ${file} is of a run with other settings: ${name} was ${before}, and is ${now}; ${remedy}`,
      { operation, argument: name, expected: before, received: now, file },
    );
  }
}
