/**
 * Collects the nodes and constants of an ONNX graph under unique names. A value may be held smaller than it is: a number,
 * or with extent 1 where it repeats; element-wise operators broadcast it, and all others are given the whole of it.
 */
import type { DType } from "../../index.js";
import { elementOf, int64Spec, spec, type TensorSpec } from "./elements.js";
import { type Extent, isFixed, type Linear, sameExtent, sameExtents } from "./extents.js";
import type { Attribute, Held, NodeSpec, Port, SubgraphSpec } from "./specs.js";

export class Builder {
  readonly nodes: NodeSpec[] = [];
  readonly initializers: Map<string, TensorSpec>;
  private readonly names: Set<string>;
  private readonly counts: Map<string, number>;
  private readonly transposes: Map<string, { readonly from: Held; readonly order: readonly number[] }>;
  private readonly reshapes: Map<string, Held>;
  private readonly interned = new Map<string, string>();
  /** Products without a bias. */
  private readonly products = new Map<string, Omit<NodeSpec, "outputs">>();
  /** The graph around this one, whose names it sees. */
  private readonly outer: Builder | undefined;
  /** The input whose first extent is the size of the batch. */
  private readonly batch: string | undefined;

  constructor(reserved: readonly string[], batch: string | undefined, outer?: Builder) {
    this.outer = outer;
    this.batch = batch;
    this.initializers = outer?.initializers ?? new Map();
    this.names = outer?.names ?? new Set(reserved);
    this.counts = outer?.counts ?? new Map();
    this.transposes = outer?.transposes ?? new Map();
    this.reshapes = outer?.reshapes ?? new Map();
  }

  /**
   * A graph for an attribute: `body` writes it with a builder of its own.
   * @param types of its inputs
   */
  subgraph(
    types: readonly { readonly dtype: DType; readonly shape: readonly Extent[] }[],
    body: (builder: Builder, inputs: readonly Held[]) => readonly Held[],
  ): SubgraphSpec {
    const inner = new Builder([], this.batch, this);
    const inputs = types.map(({ dtype, shape }) => this.held(this.unique("inner"), dtype, shape));
    // what is handed out must be made inside
    const outputs = body(inner, inputs).map((output) => {
      const { name, dtype, shape } = inner.full(output);
      return inner.held(inner.emit("Identity", [name]), dtype, shape);
    });
    return { nodes: inner.nodes, inputs: inputs.map(portOf), outputs: outputs.map(portOf) };
  }

  /** The wish itself, or the wish and a number. */
  unique(wish: string): string {
    let name = wish;
    for (let count = this.counts.get(wish) ?? 1; this.names.has(name); count++) {
      name = `${wish}_${count}`;
      this.counts.set(wish, count + 1);
    }
    this.names.add(name);
    return name;
  }

  /** Adds a product that can take a bias as a third input. */
  product(operator: string, inputs: readonly string[], attributes: NodeSpec["attributes"]): string {
    const name = this.emit(operator, inputs, attributes);
    this.products.set(name, { operator, inputs, attributes });
    return name;
  }

  /** The product that a value is, with one number for each of its channels added to it; nothing for other values. */
  withBias(value: Held, bias: Held): Held | undefined {
    const product = this.products.get(value.name);
    if (product === undefined || !sameExtents(value.dims, value.shape)) return undefined;
    const channels = value.shape[1];
    const isVector = bias.dims.every((extent, i) =>
      sameExtent(extent, i - bias.dims.length + value.shape.length === 1 ? channels : 1),
    );
    if (!isVector || value.shape.length - bias.dims.length > 1) return undefined;
    const vector = this.reshape({ ...bias, shape: bias.dims }, [channels]);
    const { operator, inputs, attributes } = product;
    return { ...value, name: this.emit(operator, [...inputs, vector.name], attributes) };
  }

  /** Adds a node with one output, and gives that one's name. */
  emit(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    return this.emitAll(operator, inputs, attributes, 1)[0];
  }

