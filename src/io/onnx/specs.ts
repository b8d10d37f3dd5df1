/** Parts of an ONNX graph in the making. */
import type { DType } from "../../index.js";
import type { ElementName, TensorSpec } from "./elements.js";
import type { Extent } from "./extents.js";

/** An attribute of a node: an integer, a text, integers, a float, a tensor or a graph. */
export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | TensorSpec
  | SubgraphSpec;

/** An input or output of a graph: a name, and a type with extents that may be open. */
export interface Port {
  readonly name: string;
  readonly element: ElementName;
  readonly shape: readonly Extent[];
}

/** A graph inside a node; it sees the names around it. */
export interface SubgraphSpec {
  readonly nodes: readonly NodeSpec[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

export interface NodeSpec {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A value of the graph in the making. */
export interface Held {
  readonly name: string;
  readonly dtype: DType;
  /** What it means. */
  readonly shape: readonly Extent[];
  /** What the named tensor has: 1 where it repeats, and no axes at all for the first ones along which it does. */
  readonly dims: readonly Extent[];
  /** Where all elements are one number that is known. */
  readonly uniform?: number;
}
