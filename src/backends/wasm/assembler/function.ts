/** One WebAssembly function: its locals and its body, written instruction by instruction. */
import { ByteWriter } from "./encoding.js";
import { control, f32, f64, i32, i64, typeCodes, type ValueType, v128 } from "./opcodes.js";

/** The encoding of a block that gives nothing. */
const noResult = 0x40;

/** A local variable or parameter, by index. */
export type Local = number;

export class FunctionBuilder {
  /** Its index in the module, for `call`. */
  readonly index: number;
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
  private readonly locals: ValueType[] = [];
  private readonly free: Record<ValueType, Local[]> = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  private readonly code = new ByteWriter();

  constructor(index: number, parameters: readonly ValueType[], results: readonly ValueType[]) {
    this.index = index;
    this.parameters = parameters;
    this.results = results;
  }

  /** A variable of this type: a released one if there is any. Its content is undefined until it is set. */
  local(type: ValueType): Local {
    const reused = this.free[type].pop();
    if (reused !== undefined) return reused;
    this.locals.push(type);
    return this.parameters.length + this.locals.length - 1;
  }

  /** Lets `local` hand this variable out again. */
  release(local: Local): void {
    this.free[this.locals[local - this.parameters.length]].push(local);
  }

  op(code: number): this {
    if (code < 0x100) this.code.byte(code);
    else this.code.byte(code >> 16).unsigned(code & 0xffff);
    return this;
  }

  get(local: Local): this {
    return this.op(control.localGet).index32(local);
  }

  set(local: Local): this {
    return this.op(control.localSet).index32(local);
  }

  tee(local: Local): this {
    return this.op(control.localTee).index32(local);
  }

  globalGet(index: number): this {
    return this.op(control.globalGet).index32(index);
  }

  globalSet(index: number): this {
    return this.op(control.globalSet).index32(index);
  }

  call(index: number): this {
    return this.op(control.call).index32(index);
  }

  private index32(value: number): this {
    this.code.unsigned(value);
    return this;
  }

  i32(value: number): this {
    this.op(i32.const).code.signed(value | 0);
    return this;
  }

  /** From a 32-bit integer. */
  i64(value: number): this {
    this.op(i64.const).code.signed(value | 0);
    return this;
  }

  f32(value: number): this {
    this.op(f32.const).code.float32(value);
    return this;
  }

  f64(value: number): this {
    this.op(f64.const).code.float64(value);
    return this;
  }

  /** A vector constant from its 16 bytes. */
  vector(bytes: Uint8Array): this {
    this.op(v128.const).code.append(bytes);
    return this;
  }

  /** A load or store; the offset is added to the address on the stack. Alignment is a mere hint: none is given. */
  memory(code: number, offset: number): this {
    this.op(code).code.byte(0).unsigned(offset);
    return this;
  }

  /** An atomic access of 4 or 8 bytes, at an address which is a multiple of that. */
  atomic(code: number, offset: number, bytes: 4 | 8 = 4): this {
    this.op(code).code.byte(Math.log2(bytes)).unsigned(offset);
    return this;
  }

  /** A load or store of one lane. */
  memoryLane(code: number, offset: number, lane: number): this {
    this.memory(code, offset).code.byte(lane);
    return this;
  }

  /** An instruction with a lane number: extract and replace. */
  lane(code: number, lane: number): this {
    this.op(code).code.byte(lane);
    return this;
  }

  /** Bytes picked from two vectors: 0–15 the first, 16–31 the second. */
  shuffle(bytes: readonly number[]): this {
    this.op(v128.shuffle);
    for (const byte of bytes) this.code.byte(byte);
    return this;
  }

  /** `body` with label 0 at its end. */
  block(body: () => void): this {
    this.op(control.block).code.byte(noResult);
    body();
    return this.op(control.end);
  }

  /** `body` with label 0 at its start. */
  loop(body: () => void): this {
    this.op(control.loop).code.byte(noResult);
    body();
    return this.op(control.end);
  }

  /** Takes the condition from the stack; with a result type, both branches leave one value. */
  if(result: ValueType | undefined, then: () => void, otherwise?: () => void): this {
    this.op(control.if).code.byte(result === undefined ? noResult : typeCodes[result]);
    then();
    if (otherwise !== undefined) {
      this.op(control.else);
      otherwise();
    }
    return this.op(control.end);
  }

  branch(depth: number): this {
    return this.op(control.br).index32(depth);
  }

  branchIf(depth: number): this {
    return this.op(control.brIf).index32(depth);
  }

  /** Takes i from the stack and branches to the i-th of the labels, or from their number on to `otherwise`. */
  branchTable(depths: readonly number[], otherwise: number): this {
    this.op(control.brTable).index32(depths.length);
    for (const depth of depths) this.index32(depth);
    return this.index32(otherwise);
  }

  return(): this {
    return this.op(control.return);
  }

  /** local += constant; nothing when it is 0. */
  increase(local: Local, by: number): this {
    if (by === 0) return this;
    return this.get(local).i32(by).op(i32.add).set(local);
  }

  /** Runs `body`, which must not be empty, `count` times; `counter` counts from `start` by `step`. */
  repeat(counter: Local, start: number, count: number, step: number, body: () => void): this {
    if (count <= 0) return this;
    this.i32(start).set(counter);
    if (count === 1) {
      body();
      return this;
    }
    return this.loop(() => {
      body();
      this.get(counter).i32(step).op(i32.add).tee(counter);
      this.i32(start + count * step)
        .op(i32.ne)
        .branchIf(0);
    });
  }

  /** As `repeat`, for counts above 1, with `between` after every `chunk` runs and after the last. */
  repeatInChunks(
    counter: Local,
    start: number,
    count: number,
    step: number,
    chunk: number,
    body: () => void,
    between: () => void,
  ): this {
    const end = start + count * step;
    const limit = this.local("i32");
    this.i32(start).set(counter);
    this.loop(() => {
      this.get(counter)
        .i32(chunk * step)
        .op(i32.add)
        .tee(limit)
        .i32(end);
      this.get(limit).i32(end).op(i32.lt).op(control.select).set(limit);
      this.loop(() => {
        body();
        this.get(counter).i32(step).op(i32.add).tee(counter).get(limit).op(i32.ne).branchIf(0);
      });
      between();
      this.get(counter).i32(end).op(i32.ne).branchIf(0);
    });
    this.release(limit);
    return this;
  }

  /** The entry of the code section: locals, then instructions. */
  encode(): ByteWriter {
    const body = new ByteWriter();
    body.unsigned(this.locals.length);
    for (const type of this.locals) body.unsigned(1).byte(typeCodes[type]);
    body.append(this.code.finish()).byte(control.end);
    return body;
  }
}
