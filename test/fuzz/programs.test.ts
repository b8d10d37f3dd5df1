/**
 * Random programs of the public operations: every way to compute one gives the same. A failure prints the seed and the
 * smallest program found that still fails; ADJOINT_SEED starts elsewhere, ADJOINT_PROGRAMS runs more of them.
 */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  grad,
  hessian,
  jacobian,
  jit,
  jvp,
  linearize,
  type Tensor,
  tensor,
  vjp,
  vmap,
} from "../../src/index.js";
import { generate, type Program, describe as print, type Settings } from "./generate.js";
import { minimise } from "./minimise.js";
import { type Property, properties, wildProperties } from "./properties.js";
import { Random } from "./random.js";

const first = Number(process.env.ADJOINT_SEED ?? 1);
const count = Number(process.env.ADJOINT_PROGRAMS ?? 150);

/** Programs of one kind, and what could not be made. */
function programs(
  number: number,
  settings: (seed: number) => Settings,
): { made: Program[]; refused: unknown[] } {
  const made: Program[] = [];
  const refused: unknown[] = [];
  for (let seed = first; seed < first + number; seed++)
    try {
      const program = generate(seed, settings(seed));
      if (program.outputs.length > 0) made.push(program);
    } catch (error) {
      refused.push(error);
    }
  return { made, refused };
}

/** The message of what does not hold; null where all does. */
function failure(property: Property, program: Program): string | null {
  try {
    property.check(program, new Random(program.seed));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function holds(property: Property, made: readonly Program[]): void {
  const reports = made.flatMap((program) => {
    const message = failure(property, program);
    if (message === null) return [];
    const small = minimise(program, (smaller) => failure(property, smaller) !== null);
    return [`seed ${program.seed}: ${message}\n${print(small)}\n(minimised: ${failure(property, small)})`];
  });
  expect(reports.slice(0, 3).join("\n\n"), `${reports.length} of ${made.length} programs fail`).toBe("");
}

// one in ten is deep and has only float64 inputs, one in seven reaches beyond a vector's length many times over
const tame = programs(count, (seed) => ({
  ...(seed % 10 === 0 ? { steps: 20, float64: true } : {}),
  ...(seed % 7 === 0 ? { extent: 48 } : {}),
}));
// short, for sums of very large and very small numbers differ by the order of their terms
const wild = programs(count, (seed) => ({ wild: true, steps: 1 + (seed % 3), examples: 2 }));

describe("random programs", () => {
  test("are made of operations that accept their operands, or refuse them by name", () => {
    expect([...tame.refused, ...wild.refused]).toEqual([]);
    expect(tame.made.length).toBeGreaterThan(0.9 * count);
  });

  for (const property of properties)
    test(property.name, { timeout: 60_000 + 1000 * count }, () => {
      holds(property, tame.made);
    });
});

describe("random programs of NaN, infinities, ties and numbers of every size", () => {
  for (const property of wildProperties)
    test(property.name, { timeout: 60_000 + 1000 * count }, () => {
      holds(property, wild.made);
    });
});

describe("an error thrown inside any two transforms", () => {
  type Body = (x: Tensor) => Tensor;
  const transforms: Readonly<Record<string, (f: Body) => Body>> = {
    grad: (f) => grad((x: Tensor) => f(x).sum()),
    jit: (f) => jit(f),
    vmap: (f) => vmap(f),
    checkpoint: (f) => checkpoint(f),
    jvp: (f) => (x) => jvp(f, [x], [x])[1],
    vjp: (f) => (x) => vjp(f, x)[1](x)[0],
    linearize: (f) => (x) => linearize(f, x)[1](x),
    hessian: (f) => hessian((x: Tensor) => f(x).sum()),
    jacobian: (f) => jacobian(f),
  };
  const matrix = tensor([
    [1, 2],
    [3, 4],
  ]);

  for (const [outerName, outer] of Object.entries(transforms))
    test(`${outerName} of each: what comes next works as if nothing had happened`, () => {
      for (const inner of Object.values(transforms))
        for (const late of [false, true]) {
          const fail = (): never => {
            throw new Error("a mistake of the user's");
          };
          const f = outer((x) => {
            const y = inner((z) => (late ? z.mul(2) : fail()))(x.mul(1));
            return late ? fail() : y;
          });
          expect(() => f(matrix)).toThrow("a mistake of the user's");
          expect(grad((x: Tensor) => x.mul(x).sum())(tensor([1, 2])).arraySync()).toEqual([2, 4]);
          expect(vmap((x: Tensor) => x.mul(2))(tensor([1, 2])).arraySync()).toEqual([2, 4]);
          expect(jit((x: Tensor) => x.add(1))(tensor([1, 2])).arraySync()).toEqual([2, 3]);
        }
    });

  test("and caught inside a third leaves that one intact", () => {
    const swallow = (f: () => unknown): void => {
      try {
        f();
      } catch {
        // as a user might
      }
    };
    const f = (x: Tensor): Tensor => {
      for (const transform of Object.values(transforms))
        swallow(() =>
          transform((y) => {
            y.mul(x);
            throw new Error("a mistake of the user's");
          })(x),
        );
      return x.mul(x).sum();
    };
    expect(grad(f)(tensor([3, 4])).arraySync()).toEqual([6, 8]);
    expect(jit(grad(f))(tensor([3, 4])).arraySync()).toEqual([6, 8]);
    expect(vmap(grad(f))(matrix).arraySync()).toEqual([
      [2, 4],
      [6, 8],
    ]);
  });
});
