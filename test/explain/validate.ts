/** As much of JSON Schema as the explanation's schema uses: complaints with their paths. */
type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
  array: Array.isArray,
  object: isObject,
};

const known = new Set(
  "$schema title $defs $ref type properties required additionalProperties items anyOf enum const pattern".split(
    " ",
  ),
);

/** What of `value` does not fit; empty where all does. */
export function complaints(schema: unknown, value: unknown, root: unknown = schema, at = "$"): string[] {
  if (!isObject(schema) || !isObject(root)) return [`${at}: no schema`];
  const strange = Object.keys(schema).find((keyword) => !known.has(keyword));
  if (strange !== undefined) return [`${at}: the validator does not know ${strange}`];
  const { $ref, type, properties, items, anyOf, pattern } = schema;
  if (typeof $ref === "string") {
    const definitions = root.$defs;
    return complaints(isObject(definitions) ? definitions[$ref.slice(8)] : null, value, root, at);
  }
  if (Array.isArray(anyOf)) {
    const each = anyOf.map((option) => complaints(option, value, root, at));
    return each.some((list) => list.length === 0) ? [] : (each.sort((a, b) => depth(b) - depth(a))[0] ?? []);
  }
  if (typeof type === "string" && !types[type](value)) return [`${at}: not ${type}`];
  if (Array.isArray(schema.enum) && !schema.enum.includes(value)) return [`${at}: not one of ${schema.enum}`];
  if ("const" in schema && schema.const !== value) return [`${at}: not ${schema.const}`];
  if (typeof pattern === "string" && !new RegExp(pattern).test(String(value)))
    return [`${at}: not ${pattern}`];
  if (Array.isArray(value)) return value.flatMap((item, i) => complaints(items, item, root, `${at}[${i}]`));
  if (!isObject(value) || !isObject(properties)) return [];
  const missing = (schema.required as string[]).filter((key) => !(key in value));
  const extra = Object.keys(value).filter((key) => !(key in properties));
  return [
    ...missing.map((key) => `${at}.${key}: missing`),
    ...extra.map((key) => `${at}.${key}: not in the schema`),
    ...Object.keys(properties)
      .filter((key) => key in value)
      .flatMap((key) => complaints(properties[key], value[key], root, `${at}.${key}`)),
  ];
}

/** How far into the value the first complaint is: the option that was meant got furthest. */
function depth(list: readonly string[]): number {
  return list[0]?.split(/[.[]/).length ?? 0;
}
