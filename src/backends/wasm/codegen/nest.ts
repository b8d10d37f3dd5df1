/**
 * A loop kernel to instructions: nested counted loops, the vector loop in three parts (several vectors at a time, one
 * vector at a time, one point at a time), reductions in locals, stores at the end of each point.
 *
 * All values of a point are computed before any of its stores, so a store may overwrite what another one read there.
 */
import type { LoopKernel, Reduction, Store } from "../../../loops/ir.js";
import { invariant } from "../../../util/errors.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import {
  type Accumulator,
  combineLanes,
  flush,
  initialise,
  maskLanes,
  settle,
  type Total,
  type Totals,
  takeScalar,
  takeVector,
} from "./accumulators.js";
import { analyse } from "./analysis.js";
import { planBlocks } from "./block.js";
import type { ProgramContext } from "./context.js";
import { Evaluator, type Frame, scalarFrame, validLanes } from "./evaluator.js";
import { type BufferSource, PointerTable } from "./pointers.js";
import { scalarBinary, scalarLoad, scalarStore, scalarType } from "./scalar-ops.js";
import { vectorStore } from "./vector-memory.js";
import { planVectors, type VectorPlan } from "./vectorise.js";

/**
 * Writes the kernel into `f`; `status` is what the function returns when an index is out of range. With `part`, a local,
 * only that iteration of the outermost loop runs.
 */
export function writeLoops(
  f: FunctionBuilder,
  context: ProgramContext,
  kernel: LoopKernel,
  status: number,
  source: BufferSource,
  part?: Local,
): void {
  const plan = planVectors(kernel, part === undefined ? 0 : 1);
  const outputs = plan.kernel.loops.length - plan.kernel.reducedLoops;
  if (plan.kernel.loops.slice(0, outputs).includes(0)) return;
  const blocked = planBlocks(plan);
  new NestWriter(f, context, blocked?.main ?? plan, status, source, part).write();
  if (blocked?.rest !== undefined) writeLoops(f, context, blocked.rest, status, source, part);
}

/** Steps after which partial sums move into totals, and how many there must be for that to be worth it. */
const chunkSteps = 128;
const longSteps = 256;

/** Where a reduction is cut: after every `chunk` iterations of the loop at `level`. */
interface Cut {
  readonly level: number;
  readonly chunk: number;
}

/** The innermost reduced loop at whose end a partial sum has taken in many terms. */
function cutOf({ kernel, loop, lanes, copies }: VectorPlan): Cut | undefined {
  const outputs = kernel.loops.length - kernel.reducedLoops;
  let inner = 1;
  for (let level = kernel.loops.length - 1; level >= outputs; level--) {
    const steps = inner * Math.ceil(kernel.loops[level] / (level === loop ? lanes * copies : 1));
    if (steps > longSteps) return { level, chunk: Math.max(1, Math.floor(chunkSteps / inner)) };
    inner = steps;
  }
  return undefined;
}

class NestWriter {
  private readonly f: FunctionBuilder;
  private readonly context: ProgramContext;
  private readonly kernel: LoopKernel;
  private readonly plan: VectorPlan;
  private readonly outputs: number;
  private readonly counters: readonly Local[];
  private readonly pointers: PointerTable;
  private readonly evaluator: Evaluator;
  private accumulators: readonly Accumulator[] = [];
  private readonly cut: Cut | undefined;
  /** The one iteration of the outermost loop that is wanted. */
  private readonly part: Local | undefined;
  /** Counts reduced points, for argmax. */
  private position: Local | undefined;

  constructor(
    f: FunctionBuilder,
    context: ProgramContext,
    plan: VectorPlan,
    status: number,
    source: BufferSource,
    part: Local | undefined,
  ) {
    this.f = f;
    this.part = part;
    this.context = context;
    this.plan = plan;
    this.kernel = plan.kernel;
    this.cut = cutOf(plan);
    const { kernel } = plan;
    this.outputs = kernel.loops.length - kernel.reducedLoops;
    this.counters = kernel.loops.map(() => f.local("i32"));
    this.pointers = new PointerTable(f, kernel, source);
    this.evaluator = new Evaluator({
      f,
      context,
      analysis: analyse(kernel, plan.loop),
      pointers: this.pointers,
      counters: this.counters,
      vectorLoop: plan.loop,
      status,
    });
  }

