/**
 * The computational graph (Goodfellow et al. 2016, 6.5.1): a node has a type and either a value or the operation and
 * inputs that give it one; often both. `bind` is the only place where nodes are made from nodes.
 *
 * A node keeps the link to its operation only while something records it: a transform that will walk the graph, or an
 * abstract trace. When the transform ends, the links it owns are cut, so what escapes retains nothing.
 */

import type { DType, TypedArray } from "../types/dtype.js";
import { type Shape, sizeOf } from "../types/shape.js";
import { AdjointError, formatShape, invariant } from "../util/errors.js";
import { callSite } from "./call-site.js";
import { currentDevice } from "./device.js";
import type { Primitive, TensorType } from "./primitive.js";
import { HostStorage, type Storage, UniformStorage } from "./storage.js";

let nextId = 1;

/** One application of a primitive. */
export interface Operation {
  /** Larger than the ids of everything it depends on. */
  readonly id: number;
  readonly primitive: Primitive;
  readonly params: unknown;
  readonly inputs: readonly Node[];
  readonly outputs: readonly Node[];
}

export class Node implements TensorType {
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;
  /** null while abstract: a type without a value. */
  storage: Storage | null;
  /** The operation that made it, while recorded. */
  operation: Operation | null = null;
  /** Which of the operation's outputs this is. */
  outputIndex = 0;
  /** The outermost recording that depends on this node, or the trace an abstract node lives in. */
  recording: Recording | null = null;

  constructor(shape: Shape, dtype: DType, storage: Storage | null) {
    this.id = nextId++;
    this.shape = shape;
    this.dtype = dtype;
    this.storage = storage;
  }

  /** True when the node has a type but no value: inside jit, vmap and checkpoint. */
  get isAbstract(): boolean {
    return this.storage === null;
  }
}

/**
 * A transform that is watching. `tape` recordings link concrete nodes that depend on their leaves; `trace` recordings
 * hand out abstract leaves. Depth 1 is the outermost.
 */
export class Recording {
  readonly kind: "tape" | "trace";
  readonly name: string;
  readonly depth: number;
  active = true;
  private readonly owned: Operation[] = [];

  private constructor(kind: "tape" | "trace", name: string, depth: number) {
    this.kind = kind;
    this.name = name;
    this.depth = depth;
  }

  private static readonly stack: Recording[] = [];

  /** Runs `body` while recording; however it ends, the recording is inactive afterwards. */
  static run<R>(kind: "tape" | "trace", name: string, body: (recording: Recording) => R): R {
    const recording = new Recording(kind, name, Recording.stack.length + 1);
    Recording.stack.push(recording);
    try {
      return body(recording);
    } finally {
      recording.active = false;
      Recording.stack.pop();
      recording.release();
    }
  }

  /** The innermost trace that is running: where a reader of an abstract value stands. */
  static innermostTrace(): Recording | undefined {
    return Recording.stack.findLast((recording) => recording.kind === "trace");
  }

  /** Takes ownership of an operation's links. */
  own(operation: Operation): void {
    if (this.kind === "tape") this.owned.push(operation);
  }

  /** Cuts the links this recording owns: what escaped keeps its value and forgets its history. */
  private release(): void {
    for (const operation of this.owned) for (const output of operation.outputs) output.operation = null;
    this.owned.length = 0;
  }
}

type NodeConstructor = new (shape: Shape, dtype: DType, storage: Storage | null) => Node;
let construct: NodeConstructor = Node;

/** Lets the tensor floor give every node its methods: the class of nodes made from now on. */
export function setNodeClass(nodeClass: NodeConstructor): void {
  construct = nodeClass;
}

export function makeNode(shape: Shape, dtype: DType, storage: Storage | null): Node {
  return new construct(shape, dtype, storage);
}

/** A constant node over an array that is not written afterwards. */
export function constantNode(shape: Shape, dtype: DType, array: TypedArray): Node {
  invariant(array.length === sizeOf(shape), `${array.length} elements for shape ${formatShape(shape)}`);
  return makeNode(shape, dtype, new HostStorage(array));
}

/** A node whose elements are all `value`. */
export function uniformNode(shape: Shape, dtype: DType, value: number): Node {
  return makeNode(shape, dtype, new UniformStorage(dtype, sizeOf(shape), value));
}

/** Does a running transform watch this node? */
export function isRecorded(node: Node): boolean {
  return node.recording?.active === true;
}

/** The outermost active recording among the nodes. */
function ownerOf(nodes: readonly Node[], operation: string): Recording | null {
  let owner: Recording | null = null;
  for (const node of nodes) {
    const recording = node.recording;
    if (recording === null) continue;
    if (!recording.active) {
      if (node.storage === null) throw leaked(node, operation);
      continue;
    }
    if (owner === null || recording.depth < owner.depth) owner = recording;
  }
  return owner;
}

