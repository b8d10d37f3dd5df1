/**
 * The contract of a primitive operation: everything the library knows about it, in one record. All fields are
 * mandatory; what an operation does not have is written ("not differentiable"), never left out.
 */

import type { Lowering } from "../loops/lowering.js";
import type { DType, TypedArray } from "../types/dtype.js";
import type { Shape } from "../types/shape.js";
import type { Control } from "./control.js";
import type { Node } from "./node.js";

/** What is known of a tensor before its value: its type. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

export interface EvaluateContext<P> {
  readonly params: P;
  readonly inputTypes: readonly TensorType[];
  readonly outputTypes: readonly TensorType[];
}

/** `tangents[i]` is null where input i does not vary (a symbolic zero). */
export interface JvpContext<P> {
  readonly params: P;
  readonly primals: readonly Node[];
  readonly tangents: readonly (Node | null)[];
  readonly outputs: readonly Node[];
}

/** `cotangents[i]` is null where output i does not reach the result; `needs[i]`: is the cotangent of input i wanted. */
export interface VjpContext<P> {
  readonly params: P;
  readonly primals: readonly Node[];
  readonly outputs: readonly Node[];
  readonly cotangents: readonly (Node | null)[];
  readonly needs: readonly boolean[];
}

/** Inputs with `batched[i]` have the batch as axis 0, of extent `size`; at least one is batched. */
export interface BatchContext<P> {
  readonly params: P;
  readonly inputs: readonly Node[];
  readonly batched: readonly boolean[];
  readonly size: number;
}

/** Estimates for one evaluation: floating-point operations (a multiply-add counts 2, a transcendental 1). */
export interface Cost {
  readonly flops: number;
}

/** Not loops itself: replaced by other primitives before loops are made. */
export interface Expansion<P> {
  readonly kind: "inline";
  expand(inputs: readonly Node[], params: P): readonly Node[];
}

/** Runs graphs: becomes a step of the program that holds the steps of these. */
export interface ControlFlow<P> {
  readonly kind: "control";
  control(params: P): Control;
}

/** `P` are the static parameters: plain data, except in calls, whose `params` hold graphs or functions. */
export interface Primitive<P = unknown> {
  readonly name: string;
  /** Types of the outputs. Arguments were checked where the user calls; here only invariants. */
  outputTypes(inputs: readonly TensorType[], params: P): readonly TensorType[];
  /** The reference: plain TypeScript, float64 inside. */
  evaluate(inputs: readonly TypedArray[], context: EvaluateContext<P>): readonly TypedArray[];
  /** Output tangents; "none" where derivatives do not exist or are zero everywhere. */
  readonly jvp: ((context: JvpContext<P>) => readonly (Node | null)[]) | "none";
  /** Input cotangents; "none" as above. */
  readonly vjp: ((context: VjpContext<P>) => readonly (Node | null)[]) | "none";
  /** The same operation over a batch; every output has the batch as axis 0. */
  batch(context: BatchContext<P>): readonly Node[];
  /** How the compiler turns it into loops. */
  readonly lowering: Lowering<P> | Expansion<P> | ControlFlow<P>;
  cost(inputs: readonly TensorType[], outputs: readonly TensorType[], params: P): Cost;
}
