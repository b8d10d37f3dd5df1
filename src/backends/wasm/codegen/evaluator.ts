/**
 * Expressions to instructions: each leaves its value on the stack, and an expression that is used again is kept in a
 * local for as long as its loop body lasts.
 *
 * A frame says how the body being written runs: one point at a time, or `copies` vectors of `lanes` points.
 */
import type { Expr } from "../../../loops/ir.js";
import { invariant } from "../../../util/errors.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { control, i32x4, type ValueType } from "../assembler/opcodes.js";
import type { NestAnalysis } from "./analysis.js";
import type { ProgramContext } from "./context.js";
import { isClip } from "./expressions.js";
import type { JointFunction } from "./joint-functions.js";
import { writeJoint } from "./joint-values.js";
import { KeptValues } from "./kept-values.js";
import type { Load, PointerTable } from "./pointers.js";
import {
  scalarBinary,
  scalarCast,
  scalarClip,
  scalarCompare,
  scalarConstant,
  scalarLoad,
  scalarUnary,
} from "./scalar-ops.js";
import { scalarBounded, splat, type VectorLanes, vectorBounded, vectorConstant } from "./vector-lanes.js";
import { pushVectorLoad } from "./vector-memory.js";
import {
  vectorBinary,
  vectorCast,
  vectorClip,
  vectorCompare,
  vectorSelect,
  vectorShift,
  vectorUnary,
} from "./vector-ops.js";

export interface Frame {
  readonly lanes: 1 | VectorLanes;
  readonly copies: number;
  /** Of the vector loop: lanes · copies, or fewer where the last vector reaches beyond the end. */
  readonly points: number;
}

export const scalarFrame: Frame = { lanes: 1, copies: 1, points: 1 };

/** How many lanes of each vector count. */
export function validLanes({ lanes, points }: Frame): number {
  return Math.min(lanes, points);
}

export class Evaluator {
  frame: Frame = scalarFrame;
  /** Values of reductions: one local, or one vector for each copy. */
  readonly reduced: Local[][] = [];
  private readonly f: FunctionBuilder;
  private readonly context: ProgramContext;
  private readonly analysis: NestAnalysis;
  private readonly pointers: PointerTable;
  private readonly counters: readonly Local[];
  private readonly vectorLoop: number;
  private readonly status: number;
  private readonly kept: KeptValues;

  constructor(options: {
    readonly f: FunctionBuilder;
    readonly context: ProgramContext;
    readonly analysis: NestAnalysis;
    readonly pointers: PointerTable;
    readonly counters: readonly Local[];
    readonly vectorLoop: number;
    readonly status: number;
  }) {
    this.f = options.f;
    this.context = options.context;
    this.analysis = options.analysis;
    this.pointers = options.pointers;
    this.counters = options.counters;
    this.vectorLoop = options.vectorLoop;
    this.status = options.status;
    this.kept = new KeptValues(options.f);
  }

  /** Writes a loop body in which values may be kept. */
  scope(body: () => void): void {
    this.kept.scope(body);
  }

  /** A local that lasts as long as the body being written. */
  keep(type: ValueType): Local {
    return this.kept.local(type);
  }

  /** Computes ahead what loops within will need and what does not change there. */
  hoist(level: number): void {
    const { f, analysis, frame } = this;
    for (const e of analysis.hoisted[level]) {
      if (frame.lanes > 1 && analysis.varying.has(e)) {
        for (let copy = 0; copy < frame.copies; copy++) {
          this.pushVector(e, copy);
          this.kept.keepVector(e, copy);
          f.op(control.drop);
        }
        continue;
      }
      this.pushScalar(e);
      this.kept.keepScalar(e);
      f.op(control.drop);
      if (this.vectorLoop >= 0 && analysis.splatted.has(e)) {
        this.pushSplat(e);
        f.op(control.drop);
      }
    }
  }

  private isShared(e: Expr): boolean {
    return this.frame.copies > 1 || (this.analysis.uses.get(e) ?? 0) > 1;
  }

  pushScalar(e: Expr): void {
    const { f, context } = this;
    const known = this.kept.scalar(e);
    if (known !== undefined) {
      f.get(known);
      return;
    }
    const joint = this.analysis.joint.get(e);
    if (joint !== undefined) {
      this.pushJoint(joint, e);
      return;
    }
    switch (e.kind) {
      case "constant":
        scalarConstant(f, e.dtype, e.value);
        return;
      case "index":
        f.get(this.counters[e.loop]);
        return;
      case "reduced":
        f.get(this.reduced[e.index][0]);
        return;
      case "load":
        scalarLoad(f, e.dtype, this.pushAddress(e));
        break;
      case "unary":
        this.pushScalar(e.x);
        scalarUnary(f, context, e.op, e.dtype);
        break;
      case "binary":
        if (isClip(e)) {
          this.pushScalar(e.y);
          this.pushScalar(e.x);
          scalarClip(f, e.op, e.dtype);
          break;
        }
        this.pushScalar(e.x);
        this.pushScalar(e.y);
        scalarBinary(f, context, e.op, e.dtype);
        break;
      case "compare":
        this.pushScalar(e.x);
        this.pushScalar(e.y);
        scalarCompare(f, e.op, e.x.dtype);
        break;
      case "select":
        this.pushScalar(e.x);
        this.pushScalar(e.y);
        this.pushScalar(e.condition);
        f.op(control.select);
        break;
      case "cast":
        this.pushScalar(e.x);
        scalarCast(f, e.x.dtype, e.dtype);
        break;
      case "bounded":
        this.pushScalar(e.x);
        scalarBounded(f, context, e.size, this.status);
        break;
    }
    if (this.isShared(e)) this.kept.keepScalar(e);
  }

