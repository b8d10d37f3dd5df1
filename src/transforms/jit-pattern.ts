/**
 * The signature of a jit function's last call, in a form that the next one is compared with by walking its arguments once: what
 * is made is the list of their tensors, and no description of their trees. For a step of a small network, called with its model
 * and its optimizer's state, that description took 2 of 25 µs.
 */
import type { Node } from "../graph/node.js";
import type { TensorType } from "../graph/primitive.js";
import { isTensor } from "../tensor/convert.js";
import { sameShape } from "../types/shape.js";
import type { Structure } from "../util/tree.js";

/** What a call was given: its trees, by argument; a static argument's is one of nothing. */
export type Parts = readonly { readonly leaves: readonly Node[]; readonly structure: Structure }[];

/** What calls of one signature have in common. Keeps no tensor of the call it was made of alive. */
export interface Pattern {
  /** By argument; static ones as the values they are. */
  readonly structures: readonly Structure[];
  /** Of all leaves, in order. */
  readonly types: readonly TensorType[];
}

export function patternOf(args: readonly unknown[], parts: Parts, statics: ReadonlySet<number>): Pattern {
  return {
    structures: parts.map(({ structure }, index) =>
      statics.has(index) ? { kind: "static", value: args[index] } : structure,
    ),
    types: parts.flatMap(({ leaves }) => leaves.map(({ shape, dtype }) => ({ shape, dtype }))),
  };
}

/** The tensors of a call's arguments, in order; undefined where its signature is another. */
export function leavesLike({ structures, types }: Pattern, args: readonly unknown[]): Node[] | undefined {
  if (args.length !== structures.length) return undefined;
  const leaves: Node[] = [];
  for (let index = 0; index < args.length; index++)
    if (!collect(args[index], structures[index], leaves)) return undefined;
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i];
    const type = types[i];
    if (leaf.dtype !== type.dtype) return undefined;
    if (leaf.shape !== type.shape && !sameShape(leaf.shape, type.shape)) return undefined;
  }
  return leaves;
}

/** Adds the leaves of a tree of that structure to the list; false, and some of them are in it, for any other. */
function collect(tree: unknown, structure: Structure, leaves: Node[]): boolean {
  switch (structure.kind) {
    case "leaf":
      if (!isTensor(tree)) return false;
      leaves.push(tree);
      return true;
    case "static":
      return Object.is(tree, structure.value);
    case "array": {
      const { items } = structure;
      if (!Array.isArray(tree) || tree.length !== items.length) return false;
      for (let i = 0; i < items.length; i++) if (!collect(tree[i], items[i], leaves)) return false;
      return true;
    }
    case "object": {
      const { prototype, keys, items } = structure;
      if (typeof tree !== "object" || tree === null || Array.isArray(tree)) return false;
      if (Object.getPrototypeOf(tree) !== prototype) return false;
      const own = Object.keys(tree);
      if (own.length !== keys.length) return false;
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i];
        if (own[i] !== key || !collect((tree as Record<string, unknown>)[key], items[i], leaves))
          return false;
      }
      return true;
    }
  }
}
