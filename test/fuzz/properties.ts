/** What must hold of every program: all ways to compute the same thing agree. */
import {
  grad,
  hessian,
  hvp,
  jit,
  jvp,
  linearize,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
} from "../../src/index.js";
import { argumentsOf, type Block, evaluate, type Program } from "./generate.js";
import type { Random } from "./random.js";
import {
  batches,
  direction,
  examplesOf,
  expectClose,
  expectNear,
  floatInputs,
  functionOf,
  gradients,
  inner,
  isFloat,
  isSingle,
  loop,
  lossOf,
  onReference,
  optional,
  randomBlock,
  runWithout,
  tolerance,
  wraps,
} from "./ways.js";

export interface Property {
  readonly name: string;
  /** Throws an error that says what disagrees. */
  readonly check: (program: Program, random: Random) => void;
}

export const properties: readonly Property[] = [
  {
    name: "devices and passes",
    check: (program, random) => {
      const f = functionOf(program);
      const args = argumentsOf(program);
      const want = onReference(() => f(...args));
      const close = tolerance(program);
      expectClose("eager", f(...args), want, close);
      expectClose("jit", jit(f)(...args), want, close);
      expectClose(
        "jit on the reference device",
        onReference(() => jit(f)(...args)),
        want,
        close,
      );
      expectClose("all passes, verified", runWithout(program, new Set(), args), want, close);
      const disable = new Set(random.some(optional));
      expectClose(`without ${[...disable].join()}`, runWithout(program, disable, args), want, close);
    },
  },
  {
    name: "jit keeps nothing of its last call",
    check: (program) => {
      const f = functionOf(program);
      const compiled = jit(f);
      const all = program.inputs[0].examples.map((_, k) => argumentsOf(program, k));
      const want = all.map((args) => f(...args));
      const got = all.map((args) => compiled(...args));
      got.forEach((result, k) => {
        expectClose(`example ${k}`, result, want[k], tolerance(program));
      });
    },
  },
  {
    name: "gradients",
    check: (program, random) => {
      const args = argumentsOf(program);
      const close = 100 * tolerance(program);
      const want = onReference(() => gradients(program)(...args));
      expectClose("grad", gradients(program)(...args), want, close);
      expectClose("jit of grad", jit(gradients(program))(...args), want, close);
      const argnums = floatInputs(program);
      const compiled = jit(lossOf(program));
      const ofCompiled = grad(compiled, { argnums }) as unknown as (...inputs: Tensor[]) => Tensor[];
      expectClose("grad of jit", ofCompiled(...args), want, close);
      if (random.chance(0.5)) expectClose("jit of grad of jit", jit(ofCompiled)(...args), want, close);
      expectClose(
        "gradient, verified",
        runWithout(program, new Set(random.some(optional)), args, gradients(program)),
        want,
        close,
      );
      const [value] = valueAndGrad(compiled, { argnums })(...args);
      expectClose("value", [value], [lossOf(program)(...args)], close);
    },
  },
  {
    name: "finite differences",
    check: (program, random) => {
      // stopGradient is a constant to derivatives, but not to differences
      if (isSingle(program) || program.steps.some(({ text }) => text.includes("stopGradient"))) return;
      const args = argumentsOf(program);
      const argnums = floatInputs(program);
      const loss = lossOf(program);
      const along = args.map((x) => direction(random, x));
      const moved = (h: number): number =>
        loss(...args.map((x, i) => (argnums.includes(i) ? x.add(along[i].mul(h)) : x))).itemSync();
      const got = inner(
        gradients(program)(...args),
        argnums.map((i) => along[i]),
      );
      const difference = (h: number): number => (moved(h) - moved(-h)) / (2 * h);
      const [coarse, fine] = [difference(2e-4), difference(1e-4)];
      // Richardson: the h² term drops out; what is left is judged by how much the two differ
      const want = (4 * fine - coarse) / 3;
      expectNear("gradient along a direction", got, want, 1e-6, 1e5 * Math.abs(fine - coarse));
    },
  },
  {
    name: "forward and reverse",
    check: (program, random) => {
      const args = argumentsOf(program);
      const f = functionOf(program);
      const dots = args.map((x) => direction(random, x));
      const close = 100 * tolerance(program);
      const [outputs, tangents] = jvp(f, args, dots);
      const [, pull] = vjp(f, ...args);
      const bars = outputs.map((y) => direction(random, y));
      const back = pull(bars);
      const floats = floatInputs(program);
      const left = inner(
        tangents.filter(isFloat),
        bars.filter((_, i) => isFloat(outputs[i])),
      );
      const right = inner(
        floats.map((i) => back[i]),
        floats.map((i) => dots[i]),
      );
      expectNear("⟨J ẋ, ȳ⟩ = ⟨ẋ, Jᵀ ȳ⟩", left, right, close);
      const [compiledOutputs, compiledTangents] = jvp(jit(f), args, dots);
      expectClose("jvp of jit", compiledTangents, tangents, close);
      expectClose("jvp of jit, outputs", compiledOutputs, outputs, close);
      expectClose("jit of jvp", jit((...xs: Tensor[]) => jvp(f, xs, dots)[1])(...args), tangents, close);
      const [, push] = linearize(f, ...args);
      expectClose("linearize", push(...dots), tangents, close);
      const backCompiled = vjp(jit(f), ...args)[1](bars);
      expectClose(
        "vjp of jit",
        floats.map((i) => backCompiled[i]),
        floats.map((i) => back[i]),
        close,
      );
      if (random.chance(0.5)) return;
      const forwardOfReverse = jvp((...xs: Tensor[]) => vjp(f, ...xs)[1](bars), args, dots)[1];
      const compiled = jit(
        (...xs: Tensor[]) => jvp((...ys: Tensor[]) => vjp(jit(f), ...ys)[1](bars), xs, dots)[1],
      )(...args);
      expectClose(
        "jit of jvp of vjp of jit",
        floats.map((i) => compiled[i]),
        floats.map((i) => forwardOfReverse[i]),
        100 * close,
      );
    },
  },
  {
    name: "vmap",
    check: (program) => {
      const f = functionOf(program);
      const { args, inAxes } = batches(program);
      const want = loop(program, f);
      const close = tolerance(program);
      expectClose("vmap", vmap(f, { inAxes })(...args), want, close);
      expectClose("jit of vmap", jit(vmap(f, { inAxes }))(...args), want, close);
      expectClose("vmap of jit", vmap(jit(f), { inAxes })(...args), want, close);
      const last = args.map((x, i) => (inAxes[i] === null ? x : x.moveAxis(0, -1)));
      expectClose(
        "vmap along the last axis",
        vmap(f, { inAxes: inAxes.map((axis) => (axis === null ? null : -1)), outAxes: -1 })(...last).map(
          (y) => y.moveAxis(-1, 0),
        ),
        want,
        close,
      );
    },
  },
  {
    name: "vmap of gradients",
    check: (program) => {
      const { args, inAxes } = batches(program);
      const bars = gradients(program);
      const want = loop(program, bars);
      const close = 100 * tolerance(program);
      expectClose("vmap of grad", vmap(bars, { inAxes })(...args), want, close);
      expectClose("jit of vmap of grad", jit(vmap(bars, { inAxes }))(...args), want, close);
      expectClose("vmap of jit of grad", vmap(jit(bars), { inAxes })(...args), want, close);
      const argnums = floatInputs(program);
      const summed = (...xs: Tensor[]): Tensor => vmap(lossOf(program), { inAxes })(...xs).sum();
      const total = want.map((bar, i) => (program.inputs[argnums[i]].shared ? bar.sum(0) : bar));
      const ofBatch = grad(summed, { argnums }) as unknown as (...inputs: Tensor[]) => Tensor[];
      expectClose("grad of vmap", ofBatch(...args), total, close);
      expectClose("jit of grad of vmap", jit(ofBatch)(...args), total, close);
      const ofCompiledBatch = grad((...xs: Tensor[]) => vmap(jit(lossOf(program)), { inAxes })(...xs).sum(), {
        argnums,
      }) as unknown as (...inputs: Tensor[]) => Tensor[];
      expectClose("grad of vmap of jit", ofCompiledBatch(...args), total, close);
    },
  },
  {
    name: "second derivatives",
    check: (program, random) => {
      if (isSingle(program)) return;
      const args = argumentsOf(program);
      const floats = floatInputs(program);
      const loss = lossOf(program);
      // only the floating-point inputs are variables
      const given = (xs: readonly Tensor[]): Tensor[] => {
        const all = [...args];
        floats.forEach((i, k) => {
          all[i] = xs[k];
        });
        return all;
      };
      const f = (...xs: Tensor[]): Tensor => loss(...given(xs));
      const primals = floats.map((i) => args[i]);
      const u = primals.map((x) => direction(random, x));
      const v = primals.map((x) => direction(random, x));
      const hu = hvp(f, primals, u);
      const hv = hvp(f, primals, v);
      const scale = Math.sqrt(inner(hu, hu) * inner(v, v));
      expectNear("⟨H u, v⟩ = ⟨u, H v⟩", inner(hu, v), inner(u, hv), 1e-7, scale);
      const close = 1e-6;
      expectClose("jit of hvp", jit((...xs: Tensor[]) => hvp(f, xs, u))(...primals), hu, close);
      expectClose("hvp of jit", hvp(jit(f), primals, u), hu, close);
      // reverse over reverse
      const bars = grad(f, { argnums: floats.map((_, k) => k) }) as unknown as (...xs: Tensor[]) => Tensor[];
      const twice = grad(
        (...xs: Tensor[]) =>
          bars(...xs).reduce(
            (sum: Tensor, bar, k) => sum.add(bar.mul(u[k]).sum()),
            tensor(0, { dtype: "float64" }),
          ),
        { argnums: floats.map((_, k) => k) },
      ) as unknown as (...xs: Tensor[]) => Tensor[];
      expectClose("reverse over reverse", twice(...primals), hu, close);
      expectClose("jit of reverse over reverse", jit(twice)(...primals), hu, close);
      const small = primals.findIndex((x) => x.size > 0 && x.size <= 6);
      if (small >= 0) {
        const g = (x: Tensor): Tensor => f(...primals.map((p, k) => (k === small ? x : p)));
        const matrix = hessian(g)(primals[small]).reshape([primals[small].size, primals[small].size]);
        expectClose("symmetric", [matrix], [matrix.transpose()], 1e-7);
        expectClose(
          "jit of hessian",
          [jit(hessian(g))(primals[small]).reshape(matrix.shape)],
          [matrix],
          close,
        );
      }
    },
  },
  {
    name: "blocks",
    check: (program, random) => {
      const args = argumentsOf(program);
      const close = 100 * tolerance(program);
      const want = functionOf(program)(...args);
      const bars = gradients(program)(...args);
      const [name, wrap] = random.pick(wraps);
      const block = randomBlock(program, random, wrap);
      const what = `steps ${block.from} to ${block.to} in ${name}`;
      const f = functionOf(program, block);
      expectClose(what, f(...args), want, close);
      expectClose(`jit, ${what}`, jit(f)(...args), want, close);
      const g = gradients(program, block);
      expectClose(`grad, ${what}`, g(...args), bars, close);
      expectClose(`jit of grad, ${what}`, jit(g)(...args), bars, close);
      const { args: all, inAxes } = batches(program);
      expectClose(
        `vmap of grad, ${what}`,
        vmap(g, { inAxes })(...all),
        loop(program, gradients(program)),
        close,
      );
      expectClose(`jvp, ${what}`, jvp(f, args, args)[1], jvp(functionOf(program), args, args)[1], close);
    },
  },
  {
    name: "gradients of blocks",
    check: (program, random) => {
      if (isSingle(program)) return;
      const args = argumentsOf(program);
      const [name, wrap] = random.pick(wraps);
      const block = randomBlock(program, random, wrap);
      const what = `second derivative, steps ${block.from} to ${block.to} in ${name}`;
      const argnums = floatInputs(program);
      const second = (own?: Block) => {
        const g = gradients(program, own);
        return grad(
          (...xs: Tensor[]) =>
            g(...xs).reduce(
              (sum: Tensor, bar) => sum.add(bar.square().sum()),
              tensor(0, { dtype: "float64" }),
            ),
          { argnums },
        ) as unknown as (...inputs: Tensor[]) => Tensor[];
      };
      const want = second()(...args);
      expectClose(what, second(block)(...args), want, 1e-6);
      if (random.chance(0.5)) expectClose(`jit, ${what}`, jit(second(block))(...args), want, 1e-6);
    },
  },
  {
    name: "donation",
    check: (program, random) => {
      // a new state for each input: a value of its type, or itself
      const type = (k: number): string => `${program.values[k][0].dtype}[${program.values[k][0].shape}]`;
      const sources = program.inputs.map((_, i) => {
        const fitting = program.values.map((__, k) => k).filter((k) => type(k) === type(i));
        return random.pick(fitting.slice(-3).concat(fitting));
      });
      const changes = program.inputs.map(() => random.integer(0, 5));
      const step = (...state: Tensor[]): Tensor[] => {
        const next = evaluate({ ...program, outputs: sources }, state).map((x, i) => {
          if (!isFloat(x) || changes[i] === 0) return x;
          if (changes[i] === 1) return x.tanh();
          if (changes[i] === 2) return x.mul(0.5).add(state[i].mul(0.25));
          if (changes[i] === 3) return x.sin();
          // what is written is read elsewhere
          return x.mul(0.5).add(state[i].flip().mul(0.25));
        });
        return [...next, ...evaluate(program, state)];
      };
      const donate = random.some(program.inputs.map((_, i) => i));
      const [kept, given] = [jit(step), jit(step, { donate })];
      const count = program.inputs.length;
      // two states that take turns
      const runs = [0, 1 % examplesOf(program)].map((k) => {
        const args = argumentsOf(program, k);
        return {
          kept: args,
          given: args.map((x) =>
            tensor(x.dtype === "bool" ? Int32Array.from(x.dataSync()) : x.dataSync(), {
              shape: x.shape,
            }).cast(x.dtype),
          ),
        };
      });
      const look: { want: Tensor[]; got: Tensor[]; what: string }[] = [];
      for (let n = 0; n < 5; n++)
        for (const run of runs) {
          if (run !== runs[0] && random.chance(0.5)) continue;
          const want = kept(...run.kept);
          const got = given(...run.given);
          run.kept = want.slice(0, count);
          run.given = got.slice(0, count);
          if (random.chance(0.4)) expectClose(`step ${n}, read at once`, got, want, 0);
          else
            look.push({ want: want.slice(count), got: got.slice(count), what: `step ${n}, read at the end` });
        }
      for (const { want, got, what } of look) expectClose(what, got, want, 0);
      for (const run of runs) expectClose("the last state", run.given, run.kept, 0);
    },
  },
];

