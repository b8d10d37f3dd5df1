/** One node of an imported graph at work: its inputs, attributes, and refusals that name it. */
import { AdjointError, type Tensor } from "../../index.js";
import type { Attributes, AttributeValue } from "./attributes.js";
import type { ElementName } from "./elements.js";
import type { ImportedTensor } from "./import-tensor.js";
import type { Body } from "./steps.js";

/** Elements a file may ask for beyond those it has: one GiB of float32. */
const largestResult = 2 ** 28;

/** What is known of a node before it runs. */
export interface NodeFacts {
  readonly operator: string;
  /** What messages call it. */
  readonly label: string;
  /** The version of the operator set. */
  readonly version: number;
  readonly attributes: Attributes;
  /** The element types of the inputs; nothing where one is left out. */
  readonly elements: readonly (ElementName | undefined)[];
  readonly outputs: readonly string[];
  /** The graphs among its attributes. */
  readonly bodies: ReadonlyMap<string, Body>;
}

/** Runs a graph inside a node. */
export type RunBody = (body: Body, inputs: readonly Tensor[]) => Tensor[];

/** How an operator is computed. */
export interface Operator {
  /** The fewest and the most inputs. */
  readonly inputs: readonly [least: number, most: number];
  /** Whether it is right for integers narrower than int32, which are held as int32; default false. */
  readonly narrow?: boolean;
  /** Element types of its outputs; default that of the first input. */
  readonly gives?: (facts: NodeFacts) => readonly (ElementName | undefined)[];
  readonly run: (call: Call) => Tensor | readonly Tensor[];
}

export type Operators = Readonly<Record<string, Operator>>;

export class Call {
  readonly facts: NodeFacts;
  private readonly tensors: readonly (Tensor | undefined)[];
  private readonly runBody: RunBody;

  constructor(facts: NodeFacts, tensors: readonly (Tensor | undefined)[], runBody: RunBody) {
    this.facts = facts;
    this.tensors = tensors;
    this.runBody = runBody;
  }

  /** A graph among the attributes, as a function. */
  body(name: string): (...inputs: Tensor[]) => Tensor[] {
    const body = this.facts.bodies.get(name);
    if (body === undefined) throw this.malformed(`attribute ${name} must be a graph`);
    return (...inputs) => {
      if (inputs.length !== body.inputs.length)
        throw this.malformed(
          `the graph ${name} takes ${body.inputs.length} inputs, and is given ${inputs.length}`,
        );
      return this.runBody(body, inputs);
    };
  }

  get version(): number {
    return this.facts.version;
  }

  get count(): number {
    return this.tensors.length;
  }

  /** All inputs that are there. */
  get all(): Tensor[] {
    return this.tensors.filter((input) => input !== undefined);
  }

  /** An input that must be there. */
  input(i: number): Tensor {
    const value = this.tensors[i];
    if (value === undefined) throw this.refuse("file-format", `input ${i} is missing`);
    return value;
  }

  maybe(i: number): Tensor | undefined {
    return this.tensors[i];
  }

  has(name: string): boolean {
    return this.facts.attributes.has(name);
  }

  /** An attribute that is a number. */
  number(name: string, otherwise?: number): number {
    return this.attribute(name, otherwise, (value): value is number => typeof value === "number", "a number");
  }

  text(name: string, otherwise?: string): string {
    return this.attribute(name, otherwise, (value): value is string => typeof value === "string", "a text");
  }

  numbers(name: string): readonly number[] | undefined {
    if (!this.has(name)) return undefined;
    return this.attribute(name, undefined, isNumbers, "numbers");
  }

  texts(name: string): readonly string[] | undefined {
    if (!this.has(name)) return undefined;
    return this.attribute(name, undefined, isTexts, "texts");
  }

  tensor(name: string): ImportedTensor | undefined {
    if (!this.has(name)) return undefined;
    return this.attribute(name, undefined, isTensorValue, "a tensor");
  }

  /** An axis counted from 0. */
  axis(rank: number, axis: number): number {
    if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
      throw new AdjointError(
        "axis-out-of-range",
        `${this.facts.label}: axis ${axis} of a tensor of rank ${rank}`,
        { operation: "importOnnx", argument: "axis", received: String(axis) },
      );
    return axis < 0 ? axis + rank : axis;
  }

  /**
   * The numbers of an input that decides about shapes, which must be known while a graph is recorded.
   * @throws AdjointError `abstract-value`
   */
  host(i: number): number[] | undefined {
    const value = this.tensors[i];
    if (value === undefined) return undefined;
    if (value.isAbstract)
      throw new AdjointError(
        "abstract-value",
        `${this.facts.label}: its input ${i} decides about shapes and depends on the model's inputs, whose values are not known inside jit and export; run the model outside of them`,
        { operation: "importOnnx", argument: `input ${i}`, expected: "a constant" },
      );
    return Array.from(value.dataSync());
  }

  /** A shape, unless a file asks for more memory than a tensor may have. */
  checkSize(shape: readonly number[]): readonly number[] {
    const size = shape.reduce((a, b) => a * b, 1);
    if (size <= largestResult) return shape;
    throw this.unsupported(`a result of ${size} elements; there may be ${largestResult}`);
  }

  /** Numbers that older versions have as an attribute and newer ones as an input. */
  hostOr(name: string, i: number): readonly number[] | undefined {
    return this.numbers(name) ?? this.host(i);
  }

  /** The refusal of what this operator does not do here. */
  unsupported(problem: string): AdjointError {
    return this.refuse("unsupported", problem);
  }

  malformed(problem: string): AdjointError {
    return this.refuse("file-format", problem);
  }

  private refuse(code: "unsupported" | "file-format", problem: string): AdjointError {
    return new AdjointError(code, `${this.facts.label}: ${problem}`, { operation: "importOnnx" });
  }

  private attribute<T extends AttributeValue>(
    name: string,
    otherwise: T | undefined,
    fits: (value: AttributeValue) => value is T,
    expected: string,
  ): T {
    const value = this.facts.attributes.get(name) ?? otherwise;
    if (value === undefined) throw this.malformed(`attribute ${name} is missing`);
    if (!fits(value)) throw this.malformed(`attribute ${name} must be ${expected}`);
    return value;
  }
}

function isNumbers(value: AttributeValue): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}

function isTexts(value: AttributeValue): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isTensorValue(value: AttributeValue): value is ImportedTensor {
  return typeof value === "object" && !Array.isArray(value);
}

/** An operator of one input. */
export function one(run: (x: Tensor, call: Call) => Tensor): Operator {
  return { inputs: [1, 1], run: (call) => run(call.input(0), call) };
}

/** An operator of two inputs. */
export function two(run: (a: Tensor, b: Tensor, call: Call) => Tensor): Operator {
  return {
    inputs: [2, 2],
    run: (call) => run(call.input(0), aligned(call.input(1), call.input(0).rank, call), call),
  };
}

/** Before version 7 an attribute says at which axis the second operand begins. */
function aligned(b: Tensor, rank: number, call: Call): Tensor {
  if (call.version >= 7 || !call.has("axis")) return b;
  const after = rank - call.axis(rank, call.number("axis")) - b.rank;
  return b.reshape([...b.shape, ...new Array<number>(Math.max(0, after)).fill(1)]);
}

/** The output has elements of this type. */
export function giving(element: ElementName, operator: Operator): Operator {
  return { ...operator, gives: () => [element] };
}

/** The operator moves or compares elements, whatever integers they are. */
export function narrow(operator: Operator): Operator {
  return { ...operator, narrow: true };
}
