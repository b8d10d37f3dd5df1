/**
 * Random programs as bodies of scans: a scan over examples gives what a loop over them does, with all its derivatives.
 * ADJOINT_SEED starts elsewhere, ADJOINT_PROGRAMS runs more of them.
 */
import { describe, expect, test } from "vitest";
import {
  cond,
  grad,
  hvp,
  jit,
  jvp,
  type ScanOptions,
  scan,
  type Tensor,
  tensor,
  vmap,
} from "../../src/index.js";
import { evaluate, generate, type Program, describe as print } from "./generate.js";
import { Random } from "./random.js";
import {
  batches,
  direction,
  examplesOf,
  expectClose,
  isFloat,
  isSingle,
  lossOf,
  onReference,
  tolerance,
} from "./ways.js";

const first = Number(process.env.ADJOINT_SEED ?? 1);
const count = Math.ceil(Number(process.env.ADJOINT_PROGRAMS ?? 150) / 3);
const programs = Array.from({ length: count }, (_, i) =>
  generate(first + i, { examples: 3, steps: 1 + (i % 8), ...(i % 3 === 0 ? { float64: true } : {}) }),
).filter(({ outputs }) => outputs.length > 0);

type Results = readonly Tensor[];

/** A step: the carry weighs the outputs, decides on their sign, and takes up what they say. */
function step(
  program: Program,
  decide: typeof cond,
): (carry: Tensor, inputs: readonly Tensor[]) => [Tensor, Tensor[]] {
  const loss = lossOf(program);
  return (carry, inputs) => {
    const outputs = evaluate(program, inputs).map((output) => {
      const weight = carry.tanh().mul(0.1).add(1);
      return isFloat(output) ? output.mul(weight.cast(output.dtype)) : output;
    });
    const signed = decide(
      carry.gt(0.05),
      (ys: Tensor[]) => ys,
      (ys: Tensor[]) => ys.map((y) => (isFloat(y) ? y.mul(-2) : y)),
      outputs,
    );
    return [carry.mul(0.5).add(loss(...inputs).tanh()), signed as Tensor[]];
  };
}

const start = tensor(0.3, { dtype: "float64" });

function scanned(program: Program, options: ScanOptions = {}): (...args: Tensor[]) => Results {
  return (...args) => {
    const { inAxes } = batches(program);
    const sequences = args.filter((_, i) => inAxes[i] === 0);
    const run = step(program, cond);
    const [carry, ys] = scan(
      (h: Tensor, slices: readonly Tensor[]) => {
        let next = 0;
        return run(
          h,
          args.map((arg, i) => (inAxes[i] === 0 ? slices[next++] : arg)),
        );
      },
      start,
      sequences,
      { ...options, length: examplesOf(program) },
    );
    return [carry, ...(ys as Tensor[])];
  };
}

/** The same by a plain loop; the sequences' slices are not put together. */
function looped(program: Program, reverse = false): (...args: Tensor[]) => { carry: Tensor; ys: Results[] } {
  return (...args) => {
    const { inAxes } = batches(program);
    const run = step(program, cond);
    let carry = start;
    const ys: Results[] = [];
    for (let i = 0; i < examplesOf(program); i++) {
      const at = reverse ? examplesOf(program) - 1 - i : i;
      const [next, y] = run(
        carry,
        args.map((arg, k) => (inAxes[k] === 0 ? arg.slice(at) : arg)),
      );
      carry = next;
      ys[at] = y;
    }
    return { carry, ys };
  };
}

const total = (carry: Tensor, outputs: readonly Tensor[]): Tensor =>
  outputs.reduce((sum, y) => (isFloat(y) ? sum.add(y.cast("float64").mul(0.3).sum()) : sum), carry.square());
const costOf =
  (program: Program, options?: ScanOptions) =>
  (...args: Tensor[]) => {
    const [carry, ...ys] = scanned(program, options)(...args);
    return total(carry, ys);
  };