/** For numbers of any kind: the devices agree, NaN for NaN and infinity for infinity, wherever sums cannot overflow one way only. */
export const wildProperties: readonly Property[] = [
  {
    name: "devices and passes",
    check: (program, random) => {
      const f = functionOf(program);
      const args = argumentsOf(program);
      const want = onReference(() => f(...args));
      const close = isSingle(program) ? 1e-4 : 1e-9;
      expectClose("eager", f(...args), want, close);
      expectClose("all passes", runWithout(program, new Set(), args), want, close);
      const disable = new Set(random.some(optional));
      expectClose(`without ${[...disable].join()}`, runWithout(program, disable, args), want, close);
    },
  },
  {
    name: "vmap",
    check: (program) => {
      const f = functionOf(program);
      const { args, inAxes } = batches(program);
      const want = loop(program, f);
      expectClose("vmap", vmap(f, { inAxes })(...args), want, isSingle(program) ? 1e-4 : 1e-9);
    },
  },
  {
    name: "gradients",
    check: (program, random) => {
      const args = argumentsOf(program);
      const want = onReference(() => gradients(program)(...args));
      const close = isSingle(program) ? 1e-3 : 1e-8;
      expectClose("jit of grad", jit(gradients(program))(...args), want, close);
      const argnums = floatInputs(program);
      const ofCompiled = grad(jit(lossOf(program)), { argnums }) as unknown as (
        ...inputs: Tensor[]
      ) => Tensor[];
      expectClose("grad of jit", ofCompiled(...args), want, close);
      const disable = new Set(random.some(optional));
      expectClose("without", runWithout(program, disable, args, gradients(program)), want, close);
    },
  },
];
