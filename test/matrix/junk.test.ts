/** Whatever is passed to whatever is public: it returns, or is refused with a code other than `internal`. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as adjoint from "../../src/index.js";
import { AdjointError, isTensor, random, type SliceIndex, setDevice, Tensor } from "../../src/index.js";
import { junk, junkList, show } from "./junk-values.js";

const seed = 20260;
const runs = 60;

/** A call that must return or be refused; what it gives is read, and where it gives functions, they are called too. */
async function attempt(call: () => unknown, more: readonly unknown[], depth = 0): Promise<string | null> {
  let value: unknown;
  try {
    value = await call();
    for (const part of Array.isArray(value) ? value : [value])
      if (isTensor(part) && part.size < 1e5) String(part);
  } catch (error) {
    if (error instanceof AdjointError && error.code !== "internal") return null;
    return error instanceof Error ? (error.stack ?? String(error)) : String(error);
  }
  if (depth === 2) return null;
  for (const part of Array.isArray(value) ? value : [value])
    if (typeof part === "function") {
      const wrong = await attempt(() => part(...more), more, depth + 1);
      if (wrong !== null) return `called again with (${more.map(show).join(", ")}): ${wrong}`;
    }
  return null;
}

function sweep(name: string, f: (...args: unknown[]) => unknown): void {
  it(`${name} returns or refuses with a code`, async () => {
    await fc.assert(
      fc.asyncProperty(junkList, junkList, async (args, more) => {
        const wrong = await attempt(() => f(...args), more);
        if (wrong !== null) expect.fail(`${name}(${args.map(show).join(", ")}): ${wrong}`);
      }),
      { seed, numRuns: runs },
    );
  });
}

const isClass = (value: unknown): boolean => /^class\b/.test(String(value));

describe("any function with any arguments", () => {
  for (const [name, value] of Object.entries(adjoint))
    if (typeof value === "function" && !isClass(value)) sweep(name, value as (...args: unknown[]) => unknown);
  for (const [name, value] of Object.entries(random))
    sweep(`random.${name}`, value as (...args: unknown[]) => unknown);
});

describe("any method with any arguments", () => {
  const methods = Object.getOwnPropertyNames(Tensor.prototype).filter((name) => {
    const { value } = Object.getOwnPropertyDescriptor(Tensor.prototype, name) ?? {};
    return name !== "constructor" && typeof value === "function";
  });
  const tensors = junk.filter(isTensor);

  for (const name of methods)
    it(`x.${name} returns or refuses with a code`, async () => {
      await fc.assert(
        fc.asyncProperty(tensors, junkList, async (x, args) => {
          const method = Reflect.get(x, name) as (...args: unknown[]) => unknown;
          const wrong = await attempt(() => method.apply(x, args), []);
          if (wrong !== null) expect.fail(`${show(x)}.${name}(${args.map(show).join(", ")}): ${wrong}`);
        }),
        { seed, numRuns: runs },
      );
    });
});

describe("nearly right arguments", () => {
  const extent = fc.integer({ min: 0, max: 5 });
  const amount = fc.integer({ min: -4, max: 5 });
  const small = fc.integer({ min: -1, max: 3 });
  const pair = fc.tuple(amount, amount);
  const index = fc.oneof(amount, fc.constant(null), fc.array(amount, { minLength: 1, maxLength: 3 }));
  const cases: Record<string, [fc.Arbitrary<unknown[]>, (...args: never) => unknown]> = {
    conv: [
      fc.tuple(fc.tuple(small, small, extent), fc.tuple(small, small, extent), small, pair, small, small),
      (
        x: number[],
        w: number[],
        stride: number,
        padding: [number, number],
        dilation: number,
        groups: number,
      ) => adjoint.conv(ones(x), ones(w), { stride, padding: [padding], dilation, groups }),
    ],
    convTranspose: [
      fc.tuple(extent, extent, small, pair),
      (x: number, w: number, stride: number, padding: [number, number]) =>
        adjoint.convTranspose(ones([1, 1, x]), ones([1, 1, w]), { stride, padding: [padding] }),
    ],
    maxPool: [
      fc.tuple(extent, extent, small, pair),
      (x: number, size: number, stride: number, padding: [number, number]) =>
        adjoint.maxPool(ones([1, 1, x]), { size, stride, padding: [padding] }),
    ],
    pad: [
      fc.tuple(fc.tuple(extent, extent), pair, pair),
      (x: number[], first: [number, number], second: [number, number]) =>
        adjoint.pad(ones(x), [first, second]),
    ],
    slice: [
      fc.tuple(fc.tuple(extent, extent), index, index),
      (x: number[], first: SliceIndex, second: SliceIndex) => adjoint.slice(ones(x), first, second),
    ],
    reshape: [
      fc.tuple(fc.array(extent, { maxLength: 3 }), fc.array(small, { maxLength: 3 })),
      (x: number[], to: number[]) => ones(x).reshape(to),
    ],
    tile: [
      fc.tuple(fc.array(extent, { maxLength: 3 }), fc.array(small, { maxLength: 3 })),
      (x: number[], times: number[]) => ones(x).tile(times),
    ],
    topK: [
      fc.tuple(fc.array(extent, { maxLength: 3 }), amount, small),
      (x: number[], k: number, axis: number) => ones(x).topK(k, axis)[0],
    ],
    split: [
      fc.tuple(
        fc.array(extent, { maxLength: 3 }),
        fc.oneof(amount, fc.array(extent, { maxLength: 3 })),
        small,
      ),
      (x: number[], sections: number | number[], axis: number) => ones(x).split(sections, axis),
    ],
    matmul: [
      fc.tuple(fc.array(extent, { maxLength: 4 }), fc.array(extent, { maxLength: 4 })),
      (a: number[], b: number[]) => adjoint.matmul(ones(a), ones(b)),
    ],
  };
  const ones = (shape: number[]): Tensor => adjoint.ones(shape);

  for (const [name, [args, call]] of Object.entries(cases))
    it(`${name} returns finite numbers or refuses with a code`, async () => {
      await fc.assert(
        fc.asyncProperty(args, async (list) => {
          const f = call as (...values: unknown[]) => unknown;
          const wrong = await attempt(() => checkFinite(f(...list)), []);
          if (wrong !== null) expect.fail(`${name}(${list.map(show).join(", ")}): ${wrong}`);
        }),
        { seed, numRuns: 2 * runs },
      );
    });

  function checkFinite(value: unknown): unknown {
    for (const part of Array.isArray(value) ? value : [value])
      if (isTensor(part)) expect(part.dataSync().every(Number.isFinite)).toBe(true);
    return value;
  }
});

describe("more than memory holds", () => {
  it("is refused by the reference device as well, with a code", () => {
    setDevice("reference");
    const long = adjoint.ones([2 ** 20]);
    expect(() => adjoint.outer(long, long)).toThrow(
      /^allocate: 1099511627776 elements of float32 do not fit/,
    );
    setDevice("wasm");
  });
});
