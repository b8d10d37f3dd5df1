/** The tape with numbers on it: ids for nodes and operations, values and adjoints as arrays, who reads what. */
import type { TypedArray } from "../index.js";
import { type Adjoints, type Node, type Operation, readValue, type Tape } from "../transforms/tape.js";

/** A tape, numbered. */
export class TapeIndex {
  readonly tape: Tape;
  readonly adjoints: Adjoints;
  /** Inputs, then for each operation the constants it is the first to use, and its outputs; an id is a position. */
  readonly nodes: readonly Node[];
  private readonly ids = new Map<Node, number>();
  private readonly makers = new Map<Node, number>();
  private readonly readers = new Map<Node, number[]>();
  private readonly inputs: ReadonlySet<Node>;

  constructor(tape: Tape, adjoints: Adjoints) {
    this.tape = tape;
    this.adjoints = adjoints;
    const nodes: Node[] = [];
    const add = (node: Node): void => {
      if (this.ids.has(node)) return;
      this.ids.set(node, nodes.length);
      nodes.push(node);
    };
    this.inputs = new Set(tape.leaves.map(({ node }) => node));
    for (const node of this.inputs) add(node);
    tape.operations.forEach(({ inputs, outputs }, operation) => {
      for (const input of inputs) {
        add(input);
        const known = this.readers.get(input);
        if (known === undefined) this.readers.set(input, [operation]);
        else if (known.at(-1) !== operation) known.push(operation);
      }
      for (const output of outputs) {
        add(output);
        this.makers.set(output, operation);
      }
    });
    add(tape.output);
    this.nodes = nodes;
  }

  /** The id of a node; −1 for one that is not on the tape. */
  idOf(node: Node): number {
    return this.ids.get(node) ?? -1;
  }

  /** The operation that made a node, by its number; null for inputs and constants. */
  makerOf(node: Node): number | null {
    return this.makers.get(node) ?? null;
  }

  operation(id: number): Operation {
    return this.tape.operations[id];
  }

  /** The operations that read a node, in order. */
  readersOf(node: Node): readonly number[] {
    return this.readers.get(node) ?? [];
  }

  valuesOf(node: Node): TypedArray {
    return readValue(node, "explain");
  }

  /** ∂C/∂node; null where the cost does not depend on it. */
  adjointOf(node: Node): TypedArray | null {
    const bar = this.adjoints.of.get(node);
    return bar === undefined ? null : readValue(bar, "explain");
  }

  /** Neither an input nor made from one. */
  isConstant(node: Node): boolean {
    return !this.makers.has(node) && !this.inputs.has(node);
  }
}