  /** Adds a node. */
  emitAll(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    count: number,
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.unique(operator.toLowerCase()));
    this.nodes.push({ operator, inputs, outputs, attributes });
    return outputs;
  }

  initializer(wish: string, value: TensorSpec): string {
    const name = this.unique(wish);
    this.initializers.set(name, value);
    return name;
  }

  /** An int64 vector; the infinities stand for the ends of the range. */
  ints(values: readonly number[]): string {
    return this.intern(`i${values}`, () => this.initializer("ints", int64Spec(values)));
  }

  /** An int64 number. */
  int(value: number): string {
    return this.intern(`n${value}`, () => this.initializer("int", int64Spec([value], [])));
  }

  /** A constant: a node, so that no reader takes it for a weight. */
  constant(value: TensorSpec): string {
    return this.emit("Constant", [], { value });
  }

  /** A constant under a name. */
  named(wish: string, value: TensorSpec): string {
    const name = this.unique(wish);
    this.nodes.push({ operator: "Constant", inputs: [], outputs: [name], attributes: { value } });
    return name;
  }

  /** Makes a named constant of this graph an initializer. */
  promote(name: string): void {
    const at = this.nodes.findIndex(
      ({ operator, outputs }) => operator === "Constant" && outputs[0] === name,
    );
    const value = this.nodes[at]?.attributes.value;
    if (typeof value !== "object" || !("bytes" in value)) return;
    this.nodes.splice(at, 1);
    this.initializers.set(name, value);
  }

  /** A value all of whose elements are one number. */
  number(value: number, dtype: DType, shape: readonly Extent[]): Held {
    const key = `${dtype} ${Object.is(value, -0) ? "-0" : value}`;
    const name = this.intern(key, () => this.constant(spec([value], dtype, [])));
    return { name, dtype, shape, dims: [], uniform: value };
  }

  private intern(key: string, make: () => string): string {
    const known = this.known(key);
    if (known !== undefined) return known;
    const name = make();
    this.interned.set(key, name);
    return name;
  }

  private known(key: string): string | undefined {
    return this.interned.get(key) ?? this.outer?.known(key);
  }

  /** Extents as an int64 vector. */
  extents(extents: readonly Extent[]): string {
    const fixed = extents.filter(isFixed);
    if (fixed.length === extents.length) return this.ints(fixed);
    const parts: string[] = [];
    let run: number[] = [];
    for (const extent of extents) {
      if (isFixed(extent)) {
        run.push(extent);
        continue;
      }
      if (run.length > 0) parts.push(this.ints(run));
      run = [];
      parts.push(this.linear(extent));
    }
    if (run.length > 0) parts.push(this.ints(run));
    if (parts.length === 1) return parts[0];
    return this.intern(`c${parts}`, () => this.emit("Concat", parts, { axis: 0 }));
  }

  /** An extent that depends on the batch, as an int64 vector of one. */
  private linear({ perExample, plus }: Linear): string {
    const size = this.intern("batch", () => this.emit("Shape", [this.batch ?? ""], { start: 0, end: 1 }));
    return this.intern(`b${perExample} ${plus}`, () => {
      const scaled = perExample === 1 ? size : this.emit("Mul", [size, this.ints([perExample])]);
      return plus === 0 ? scaled : this.emit("Add", [scaled, this.ints([plus])]);
    });
  }

  /** A value whose named tensor has its shape. */
  held(name: string, dtype: DType, shape: readonly Extent[]): Held {
    return { name, dtype, shape, dims: shape };
  }

  /** The same value with nothing left to broadcast. */
  full(value: Held): Held {
    if (sameExtents(value.dims, value.shape)) return value;
    const target = this.extents(value.shape);
    const name = this.intern(`e${value.name} ${target}`, () => this.emit("Expand", [value.name, target]));
    return this.held(name, value.dtype, value.shape);
  }

  /** An element-wise operator, on operands as they are held. */
  elementwise(
    operator: string,
    operands: readonly Held[],
    dtype: DType = operands[0].dtype,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Held {
    const name = this.emit(
      operator,
      operands.map((operand) => operand.name),
      attributes,
    );
    const { shape } = operands[0];
    const rank = Math.max(...operands.map(({ dims }) => dims.length));
    const dims = shape.slice(shape.length - rank).map((extent, i) => joined(operands, rank - i, extent));
    return { name, dtype, shape, dims };
  }

  /** The value with as many axes in its tensor as it has. */
  private ranked(value: Held): Held {
    const missing = value.shape.length - value.dims.length;
    if (missing === 0 || value.dims.length === 0) return value;
    return this.unsqueeze(
      value,
      Array.from({ length: missing }, (_, i) => i),
      value.shape,
    );
  }

  /** The value with new axes along which it repeats. */
  broadcast(value: Held, axes: readonly number[], shape: readonly Extent[]): Held {
    if (value.dims.length === 0 || axes.every((axis, i) => axis === i)) return { ...value, shape };
    return this.unsqueeze(this.ranked(value), axes, shape);
  }

  private unsqueeze(value: Held, axes: readonly number[], shape: readonly Extent[]): Held {
    const dims = [...value.dims];
    for (const axis of axes) dims.splice(axis, 0, 1);
    const name = this.intern(`u${value.name} ${axes}`, () =>
      this.emit("Unsqueeze", [value.name, this.ints(axes)]),
    );
    this.reshapes.set(name, { ...value, shape: value.dims });
    return { name, dtype: value.dtype, shape, dims };
  }

  /** Transposes compose, and those that cancel disappear. */
  transpose(given: Held, order: readonly number[]): Held {
    const value = this.ranked(given);
    const shape = order.map((axis) => value.shape[axis]);
    if (value.dims.length === 0) return { ...value, shape };
    const before = this.transposes.get(value.name);
    const total = before === undefined ? order : order.map((axis) => before.order[axis]);
    const from = before?.from ?? value;
    if (total.every((axis, i) => axis === i)) return { ...from, shape };
    const name = this.intern(`t${from.name} ${total}`, () =>
      this.emit("Transpose", [from.name], { perm: total }),
    );
    this.transposes.set(name, { from, order: total });
    return { name, dtype: value.dtype, shape, dims: total.map((axis) => from.dims[axis]) };
  }

  /** What a value is the transpose of. */
  transposed(value: Held): { readonly from: Held; readonly order: readonly number[] } | undefined {
    return this.transposes.get(value.name);
  }

  /** The same elements under another shape. */
  reshape(value: Held, shape: readonly Extent[]): Held {
    if (value.dims.length === 0) return { ...value, shape };
    const isWhole = sameExtents(value.dims, value.shape);
    const whole = this.full((isWhole ? this.reshapes.get(value.name) : undefined) ?? value);
    if (sameExtents(whole.shape, shape)) return whole;
    const open = shape.filter((extent) => !isFixed(extent)).length;
    const zero = shape.some((extent) => extent === 0);
    const target =
      open === 1 && !zero
        ? this.ints(shape.map((extent) => (isFixed(extent) ? extent : -1)))
        : this.extents(shape);
    const name = this.emit("Reshape", [whole.name, target], zero ? { allowzero: 1 } : {});
    this.reshapes.set(name, whole);
    return this.held(name, value.dtype, shape);
  }
}

function portOf({ name, dtype, shape }: Held): Port {
  return { name, element: elementOf[dtype], shape };
}

/** The extent an element-wise result has along an axis, counted from the end: 1 only where all operands have 1 or none. */
function joined(operands: readonly Held[], fromEnd: number, extent: Extent): Extent {
  return operands.every(({ dims }) => sameExtent(dims.at(-fromEnd) ?? 1, 1)) ? 1 : extent;
}
