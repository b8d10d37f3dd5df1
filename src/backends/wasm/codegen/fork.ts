/**
 * Regions of a program in parts that several threads take as they come: fork, claim, join, in WebAssembly itself.
 *
 * The main thread publishes a region, takes parts like everybody else, and when none is left waits for those that others
 * are still at. Who gets which part is chance; what a part computes is not. `../threads/control.ts` has the protocol.
 * Only for modules on shared memory.
 *
 * Who takes part has a place, and its number with it: the main thread place 0, and each worker one of the others, which no
 * one else has as long as he looks for parts. So parts may have memory for each place, of which there are few, and need none
 * for each of them.
 */
import type { FunctionBuilder, Local } from "../assembler/function.js";
import type { ModuleBuilder } from "../assembler/module.js";
import { atomic, control as flow, i32, i64, type ValueType } from "../assembler/opcodes.js";
import { control } from "../threads/control.js";

/** Both bases, and three numbers. */
const fiveNumbers: readonly ValueType[] = ["i32", "i32", "i32", "i32", "i32"];
const nothingLeft = 0;
const otherProgram = 1;

/** Where the module keeps the index that was out of range. */
export interface FailureGlobals {
  readonly value: number;
  readonly size: number;
}

export interface Region {
  /** The index of the function of its parts, which takes the bases, the number of a part, and the offset of its scratch memory. */
  readonly part: number;
  readonly count: number;
  /** Bytes of scratch memory of a part. */
  readonly scratch: number;
  /** Whether there is as much for each part, and not for each place. */
  readonly perPart: boolean;
}

/** The offset of a place's word. */
function pushPlace(f: FunctionBuilder, place: Local): FunctionBuilder {
  return f.get(place).i32(4).op(i32.mul);
}

export class Fork {
  private readonly failure: FailureGlobals;
  /** Imported: sleeps a while, and throws when that has gone on for too long. */
  private readonly stalled: number;
  private readonly regions: Region[] = [];
  private readonly module: ModuleBuilder;
  private readonly places: number;
  private made:
    | {
        readonly fork: FunctionBuilder;
        readonly claim: FunctionBuilder;
        readonly dispatch: FunctionBuilder;
        readonly fail: FunctionBuilder;
      }
    | undefined;

  /**
   * To be made before any function of the module.
   * @param places how many threads may take part at the same time
   */
  constructor(module: ModuleBuilder, failure: FailureGlobals, places: number) {
    this.module = module;
    this.failure = failure;
    this.places = places;
    this.stalled = module.importFunction("stalled", []);
  }

  /** Whether the module has any region. */
  get isUsed(): boolean {
    return this.made !== undefined;
  }

  /**
   * Runs all parts and leaves a status on the stack. Sleeping workers are called only to work that is worth it, and those
   * awake come by themselves.
   */
  write(f: FunctionBuilder, region: Region, wakes: boolean): void {
    this.made ??= {
      fork: this.module.function(fiveNumbers, ["i32"]),
      claim: this.module.function(["i32", "i32"], ["i32"]),
      dispatch: this.module.function(fiveNumbers, ["i32"]),
      fail: this.module.function(["i32", "i32"], []),
    };
    f.get(0)
      .get(1)
      .i32(this.regions.push(region) - 1)
      .i32(region.count)
      .i32(wakes ? 1 : 0)
      .call(this.made.fork.index);
  }

  /** Leaves on the stack whether there is anyone to share work with. */
  pushHasHelpers(f: FunctionBuilder): void {
    f.i32(0).memory(i32.load, control.helpers);
  }

  /** Writes the functions that all regions share. */
  finish(): void {
    if (this.made === undefined) return;
    this.writeDispatch(this.made.dispatch);
    this.writeFail(this.made.fail);
    this.writeClaim(this.made.claim, this.made.dispatch, this.made.fail);
    this.writeFork(this.made.fork, this.made.claim);
    this.module.export("work", "function", this.made.claim.index);
  }

  /** (arenaBase, staticBase, region, part, place) → status */
  private writeDispatch(f: FunctionBuilder): void {
    const nest = (depth: number): void => {
      if (depth === 0) {
        const labels = this.regions.map((_, region) => region);
        f.get(2).branchTable(labels, labels.length - 1);
        return;
      }
      // what stands behind the block with label i is region i
      f.block(() => nest(depth - 1));
      const { part, scratch, perPart } = this.regions[depth - 1];
      f.get(0).get(1).get(3);
      f.get(perPart ? 3 : 4)
        .i32(scratch)
        .op(i32.mul)
        .call(part)
        .return();
    };
    nest(this.regions.length);
    f.op(flow.unreachable);
  }

  /** (part, status): of all failures of a region the first counts, as if parts had run in order. */
  private writeFail(f: FunctionBuilder): void {
    const lock = (): FunctionBuilder =>
      f.i32(0).i32(0).i32(1).atomic(atomic.compareExchange, control.failureLock);
    f.loop(() => lock().branchIf(0));
    // no part has failed yet: -1, the largest number without sign
    f.get(0).i32(0).memory(i32.load, control.failedPart).op(i32.ltU);
    f.if(undefined, () => {
      f.i32(0).get(0).memory(i32.store, control.failedPart);
      f.i32(0).get(1).memory(i32.store, control.failedStatus);
      f.i32(0).globalGet(this.failure.value).memory(i32.store, control.failedValue);
      f.i32(0).globalGet(this.failure.size).memory(i32.store, control.failedSize);
    });
    f.i32(0).i32(0).atomic(atomic.store, control.failureLock);
  }