  write(): void {
    const { f } = this;
    this.pointers.initialise();
    this.body(0);
    this.pointers.release();
    for (const local of this.counters) f.release(local);
  }

  /** What stands inside loops 0 … level - 1. */
  private body(level: number): void {
    this.evaluator.scope(() => {
      this.evaluator.hoist(level);
      if (level === 0 && this.part !== undefined) this.onePart(this.part);
      else if (level < this.outputs) this.loop(level);
      else this.point();
    });
  }

  private onePart(part: Local): void {
    this.f.get(part).set(this.counters[0]);
    this.pointers.startAt(0, part);
    this.body(1);
  }

  private reducedBody(level: number): void {
    this.evaluator.scope(() => {
      if (level > this.outputs) this.evaluator.hoist(level);
      if (level < this.kernel.loops.length) this.loop(level);
      else this.accumulate();
    });
  }

  private loop(level: number): void {
    const { f, plan, evaluator } = this;
    const extent = this.kernel.loops[level];
    const outer = evaluator.frame;
    let start = 0;
    for (const frame of this.parts(level)) {
      const step = frame === outer ? 1 : frame.points;
      const count = Math.floor((extent - start) / step);
      evaluator.frame = frame;
      const counter = this.counters[level];
      const body = (): void => {
        if (level < this.outputs) this.body(level + 1);
        else this.reducedBody(level + 1);
        this.pointers.advance(level, step);
      };
      const { cut } = this;
      if (cut?.level === level && count > cut.chunk)
        f.repeatInChunks(counter, start, count, step, cut.chunk, body, () => {
          for (const accumulator of this.accumulators) flush(f, accumulator);
        });
      else f.repeat(counter, start, count, step, body);
      start += count * step;
    }
    evaluator.frame = outer;
    invariant(start === extent || plan.loop === level, "a loop ends early");
  }

  private parts(level: number): Frame[] {
    if (level !== this.plan.loop) return [this.evaluator.frame];
    const { lanes, copies, partialTail } = this.plan;
    const parts: Frame[] = [{ lanes, copies, points: lanes * copies }];
    if (copies > 1) parts.push({ lanes, copies: 1, points: lanes });
    const rest = this.kernel.loops[level] % lanes;
    if (rest > 0) parts.push(partialTail ? { lanes, copies: 1, points: rest } : scalarFrame);
    return parts;
  }

  private point(): void {
    if (this.kernel.reductions.length > 0) this.reduce();
    this.store();
  }

  private reduce(): void {
    const { f, evaluator, plan } = this;
    const { frame } = evaluator;
    const lanesReduced = plan.loop >= this.outputs;
    const empty = this.kernel.loops.slice(this.outputs).includes(0);
    this.accumulators = this.kernel.reductions.map((reduction) => this.accumulator(reduction, frame));
    for (const accumulator of this.accumulators) initialise(f, accumulator);
    const searching = this.accumulators.some(({ reduction }) => reduction.op === "argmax");
    if (searching) {
      this.position = evaluator.keep("i32");
      f.i32(0).set(this.position);
    }
    if (!empty) this.reducedBody(this.outputs);
    this.position = undefined;

    this.accumulators.forEach((accumulator, i) => {
      settle(f, accumulator);
      if (lanesReduced) {
        const result = evaluator.keep(scalarType(accumulator.reduction.dtype));
        combineLanes(f, this.context, accumulator, plan.lanes, result);
        evaluator.reduced[i] = [result];
      } else if (accumulator.reduction.op === "argmax")
        evaluator.reduced[i] = defined([accumulator.scalarPosition, ...accumulator.vectorPositions]);
      else evaluator.reduced[i] = defined([accumulator.scalar, ...accumulator.vectors]);
    });
  }

