/** What the exporter of a primitive is given, and readers of its parameters. */
import { AdjointError } from "../../index.js";
import type { Builder } from "./builder.js";
import { type Extent, isFixed } from "./extents.js";
import type { Held } from "./specs.js";
import type { Parameter, TracedOperation, TracedValue } from "./trace.js";

/** One operation of the graph, to be written as nodes. */
export interface Emission {
  readonly builder: Builder;
  readonly operation: TracedOperation;
  readonly inputs: readonly Held[];
  readonly output: TracedValue;
  /** The operation that made a value of the graph, and the value as it is held. */
  maker(id: number): TracedOperation | undefined;
  held(id: number): Held;
  /** How many operations and outputs read a value. */
  uses(id: number): number;
}

/** Writes a primitive as nodes, and gives its value. */
export type Emitter = (emission: Emission) => Held;

function parameter(operation: TracedOperation, name: string): Parameter | undefined {
  const { params } = operation;
  if (typeof params !== "object" || params === null || Array.isArray(params)) return undefined;
  return (params as Readonly<Record<string, Parameter>>)[name];
}

/** A list of extents. */
export function extentsOf(operation: TracedOperation, name: string): readonly Extent[] {
  const value = parameter(operation, name);
  if (!Array.isArray(value)) throw malformed(operation, name);
  return value.map((item) => extent(operation, name, item));
}

/** A list of integers. */
export function integersOf(operation: TracedOperation, name: string): readonly number[] {
  return fixed(operation, extentsOf(operation, name), name);
}

export function extentOf(operation: TracedOperation, name: string): Extent {
  return extent(operation, name, parameter(operation, name));
}

/** A number, which may be NaN or infinite. */
export function numberOf(operation: TracedOperation, name: string): number {
  const value = parameter(operation, name);
  if (typeof value === "number") return value;
  const text = isRecord(value) ? value.number : undefined;
  if (typeof text !== "string") throw malformed(operation, name);
  return Number(text);
}

export function textOf(operation: TracedOperation, name: string): string {
  const value = parameter(operation, name);
  if (typeof value !== "string") throw malformed(operation, name);
  return value;
}

export function flagOf(operation: TracedOperation, name: string): boolean {
  return parameter(operation, name) === true;
}

/** The index of a listed function. */
export function functionOf(operation: TracedOperation, name: string): number {
  const value = parameter(operation, name);
  const index = isRecord(value) ? value.function : undefined;
  if (typeof index !== "number") throw malformed(operation, name);
  return index;
}

/** Extents that must not depend on the batch. */
export function fixed(
  operation: TracedOperation,
  extents: readonly Extent[],
  what: string,
): readonly number[] {
  return extents.map((value) => {
    if (isFixed(value)) return value;
    throw new AdjointError(
      "unsupported",
      `exportOnnx: ${operation.primitive}: its ${what} depend on the size of the batch. Export the model for one size, without dynamicBatch`,
      {
        operation: "exportOnnx",
        argument: "dynamicBatch",
        expected: `${what} that are the same for every batch`,
      },
    );
  });
}

function extent(operation: TracedOperation, name: string, value: Parameter | undefined): Extent {
  if (typeof value === "number") return value;
  if (isRecord(value) && typeof value.perExample === "number" && typeof value.plus === "number")
    return { perExample: value.perExample, plus: value.plus };
  throw malformed(operation, name);
}

function isRecord(value: Parameter | undefined): value is { readonly [key: string]: Parameter } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed({ primitive }: TracedOperation, name: string): AdjointError {
  return new AdjointError("internal", `internal error: exportOnnx: ${primitive} without ${name}`);
}
