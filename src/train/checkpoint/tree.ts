/**
 * A tree of tensors as named tensors and a description that JSON can hold: how the state of any optimizer is kept. Tensors
 * are stored by their path; plain numbers, texts and flags in the description. Classes and functions cannot be stored, and
 * are taken from a tree made anew by the same program.
 */
import { isTensor, type Tensor } from "../../index.js";
import { AdjointError, formatReceived } from "../../util/errors.js";
import { flatten, leafPaths, type Structure, unflatten } from "../../util/tree.js";

/** A described tree: "tensor", a list, an object by its keys, a plain value, or one that the program itself has. */
export type Described =
  | "tensor"
  | { readonly list: readonly Described[] }
  | { readonly object: readonly (readonly [key: string, value: Described])[]; readonly class?: string }
  | { readonly value: string | number | boolean | null }
  | { readonly given: string };

/** The tensors of a tree by their paths, each with `prefix` and a dot before it. */
export function namedLeaves(tree: unknown, prefix: string): [name: string, leaf: Tensor][] {
  const { leaves, structure } = flatten(tree, isTensor);
  const paths = leafPaths(structure);
  return leaves.map((leaf, i) => [nameOf(prefix, paths[i]), leaf]);
}

function nameOf(prefix: string, path: string): string {
  return path === "" ? prefix : `${prefix}.${path}`;
}

/** How a tree is built, without its tensors. */
export function describeTree(tree: unknown): Described {
  return describe(flatten(tree, isTensor).structure);
}

function describe(structure: Structure): Described {
  switch (structure.kind) {
    case "leaf":
      return "tensor";
    case "array":
      return { list: structure.items.map(describe) };
    case "object": {
      const object = structure.keys.map((key, i) => [key, describe(structure.items[i])] as const);
      const name = className(structure.prototype);
      return name === undefined ? { object } : { object, class: name };
    }
    case "static":
      return isPlain(structure.value)
        ? { value: structure.value }
        : { given: formatReceived(structure.value) };
  }
}

/** Values JSON gives back as they were. */
function isPlain(value: unknown): value is string | number | boolean | null {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  return typeof value === "string" || typeof value === "boolean" || value === null;
}

function className(prototype: object | null): string | undefined {
  if (prototype === null || prototype === Object.prototype) return undefined;
  return (prototype as { readonly constructor?: { readonly name?: string } }).constructor?.name ?? "";
}

/**
 * The tree of a description, with the tensors `take` gives for their names; classes, functions and the like are those of
 * `template` at the same place.
 *
 * @param what the tree, for messages: `the optimizer's state`
 * @throws AdjointError `checkpoint-mismatch` where the template has no such thing there
 */
export function buildTree(
  described: Described,
  template: unknown,
  prefix: string,
  take: (name: string) => Tensor,
  what: string,
): unknown {
  const given = flatten(template, isTensor).structure;
  const structure = structureOf(described, given, "", what);
  return unflatten(
    structure,
    leafPaths(structure).map((path) => take(nameOf(prefix, path))),
  );
}

function structureOf(
  described: Described,
  template: Structure | undefined,
  path: string,
  what: string,
): Structure {
  if (described === "tensor") return { kind: "leaf" };
  const inside = (key: string | number): string => (path === "" ? String(key) : `${path}.${key}`);
  if ("list" in described) {
    const items = template?.kind === "array" ? template.items : [];
    return {
      kind: "array",
      items: described.list.map((item, i) => structureOf(item, items[i], inside(i), what)),
    };
  }
  if ("object" in described) {
    const alike = template?.kind === "object" ? template : undefined;
    if (described.class !== undefined && className(alike?.prototype ?? null) !== described.class)
      throw missing(`a ${described.class}`, path, what);
    const items = described.object.map(([key, value]) => {
      const at = alike?.keys.indexOf(key) ?? -1;
      return structureOf(value, at < 0 ? undefined : alike?.items[at], inside(key), what);
    });
    return {
      kind: "object",
      prototype: described.class === undefined ? Object.prototype : (alike?.prototype ?? Object.prototype),
      keys: described.object.map(([key]) => key),
      items,
    };
  }
  if ("value" in described) return { kind: "static", value: described.value };
  if (template?.kind !== "static") throw missing(described.given, path, what);
  return template;
}

function missing(thing: string, path: string, what: string): AdjointError {
  return new AdjointError(
    "checkpoint-mismatch",
    `fit: ${what} in the checkpoint has ${thing} at ${path || "its root"}, which cannot be stored and which this program does not have there; resume with the same model and optimizer`,
    { operation: "fit", argument: path, expected: thing },
  );
}
