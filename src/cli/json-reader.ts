/** Reading JSON that may have been edited, or come from elsewhere: what is wrong is refused with its place. */
import { AdjointError } from "../index.js";

/**
 * The configuration that is stored with a model.
 * @throws AdjointError `file-format` for what is no JSON, and for another format than ours
 */
export function readConfiguration(text: string, file: string): JsonReader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new AdjointError("file-format", `${file}: its configuration is not JSON`, { file }, { cause });
  }
  const read = new JsonReader(parsed, "", file);
  if (read.field("format").value !== 1)
    throw read.field("format").refusal("1, the only format this version knows");
  return read;
}

/** A value of unknown JSON with the path that leads to it. */
export class JsonReader {
  readonly value: unknown;
  private readonly path: string;
  private readonly file: string;

  constructor(value: unknown, path: string, file: string) {
    this.value = value;
    this.path = path;
    this.file = file;
  }

  refusal(expected: string): AdjointError {
    const received = JSON.stringify(this.value)?.slice(0, 40) ?? "nothing";
    const message = `${this.file}: configuration entry ${this.path || "itself"} must be ${expected}, received ${received}`;
    return new AdjointError("file-format", message, { file: this.file, expected, received });
  }

  entries(): [name: string, value: JsonReader][] {
    if (typeof this.value !== "object" || this.value === null || Array.isArray(this.value))
      throw this.refusal("an object");
    const inside = this.path === "" ? "" : `${this.path}.`;
    return Object.entries(this.value).map(([name, value]) => [
      name,
      new JsonReader(value, `${inside}${name}`, this.file),
    ]);
  }

  optional(name: string): JsonReader | undefined {
    return this.entries().find(([key]) => key === name)?.[1];
  }

  field(name: string): JsonReader {
    return (
      this.optional(name) ??
      new JsonReader(undefined, this.path === "" ? name : `${this.path}.${name}`, this.file)
    );
  }

  string(): string {
    if (typeof this.value !== "string") throw this.refusal("a text");
    return this.value;
  }

  number(): number {
    if (typeof this.value !== "number") throw this.refusal("a number");
    return this.value;
  }

  name<Name extends string>(names: readonly Name[]): Name {
    const found = names.find((name) => name === this.value);
    if (found === undefined) throw this.refusal(`one of ${names.join(", ")}`);
    return found;
  }

  strings(): string[] {
    return this.list((value): value is string => typeof value === "string", "a list of texts");
  }

  numbers(accepts: (value: number) => boolean): number[] {
    return this.list(
      (value): value is number => typeof value === "number" && accepts(value),
      "a list of numbers",
    );
  }

  private list<T>(is: (value: unknown) => value is T, expected: string): T[] {
    if (!Array.isArray(this.value) || !this.value.every(is)) throw this.refusal(expected);
    return this.value;
  }
}
