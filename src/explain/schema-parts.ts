/** What schemas are made of. Each part carries the type it describes, so the compiler holds a schema against its document. */

/** A JSON Schema of values of type T; the type is known to the compiler only. */
export interface Schema<T> {
  readonly [keyword: string]: unknown;
  readonly describes?: (value: T) => T;
}

export const number: Schema<number> = { type: "number" };
export const integer: Schema<number> = { type: "integer" };
export const text: Schema<string> = { type: "string" };
export const flag: Schema<boolean> = { type: "boolean" };

export function words<const W extends readonly string[]>(...list: W): Schema<W[number]> {
  return { enum: list };
}

export function constant<const C extends string | number>(value: C): Schema<C> {
  return { const: value };
}

export function nullable<T>(of: Schema<T>): Schema<T | null> {
  return { anyOf: [of, { type: "null" }] };
}

export function list<T>(items: Schema<T>): Schema<readonly T[]> {
  return { type: "array", items };
}

export function object<T>(properties: { readonly [K in keyof Required<T>]: Schema<T[K]> }): Schema<T> {
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
}

export function either<A, B>(a: Schema<A>, b: Schema<B>): Schema<A | B> {
  return { anyOf: [a, b] };
}

/** A definition, and how others refer to it. */
export function named<T>(name: string): Schema<T> {
  return { $ref: `#/$defs/${name}` };
}