  /**
   * (program, patience) → why it ended: takes parts of this program until it has found none to take `patience` times in a
   * row, or another program has come. A worker (only these have patience) needs a place, and has nothing to do where all
   * places are taken.
   */
  private writeClaim(f: FunctionBuilder, dispatch: FunctionBuilder, fail: FunctionBuilder): void {
    const [program, patience] = [0, 1];
    const word = f.local("i64");
    const left = f.local("i32");
    const idle = f.local("i32");
    const part = f.local("i32");
    const parts = f.local("i32");
    const status = f.local("i32");
    const place = f.local("i32");
    this.writeTakePlace(f, patience, place);
    const end = (why: number): void => {
      f.get(place);
      f.if(undefined, () => pushPlace(f, place).i32(0).atomic(atomic.store, control.places));
      f.i32(why).return();
    };
    f.loop(() => {
      f.i32(0).atomic(atomic.load64, control.claims, 8).set(word);
      f.get(word).i64(32).op(i64.shrU).op(i64.wrap).get(program).op(i32.ne);
      f.if(undefined, () => end(otherProgram));
      f.get(word).op(i64.wrap).tee(left).op(i32.eqz);
      f.if(undefined, () => {
        f.get(idle).get(patience).op(i32.geU);
        f.if(undefined, () => end(nothingLeft));
        f.increase(idle, 1).branch(1);
      });
      f.i32(0).get(word).get(word).i64(1).op(i64.sub).atomic(atomic.compareExchange64, control.claims, 8);
      f.get(word).op(i64.ne).branchIf(0);

      // The part is taken, so what the job says holds until it is done.
      f.i32(0).memory(i32.load, control.parts).tee(parts).get(left).op(i32.sub).set(part);
      for (const word of [control.arenaBase, control.staticBase, control.region])
        f.i32(0).memory(i32.load, word);
      f.get(part).get(place).call(dispatch.index).tee(status);
      f.if(undefined, () => f.get(part).get(status).call(fail.index));
      // only workers wait for work
      f.get(patience);
      f.if(undefined, () => f.i32(0).i32(1).atomic(atomic.add, control.taken).op(flow.drop));
      f.i32(0).i32(1).atomic(atomic.add, control.done).i32(1).op(i32.add).get(parts).op(i32.eq);
      f.if(undefined, () => {
        f.i32(0).atomic(atomic.load, control.waiting);
        f.if(undefined, () => f.i32(0).i32(1).atomic(atomic.notify, control.done).op(flow.drop));
      });
      f.i32(0).set(idle).branch(0);
    });
    f.op(flow.unreachable);
  }

  /** Gives a worker the first place that is free, and ends the function where there is none. */
  private writeTakePlace(f: FunctionBuilder, patience: Local, place: Local): void {
    f.get(patience);
    f.if(undefined, () => {
      f.loop(() => {
        f.increase(place, 1);
        f.get(place).i32(this.places).op(i32.geU);
        f.if(undefined, () => f.i32(nothingLeft).return());
        pushPlace(f, place).i32(0).i32(1).atomic(atomic.compareExchange, control.places).branchIf(0);
      });
    });
  }

  /** (arenaBase, staticBase, region, parts, wakes) → status */
  private writeFork(f: FunctionBuilder, claim: FunctionBuilder): void {
    const [arenaBase, staticBase, region, parts, wakes] = [0, 1, 2, 3, 4];
    const tries = f.local("i32");
    for (const [address, value] of [
      [control.arenaBase, arenaBase],
      [control.staticBase, staticBase],
      [control.region, region],
      [control.parts, parts],
    ])
      f.i32(0).get(value).memory(i32.store, address);
    f.i32(0).i32(-1).memory(i32.store, control.failedPart);
    f.i32(0).i32(0).memory(i32.store, control.done);
    f.i32(0);
    f.i32(0).memory(i32.load, control.program).op(i64.extendU).i64(32).op(i64.shl);
    f.get(parts).op(i64.extendU).op(i64.or).atomic(atomic.store64, control.claims, 8);
    f.get(wakes);
    f.if(undefined, () => {
      f.i32(0).atomic(atomic.load, control.sleepers);
      f.if(undefined, () => {
        f.i32(0).i32(1).atomic(atomic.add, control.bell).op(flow.drop);
        f.i32(0).get(parts).i32(1).op(i32.sub).atomic(atomic.notify, control.bell).op(flow.drop);
      });
    });
    f.i32(0).memory(i32.load, control.program).i32(0).call(claim.index).op(flow.drop);

    const pushUnfinished = (): FunctionBuilder =>
      f.i32(0).atomic(atomic.load, control.done).get(parts).op(i32.ne);
    f.block(() => {
      f.loop(() => {
        pushUnfinished().op(i32.eqz).branchIf(1);
        f.increase(tries, 1);
        f.get(tries).i32(0).memory(i32.load, control.patience).op(i32.ltU).branchIf(0);
        f.call(this.stalled).branch(0);
      });
    });

    f.i32(0).memory(i32.load, control.failedPart).i32(-1).op(i32.ne);
    f.if(undefined, () => {
      f.i32(0).memory(i32.load, control.failedValue).globalSet(this.failure.value);
      f.i32(0).memory(i32.load, control.failedSize).globalSet(this.failure.size);
      f.i32(0).memory(i32.load, control.failedStatus).return();
    });
    f.i32(0);
  }
}
