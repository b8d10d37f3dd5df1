/**
 * Trees: objects, arrays and class instances with leaves. Flattening separates the leaves from a structure that can
 * rebuild the tree, with other leaves, to the same classes; everything that is no leaf is part of the structure.
 */
import { AdjointError, formatReceived, invariant } from "./errors.js";

export type Structure =
  | { readonly kind: "leaf" }
  | { readonly kind: "array"; readonly items: readonly Structure[] }
  | {
      readonly kind: "object";
      /** The prototype: plain objects have Object.prototype (or null), instances their class's. */
      readonly prototype: object | null;
      readonly keys: readonly string[];
      readonly items: readonly Structure[];
    }
  | { readonly kind: "static"; readonly value: unknown };

export interface Flat<Leaf> {
  readonly leaves: readonly Leaf[];
  readonly structure: Structure;
}

const leafStructure: Structure = { kind: "leaf" };

/** Values kept whole: their insides are not a tree's. */
function isOpaque(value: object): boolean {
  return (
    ArrayBuffer.isView(value) ||
    value instanceof Map ||
    value instanceof Set ||
    value instanceof Date ||
    value instanceof RegExp ||
    value instanceof Promise ||
    value instanceof ArrayBuffer
  );
}

/**
 * The leaves of a tree in order, and its structure; `operation` is named where it is refused.
 * @throws AdjointError `tree-mismatch` for a tree that contains itself
 */
export function flatten<Leaf>(
  tree: unknown,
  isLeaf: (value: unknown) => value is Leaf,
  operation = "flatten",
): Flat<Leaf> {
  const leaves: Leaf[] = [];
  const open = new Set<object>();
  const visit = (value: unknown): Structure => {
    if (isLeaf(value)) {
      leaves.push(value);
      return leafStructure;
    }
    if (typeof value !== "object" || value === null || isOpaque(value)) return { kind: "static", value };
    if (open.has(value))
      throw new AdjointError(
        "tree-mismatch",
        `${operation}: a tree may not contain itself: ${formatReceived(value)} is inside itself`,
        { operation, expected: "a finite tree", received: formatReceived(value) },
      );
    open.add(value);
    let structure: Structure;
    if (Array.isArray(value)) structure = { kind: "array", items: Array.from(value, visit) };
    else {
      const keys = Object.keys(value);
      const items = keys.map((key) => visit((value as Record<string, unknown>)[key]));
      structure = { kind: "object", prototype: Object.getPrototypeOf(value), keys, items };
    }
    open.delete(value);
    return structure;
  };
  return { structure: visit(tree), leaves };
}

/** The tree with other leaves, in the order `flatten` gave them. */
export function unflatten(structure: Structure, leaves: readonly unknown[]): unknown {
  let next = 0;
  const build = (node: Structure): unknown => {
    switch (node.kind) {
      case "leaf":
        invariant(next < leaves.length, "a tree needs more leaves");
        return leaves[next++];
      case "array":
        return node.items.map(build);
      case "object": {
        // instances are made without running their constructor: their fields are all that they are
        const object = Object.create(node.prototype) as Record<string, unknown>;
        node.keys.forEach((key, i) => {
          const value = build(node.items[i]);
          // a key that the prototype knows may be a setter's; for all others an assignment does the same in a tenth of the time
          if (key in object)
            Object.defineProperty(object, key, {
              value,
              enumerable: true,
              writable: true,
              configurable: true,
            });
          else object[key] = value;
        });
        return object;
      }
      case "static":
        return node.value;
    }
  };
  return build(structure);
}

/** The paths of the leaves, such as `layers.0.weight`, in the order `flatten` gives them. */
export function leafPaths(structure: Structure): string[] {
  const paths: string[] = [];
  const visit = (node: Structure, path: string): void => {
    const inside = (key: string): string => (path === "" ? key : `${path}.${key}`);
    if (node.kind === "leaf") paths.push(path);
    if (node.kind !== "array" && node.kind !== "object") return;
    const keys = node.kind === "array" ? node.items.keys() : node.keys.values();
    for (const item of node.items) visit(item, inside(String(keys.next().value)));
  };
  visit(structure, "");
  return paths;
}

const identities = new WeakMap<object, number>();
let nextIdentity = 1;

/** A number for an object or function, the same as long as it lives. */
export function identityOf(value: object): number {
  let id = identities.get(value);
  if (id === undefined) {
    id = nextIdentity++;
    identities.set(value, id);
  }
  return id;
}

/** Whether two structures have equal keys, without writing them. */
export function sameStructure(a: Structure, b: Structure): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case "leaf":
      return b.kind === "leaf";
    case "static":
      return b.kind === "static" && Object.is(a.value, b.value);
    case "array":
      return b.kind === "array" && sameItems(a.items, b.items);
    case "object":
      return (
        b.kind === "object" &&
        a.prototype === b.prototype &&
        a.keys.length === b.keys.length &&
        a.keys.every((key, i) => key === b.keys[i]) &&
        sameItems(a.items, b.items)
      );
  }
}

function sameItems(a: readonly Structure[], b: readonly Structure[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!sameStructure(a[i], b[i])) return false;
  return true;
}

/** Equal keys, equal structures: same classes, keys and static values (objects and functions by identity). */
export function structureKey(structure: Structure): string {
  switch (structure.kind) {
    case "leaf":
      return "*";
    case "array":
      return `[${structure.items.map(structureKey).join(",")}]`;
    case "object": {
      const prototype = structure.prototype;
      const name = prototype === Object.prototype || prototype === null ? "" : `#${identityOf(prototype)}`;
      return `${name}{${structure.keys.map((key, i) => `${JSON.stringify(key)}:${structureKey(structure.items[i])}`).join(",")}}`;
    }
    case "static":
      return staticKey(structure.value);
  }
}

/** Equal keys, equal values: objects and functions by identity, all else by type and value. */
export function staticKey(value: unknown): string {
  if ((typeof value === "object" && value !== null) || typeof value === "function")
    return `@${identityOf(value)}`;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  return `${typeof value}:${String(value)}`;
}