const loopCost =
  (program: Program, reverse?: boolean) =>
  (...args: Tensor[]) => {
    const { carry, ys } = looped(program, reverse)(...args);
    return total(carry, ys.flat());
  };

function each(check: (program: Program, random: Random) => void): void {
  const reports = programs.flatMap((program) => {
    try {
      check(program, new Random(program.seed));
      return [];
    } catch (error) {
      return [
        `seed ${program.seed}: ${error instanceof Error ? error.message : String(error)}\n${print(program)}`,
      ];
    }
  });
  expect(reports.slice(0, 3).join("\n\n"), `${reports.length} of ${programs.length} programs fail`).toBe("");
}

// as for the programs themselves, with sums over three steps
const near = (program: Program): number => 3 * tolerance(program);
const floats = (args: readonly Tensor[]): number[] => args.flatMap((arg, i) => (isFloat(arg) ? [i] : []));
const timeout = 60_000 + 2000 * count;

describe("scans of random programs", () => {
  test("give what a loop gives, on both devices, compiled and not", { timeout }, () => {
    each((program) => {
      const { args } = batches(program);
      for (const reverse of [false, true]) {
        const { carry, ys } = onReference(() => looped(program, reverse)(...args));
        const want = [carry, ...ys.flat()];
        const apart = (results: Results): Tensor[] => {
          const [last, ...sequences] = results;
          return [last, ...ys.flatMap((_, at) => sequences.map((y) => y.slice(at)))];
        };
        const f = scanned(program, { reverse });
        expectClose("eager", apart(f(...args)), want, near(program));
        expectClose("jit", apart(jit(f)(...args)), want, near(program));
        expectClose(
          "reference",
          onReference(() => apart(f(...args))),
          want,
          near(program),
        );
      }
    });
  });

  test("have its gradients, with residuals of either kind", { timeout }, () => {
    each((program) => {
      const { args } = batches(program);
      const argnums = floats(args);
      if (argnums.length === 0) return;
      for (const options of [{}, { residuals: "recomputed" }, { reverse: true }] as const) {
        const reverse = "reverse" in options;
        const want = grad(loopCost(program, reverse), { argnums })(...args);
        const got = (f: typeof grad) => f(costOf(program, options), { argnums });
        expectClose("grad", got(grad)(...args), want, near(program));
        expectClose("jit(grad)", jit(got(grad))(...args), want, near(program));
        if (isSingle(program)) break;
      }
    });
  });

  test("have its tangents, its second derivatives, and those of batches", { timeout }, () => {
    each((program, random) => {
      const { args } = batches(program);
      const argnums = floats(args);
      if (argnums.length === 0 || isSingle(program)) return;
      const dots = args.map((arg) => (isFloat(arg) ? direction(random, arg) : arg));
      const tangent = (f: (...args: Tensor[]) => Tensor): Tensor => jvp(f, args, dots)[1];
      expectClose("jvp", [tangent(costOf(program))], [tangent(loopCost(program))], near(program));
      expectClose("jvp(jit)", [tangent(jit(costOf(program)))], [tangent(loopCost(program))], near(program));
      const at = argnums[0];
      const one = (f: (...args: Tensor[]) => Tensor) => (x: Tensor) =>
        f(...args.map((arg, i) => (i === at ? x : arg)));
      const second = (f: (...args: Tensor[]) => Tensor): Tensor => hvp(one(f), [args[at]], [dots[at]])[0];
      // a second derivative loses as much again
      expectClose("hvp", [second(costOf(program))], [second(loopCost(program))], 1e3 * near(program));
      const both = tensor([1, 0.99], { dtype: "float64" });
      const scaled = (f: (...args: Tensor[]) => Tensor) =>
        vmap((s: Tensor) => grad(one(f))(args[at].mul(s)))(both);
      const want = [0, 1].map((i) => grad(one(loopCost(program)))(args[at].mul(both.slice(i))));
      const rows = jit(() => scaled(costOf(program)))();
      expectClose("jit(vmap(grad))", [rows.slice(0), rows.slice(1)], want, near(program));
    });
  });
});
