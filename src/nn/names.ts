/**
 * The names of a model's tensors. They are the fields' names joined by dots; a class whose names differ from its fields'
 * (PyTorch's do, here and there) has a method under `stateNames`, which is given the path of a tensor inside it.
 */
import { isTensor, type Tensor } from "../index.js";
import { notLearned } from "../util/not-learned.js";
import { flatten, type Structure } from "../util/tree.js";

/** From the path of a tensor inside an object, such as `layers.0.weight`, to its name, such as `0.weight`. */
export const stateNames: unique symbol = Symbol("stateNames");

/** What a tensor of a model is called, and whether gradients change it. */
export interface Name {
  readonly name: string;
  readonly learned: boolean;
}

/** The names of the leaves in the order `flatten` gives them. */
export function namesOf(structure: Structure): Name[] {
  if (structure.kind === "leaf") return [{ name: "", learned: true }];
  if (structure.kind === "static") return [];
  const inside = structure.items.flatMap((item, i) => {
    const key = structure.kind === "array" ? String(i) : structure.keys[i];
    return namesOf(item).map(({ name, learned }) => ({
      name: name === "" ? key : `${key}.${name}`,
      learned,
    }));
  });
  if (structure.kind === "array" || structure.prototype === null) return inside;
  const { prototype } = structure;
  const rename: unknown = Reflect.get(prototype, stateNames);
  const fixed = Reflect.get(prototype, notLearned) === true;
  return inside.map(({ name, learned }) => ({
    name: typeof rename === "function" ? String(rename(name)) : name,
    learned: learned && !fixed,
  }));
}

/** A tensor of a model, with its name. */
export interface Named extends Name {
  readonly value: Tensor;
}

/** All tensors of a model, in the order of its fields. */
export function namedTensors(model: unknown): Named[] {
  const { leaves, structure } = flatten(model, isTensor);
  return namesOf(structure).map((name, i) => ({ ...name, value: leaves[i] }));
}