  private pushAddress(e: Load): number {
    const { at } = e;
    return this.pointers.push(this.pointers.load(e), 0, at && (() => this.pushScalar(at)));
  }

  /** The same value in every lane. */
  private pushSplat(e: Expr): void {
    const { f } = this;
    if (e.kind === "constant") {
      vectorConstant(f, e.dtype, e.value);
      return;
    }
    const known = this.kept.splat(e);
    if (known !== undefined) {
      f.get(known);
      return;
    }
    this.pushScalar(e);
    splat(f, e.dtype);
    this.kept.keepSplat(e);
  }

  pushVector(e: Expr, copy: number): void {
    const { f, context } = this;
    const { lanes } = this.frame;
    invariant(lanes !== 1, "a vector in a scalar frame");
    if (!this.analysis.varying.has(e)) {
      this.pushSplat(e);
      return;
    }
    const known = this.kept.vector(e, copy);
    if (known !== undefined) {
      f.get(known);
      return;
    }
    const joint = this.analysis.joint.get(e);
    if (joint !== undefined) {
      this.pushJoint(joint, e, copy);
      return;
    }
    switch (e.kind) {
      case "constant":
        vectorConstant(f, e.dtype, e.value);
        return;
      case "index":
        f.get(this.counters[e.loop]).op(i32x4.splat);
        f.vector(new Uint8Array(new Int32Array([0, 1, 2, 3].map((lane) => lane + copy * lanes)).buffer));
        f.op(i32x4.add);
        break;
      case "reduced":
        f.get(this.reduced[e.index][copy]);
        return;
      case "load":
        this.pushLoad(e, copy, lanes);
        break;
      case "unary":
        this.pushVector(e.x, copy);
        vectorUnary(f, context, e.op, e.dtype, lanes);
        break;
      case "binary":
        this.pushVector(e.x, copy);
        if (isClip(e)) {
          this.pushVector(e.y, copy);
          vectorClip(f, e.op, e.dtype);
          break;
        }
        if (e.dtype === "int32" && (e.op === "shl" || e.op === "shr") && !this.analysis.varying.has(e.y)) {
          this.pushScalar(e.y);
          vectorShift(f, e.op);
        } else {
          this.pushVector(e.y, copy);
          vectorBinary(f, context, e.op, e.dtype, lanes);
        }
        break;
      case "compare":
        this.pushVector(e.x, copy);
        this.pushVector(e.y, copy);
        vectorCompare(f, e.op, e.x.dtype, lanes);
        break;
      case "select":
        this.pushVector(e.x, copy);
        this.pushVector(e.y, copy);
        this.pushVector(e.condition, copy);
        vectorSelect(f, e.dtype, lanes);
        break;
      case "cast":
        this.pushVector(e.x, copy);
        vectorCast(f, e.x.dtype, e.dtype, lanes);
        break;
      case "bounded":
        this.pushVector(e.x, copy);
        vectorBounded(f, context, e.size, lanes, this.status);
        break;
    }
    if ((this.analysis.uses.get(e) ?? 0) > 1) this.kept.keepVector(e, copy);
  }

  private pushJoint(joint: JointFunction, wanted: Expr, copy?: number): void {
    const pushArgument = (): void => {
      if (copy === undefined) this.pushScalar(joint.x);
      else this.pushVector(joint.x, copy);
    };
    writeJoint(this.f, this.context, this.kept, joint, wanted, pushArgument, copy);
  }

  private pushLoad(e: Load, copy: number, lanes: VectorLanes): void {
    const { at } = e;
    const access = this.pointers.load(e);
    const where = { lanes, valid: validLanes(this.frame), copy, along: access.strides[this.vectorLoop] };
    if (at === undefined || !this.analysis.varying.has(at)) {
      const pushAt = at && (() => this.pushScalar(at));
      pushVectorLoad(this.f, this.pointers, access, { ...where, perLane: false, pushAt });
      return;
    }
    const indices = this.f.local("v128");
    this.pushVector(at, copy);
    this.f.set(indices);
    const pushAt = (lane: number): FunctionBuilder => this.f.get(indices).lane(i32x4.extractLane, lane);
    pushVectorLoad(this.f, this.pointers, access, { ...where, perLane: true, pushAt });
    this.f.release(indices);
  }
}