  private accumulator(reduction: Reduction, frame: Frame): Accumulator {
    const { evaluator, plan } = this;
    const lanesReduced = plan.loop >= this.outputs;
    const vectors = lanesReduced ? plan.copies : frame.lanes > 1 ? frame.copies : 0;
    const hasTail = !plan.partialTail && plan.loop >= 0 && this.kernel.loops[plan.loop] % plan.lanes !== 0;
    const hasScalar = lanesReduced ? hasTail : frame.lanes === 1;
    const searching = reduction.op === "argmax";
    const keepVectors = (count: number): Local[] =>
      Array.from({ length: count }, () => evaluator.keep("v128"));
    const isLong = this.cut !== undefined && reduction.op === "sum" && reduction.dtype === "float32";
    return {
      reduction,
      vectors: keepVectors(vectors),
      scalar: hasScalar ? evaluator.keep(scalarType(reduction.value.dtype)) : undefined,
      totals: isLong ? this.totals(vectors, hasScalar) : undefined,
      vectorPositions: keepVectors(searching ? vectors : 0),
      scalarPosition: searching && hasScalar ? evaluator.keep("i32") : undefined,
    };
  }

  private totals(vectors: number, hasScalar: boolean): Totals {
    const total = (type: Total["type"]): Total => ({
      type,
      sum: this.evaluator.keep(type),
      lost: this.evaluator.keep(type),
    });
    return {
      vectors: Array.from({ length: vectors }, () => total("v128")),
      scalar: hasScalar ? total("f32") : undefined,
    };
  }

  private accumulate(): void {
    const { f, context, evaluator, position } = this;
    const { lanes, copies } = evaluator.frame;
    const valid = validLanes(evaluator.frame);
    const lanesReduced = this.plan.loop >= this.outputs;
    for (const accumulator of this.accumulators) {
      const { value } = accumulator.reduction;
      if (lanes === 1) {
        evaluator.pushScalar(value);
        takeScalar(f, context, accumulator, position);
        continue;
      }
      for (let copy = 0; copy < copies; copy++) {
        evaluator.pushVector(value, copy);
        // Along an output loop lanes beyond the end go their own way, and are not stored.
        if (lanesReduced && valid < lanes) maskLanes(f, accumulator, lanes, valid);
        takeVector(f, context, accumulator, copy, lanes, position);
      }
    }
    if (position !== undefined) f.increase(position, 1);
  }

  private store(): void {
    const { evaluator } = this;
    const { stores } = this.kernel;
    const { lanes, copies } = evaluator.frame;
    for (let copy = 0; copy < copies; copy++) {
      const values = stores.map(({ value }) => {
        const local = evaluator.keep(lanes === 1 ? scalarType(value.dtype) : "v128");
        if (lanes === 1) evaluator.pushScalar(value);
        else evaluator.pushVector(value, copy);
        this.f.set(local);
        return local;
      });
      stores.forEach((store, i) => {
        this.storeValue(store, values[i], copy);
      });
    }
  }

  private storeValue(store: Store, value: Local, copy: number): void {
    const { f, context, evaluator, pointers } = this;
    const { lanes } = evaluator.frame;
    const access = pointers.store(store);
    const { at } = store;
    const pushAt = at && (() => evaluator.pushScalar(at));
    if (lanes !== 1) {
      const along = access.strides[this.plan.loop];
      const where = { lanes, valid: validLanes(evaluator.frame), copy, along, perLane: false, pushAt };
      vectorStore(f, context, pointers, access, where, value, store.accumulate === true);
      return;
    }
    const offset = pointers.push(access, 0, pushAt);
    if (store.accumulate === true) {
      scalarLoad(f, access.dtype, pointers.push(access, 0, pushAt));
      f.get(value);
      scalarBinary(f, context, "add", access.dtype);
    } else f.get(value);
    scalarStore(f, access.dtype, offset);
  }
}

function defined(locals: readonly (Local | undefined)[]): Local[] {
  return locals.filter((local) => local !== undefined);
}
