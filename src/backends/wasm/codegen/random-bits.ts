/**
 * threefry2x32-20, four blocks at a time.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011); constants as in the
 * Random123 library.
 */
import type { RandomBitsKernel } from "../../../loops/ir.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { i32, i32x4, v128 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import { splatInteger } from "./lanes.js";

/** Rotation distances of rounds 1 to 8, which then repeat. */
const rotations = [13, 15, 26, 6, 17, 29, 16, 24];
/** The Skein key schedule's parity word. */
const parity = 0x1bd11bda;
const rounds = 20;

/** Words of four blocks. */
const group = 8;

export function writeRandomBits(f: FunctionBuilder, context: ProgramContext, kernel: RandomBitsKernel): void {
  const { keyCount, count } = kernel;
  if (keyCount * count === 0) return;
  const keys = context.base(kernel.keys);
  const output = context.base(kernel.output);
  const [keyPointer, outputPointer, keyIndex, block] = [
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
  ];
  const schedule = [f.local("v128"), f.local("v128"), f.local("v128")];
  const x0 = f.local("v128");
  const x1 = f.local("v128");

  f.get(keys.local).i32(keys.address).op(i32.add).set(keyPointer);
  f.get(output.local).i32(output.address).op(i32.add).set(outputPointer);
  f.repeat(keyIndex, 0, keyCount, 1, () => {
    f.get(keyPointer).memory(v128.load32Splat, 0).set(schedule[0]);
    f.get(keyPointer).memory(v128.load32Splat, 4).set(schedule[1]);
    f.get(schedule[0])
      .get(schedule[1])
      .op(v128.xor)
      .vector(splatInteger(32, parity))
      .op(v128.xor)
      .set(schedule[2]);
    const blocks = (): void => {
      // Counters (j, 0) for four j.
      f.get(block)
        .op(i32x4.splat)
        .vector(new Uint8Array(new Int32Array([0, 1, 2, 3]).buffer))
        .op(i32x4.add);
      f.get(schedule[0]).op(i32x4.add).set(x0);
      f.get(schedule[1]).set(x1);
      writeRounds(f, schedule, x0, x1);
    };
    const interleaved = (low: boolean): void => {
      const words = low ? [0, 4, 1, 5] : [2, 6, 3, 7];
      f.get(x0)
        .get(x1)
        .shuffle(words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte)));
    };
    const whole = Math.floor(count / group);
    f.repeat(block, 0, whole, group / 2, () => {
      blocks();
      f.get(outputPointer);
      interleaved(true);
      f.memory(v128.store, 0).get(outputPointer);
      interleaved(false);
      f.memory(v128.store, 16).increase(outputPointer, 4 * group);
    });
    const rest = count % group;
    if (rest > 0) {
      f.i32((whole * group) / 2).set(block);
      blocks();
      for (let word = 0; word < rest; word++) {
        const value = word % 2 === 0 ? x0 : x1;
        f.get(outputPointer)
          .get(value)
          .memoryLane(v128.store32Lane, 4 * word, Math.floor(word / 2));
      }
      f.increase(outputPointer, 4 * rest);
    }
    f.increase(keyPointer, 8);
  });
}

function writeRounds(f: FunctionBuilder, schedule: readonly Local[], x0: Local, x1: Local): void {
  for (let round = 0; round < rounds; round++) {
    const distance = rotations[round % rotations.length];
    f.get(x0).get(x1).op(i32x4.add).set(x0);
    f.get(x1)
      .i32(distance)
      .op(i32x4.shl)
      .get(x1)
      .i32(32 - distance)
      .op(i32x4.shrU)
      .op(v128.or);
    f.get(x0).op(v128.xor).set(x1);
    if (round % 4 !== 3) continue;
    const injection = (round + 1) / 4;
    f.get(x0)
      .get(schedule[injection % 3])
      .op(i32x4.add)
      .set(x0);
    f.get(x1)
      .get(schedule[(injection + 1) % 3])
      .op(i32x4.add);
    f.vector(splatInteger(32, injection)).op(i32x4.add).set(x1);
  }
}
