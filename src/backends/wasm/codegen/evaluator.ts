/**
 * Expressions to instructions: each leaves its value on the stack, and an expression that is used again is kept in a
 * local for as long as its loop body lasts.
 *
 * A frame says how the body being written runs: one point at a time, or `copies` vectors of `lanes` points.
 */
import type { Expr } from "../../../loops/ir.js";
import { invariant } from "../../../util/errors.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { control, i32, i32x4, type ValueType } from "../assembler/opcodes.js";
import type { NestAnalysis } from "./analysis.js";
import type { ProgramContext } from "./context.js";
import type { Load, PointerTable } from "./pointers.js";
import {
  scalarBinary,
  scalarCast,
  scalarCompare,
  scalarConstant,
  scalarLoad,
  scalarType,
  scalarUnary,
} from "./scalar-ops.js";
import { pushVectorLoad } from "./vector-memory.js";
import {
  splat,
  type VectorLanes,
  vectorBinary,
  vectorBounded,
  vectorCast,
  vectorCompare,
  vectorConstant,
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

/** What has been computed in one loop body. */
interface Scope {
  readonly scalars: Map<Expr, Local>;
  readonly splats: Map<Expr, Local>;
  /** For each copy. */
  readonly vectors: Map<Expr, Local>[];
  readonly locals: Local[];
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
  private readonly scopes: Scope[] = [];

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
  }

  /** Writes a loop body in which values may be kept. */
  scope(body: () => void): void {
    this.scopes.push({ scalars: new Map(), splats: new Map(), vectors: [], locals: [] });
    body();
    for (const local of this.scopes.pop()?.locals ?? []) this.f.release(local);
  }

  /** A local that lasts as long as the body being written. */
  keep(type: ValueType): Local {
    const local = this.f.local(type);
    this.scopes[this.scopes.length - 1].locals.push(local);
    return local;
  }

  /** Computes ahead what loops within will need and what does not change there. */
  hoist(level: number): void {
    const { f, analysis, frame } = this;
    for (const e of analysis.hoisted[level]) {
      if (frame.lanes > 1 && analysis.varying.has(e)) {
        for (let copy = 0; copy < frame.copies; copy++) {
          this.pushVector(e, copy);
          this.keepVector(e, copy);
          f.op(control.drop);
        }
        continue;
      }
      this.pushScalar(e);
      this.keepScalar(e);
      f.op(control.drop);
      if (this.vectorLoop >= 0 && analysis.splatted.has(e)) {
        this.pushSplat(e);
        f.op(control.drop);
      }
    }
  }

  private find(read: (scope: Scope) => Local | undefined): Local | undefined {
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const local = read(this.scopes[i]);
      if (local !== undefined) return local;
    }
    return undefined;
  }

  private isShared(e: Expr): boolean {
    return this.frame.copies > 1 || (this.analysis.uses.get(e) ?? 0) > 1;
  }

  /** Keeps the scalar on top of the stack, which stays there. */
  private keepScalar(e: Expr): void {
    const scope = this.scopes[this.scopes.length - 1];
    if (scope.scalars.has(e)) return;
    const local = this.keep(scalarType(e.dtype));
    scope.scalars.set(e, local);
    this.f.tee(local);
  }

  private keepVector(e: Expr, copy: number): void {
    const { vectors } = this.scopes[this.scopes.length - 1];
    while (vectors.length <= copy) vectors.push(new Map());
    if (vectors[copy].has(e)) return;
    const local = this.keep("v128");
    vectors[copy].set(e, local);
    this.f.tee(local);
  }

  pushScalar(e: Expr): void {
    const { f, context } = this;
    const known = this.find(({ scalars }) => scalars.get(e));
    if (known !== undefined) {
      f.get(known);
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
        this.checkBounds(e.size);
        break;
    }
    if (this.isShared(e)) this.keepScalar(e);
  }

  private pushAddress(e: Load): number {
    const { at } = e;
    return this.pointers.push(this.pointers.load(e), 0, at && (() => this.pushScalar(at)));
  }

  private checkBounds(size: number): void {
    const { f } = this;
    const given = f.local("i32");
    const wrapped = f.local("i32");
    f.tee(given).get(given).i32(31).op(i32.shr).i32(size).op(i32.and).op(i32.add).tee(wrapped);
    f.i32(size).op(i32.geU);
    f.if(undefined, () => this.context.reportOutOfRange(f.get(given), size, this.status));
    f.get(wrapped);
    f.release(given);
    f.release(wrapped);
  }

  /** The same value in every lane. */
  private pushSplat(e: Expr): void {
    const { f } = this;
    if (e.kind === "constant") {
      vectorConstant(f, e.dtype, e.value);
      return;
    }
    const known = this.find(({ splats }) => splats.get(e));
    if (known !== undefined) {
      f.get(known);
      return;
    }
    this.pushScalar(e);
    splat(f, e.dtype);
    const local = this.keep("v128");
    this.scopes[this.scopes.length - 1].splats.set(e, local);
    f.tee(local);
  }

  pushVector(e: Expr, copy: number): void {
    const { f, context } = this;
    const { lanes } = this.frame;
    invariant(lanes !== 1, "a vector in a scalar frame");
    if (!this.analysis.varying.has(e)) {
      this.pushSplat(e);
      return;
    }
    const known = this.find(({ vectors }) => vectors[copy]?.get(e));
    if (known !== undefined) {
      f.get(known);
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
    if ((this.analysis.uses.get(e) ?? 0) > 1) this.keepVector(e, copy);
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