function leaked(node: Node, operation: string): AdjointError {
  const name = node.recording?.name ?? "a trace";
  return new AdjointError(
    "abstract-leak",
    `${operation}: an abstract tensor ${node.dtype}${formatShape(node.shape)} escaped from ${name} and has no value; return it from the function instead of storing it outside`,
    { operation },
  );
}

/** A fresh leaf that stands for `node` inside `recording`, linked to it where something outside watches it. */
export function makeLeaf(node: Node, recording: Recording, alias: Primitive<undefined>): Node {
  const outer = ownerOf([node], recording.name);
  node.storage?.keep?.();
  const leaf = makeNode(node.shape, node.dtype, node.storage);
  leaf.recording = outer ?? recording;
  if (outer !== null) link(alias, [node], undefined, [leaf], outer);
  return leaf;
}

/** A leaf without a value. */
export function makeAbstractLeaf(type: TensorType, recording: Recording): Node {
  const leaf = makeNode(type.shape, type.dtype, null);
  leaf.recording = recording;
  return leaf;
}

function link<P>(
  primitive: Primitive<P>,
  inputs: readonly Node[],
  params: P,
  outputs: readonly Node[],
  owner: Recording,
): void {
  const operation: Operation = { id: nextId++, primitive: primitive as Primitive, params, inputs, outputs };
  for (let i = 0; i < outputs.length; i++) {
    outputs[i].operation = operation;
    outputs[i].outputIndex = i;
    outputs[i].recording = owner;
    outputs[i].storage?.keep?.();
  }
  // a rule may read them when the recording is walked
  for (const input of inputs) input.storage?.keep?.();
  owner.own(operation);
}

/** Told of every application of a primitive once it is made; an output's `operation` says whether it was recorded. */
export type Observer = (primitive: Primitive, inputs: readonly Node[], outputs: readonly Node[]) => void;

let observer: Observer | null = null;

/** Runs `body` with `watch` told of all that is computed: how an explanation learns what happened, and where. */
export function observed<R>(watch: Observer, body: () => R): R {
  const outer = observer;
  observer = watch;
  try {
    return body();
  } finally {
    observer = outer;
  }
}

/**
 * Applies a primitive: at once where the inputs have values, abstractly where one has none; links the result to its
 * inputs where something records them.
 */
export function bindAll<P>(primitive: Primitive<P>, inputs: readonly Node[], params: P): Node[] {
  const types = primitive.outputTypes(inputs, params);
  const owner = ownerOf(inputs, primitive.name);
  let outputs: Node[];
  if (inputs.some((input) => input.storage === null)) {
    outputs = types.map((type) => makeNode(type.shape, type.dtype, null));
  } else {
    const context = { params, inputTypes: inputs, outputTypes: types };
    const arrays = inputs.map((input) => readValue(input));
    const device = currentDevice();
    const results =
      device === undefined
        ? primitive.evaluate(arrays, context)
        : device.evaluate(primitive, arrays, context);
    outputs = results.map((array, i) => constantNode(types[i].shape, types[i].dtype, array));
  }
  if (owner !== null) link(primitive, inputs, params, outputs, owner);
  if (observer !== null) observer(primitive as Primitive, inputs, outputs);
  return outputs;
}

/** `bindAll` for the many primitives with one output. */
export function bind<P>(primitive: Primitive<P>, inputs: readonly Node[], params: P): Node {
  return bindAll(primitive, inputs, params)[0];
}

/**
 * The elements of a node.
 * @throws AdjointError `abstract-value` where it has none
 */
export function readValue(node: Node, operation = "reading a value"): TypedArray {
  if (node.storage === null) {
    if (node.recording?.active === false) throw leaked(node, operation);
    const trace = node.recording?.active === true ? node.recording.name : Recording.innermostTrace()?.name;
    throw new AdjointError(
      "abstract-value",
      `${operation}: this ${node.dtype}${formatShape(node.shape)} tensor is abstract inside ${trace ?? "a finished trace"}: it has a shape and a dtype but no value yet${userLine()}. Return it and read it outside, or decide with where(condition, a, b) instead of if`,
      { operation, expected: "a tensor with a value", received: "an abstract tensor" },
    );
  }
  return node.storage.read();
}

/** ` (at file:line:column)` of the first frame outside this library, where the stack tells. */
function userLine(): string {
  const { place } = callSite();
  return place === null ? "" : ` (at ${place.file}:${place.line}:${place.column})`;
}
