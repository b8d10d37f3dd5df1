/**
 * Random programs. A program is made by running it: an operation is kept where its results are finite, of moderate size, and
 * far from the places where it jumps or bends, for every one of a few examples. So two ways to evaluate a program may be
 * compared by a tolerance, and a derivative by a finite difference.
 */
import { type DType, full, type Tensor, tensor } from "../../src/index.js";
import { type Applied, type Breaks, type Operation, sizeOf } from "./operation.js";
import { contracting } from "./operations-contracting.js";
import { pointwise } from "./operations-pointwise.js";
import { structural } from "./operations-structural.js";
import { Random } from "./random.js";

export interface Input {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** The same in every example. */
  readonly shared: boolean;
  /** One tensor an example. */
  readonly examples: readonly Tensor[];
}

export interface Step {
  readonly text: string;
  readonly operands: readonly number[];
  readonly run: (...operands: Tensor[]) => Tensor;
}

/** Values are numbered: the inputs, then the results of the steps. */
export interface Program {
  readonly seed: number;
  readonly inputs: readonly Input[];
  readonly steps: readonly Step[];
  readonly outputs: readonly number[];
  /** What every value is at each example. */
  readonly values: readonly (readonly Tensor[])[];
}

export interface Settings {
  readonly steps?: number;
  readonly examples?: number;
  /** Only float64, and nothing that jumps. */
  readonly smooth?: boolean;
  /** Only float64 inputs. */
  readonly float64?: boolean;
  /** Any number at all, ties and infinities and NaN among them, and any operation on it. */
  readonly wild?: boolean;
  /** The largest extent. */
  readonly extent?: number;
}

const operations: readonly Operation[] = [...pointwise, ...structural, ...contracting];

/** How far operands keep from where an operation is not smooth. */
const margin = 0.01;
/** Values stay below this. */
const largest = 100;

const isFloat = (x: Tensor): boolean => x.dtype === "float64" || x.dtype === "float32";

function shapeOf(random: Random, extent: number): number[] {
  const rank = random.pick([0, 1, 1, 2, 2, 2, 3, 3, 4]);
  const large = random.chance(0.15);
  return Array.from({ length: rank }, () => {
    if (random.chance(0.02)) return 0;
    return random.integer(1, large && rank <= 2 ? extent : Math.min(extent, rank > 2 ? 4 : 6));
  });
}

const special = [0, -0, 1, -1, 0.5, 2, -2, 3, 1e-30, 1e300, 1 / 0, -1 / 0, 0 / 0, 700, -700, 1e-310];
const specialIntegers = [0, 1, -1, 2, 3, 2147483647, -2147483648, 65536, -65537];

function draw(random: Random, shape: readonly number[], dtype: DType, wild: boolean): Tensor {
  const size = sizeOf(shape);
  const isFloating = dtype === "float64" || dtype === "float32";
  // one number for all elements, which storage and compiler treat as a constant
  if (isFloating && random.chance(0.05)) return full(shape, random.pick([0, 1, -0.5, 1.5]), { dtype });
  const tame = random.chance(0.5);
  const values = Array.from({ length: size }, () => {
    if (wild && dtype === "int32") return random.pick(specialIntegers);
    if (wild && dtype !== "bool") return random.pick(tame ? special.slice(0, 8) : special);
    if (dtype === "int32") return random.integer(-4, 4);
    if (dtype === "bool") return random.integer(0, 1);
    return random.uniform(-2, 2);
  });
  if (dtype === "float32") return tensor(Float32Array.from(values), { shape });
  if (dtype === "float64") return tensor(Float64Array.from(values), { shape });
  return tensor(Int32Array.from(values), { shape }).cast(dtype);
}

/** The smallest distance between two of the numbers. */
function smallestGap(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  let gap = Number.POSITIVE_INFINITY;
  for (let i = 1; i < sorted.length; i++) gap = Math.min(gap, sorted[i] - sorted[i - 1]);
  return gap;
}

/** Is the operand away from where the operation jumps or bends? */
function isSafe(breaks: Breaks, operands: readonly Tensor[]): boolean {
  const [x] = operands;
  // integers are exact: what is equal is equal everywhere
  if (operands.every((operand) => !isFloat(operand))) return true;
  switch (breaks.kind) {
    case "at":
      return Array.from(x.dataSync()).every((v) => breaks.values.every((b) => Math.abs(v - b) > margin));
    case "integers":
      return Array.from(x.dataSync()).every((v) => {
        const away = v - breaks.shift;
        return Math.abs(away - Math.round(away)) > margin;
      });
    case "equal":
      return Array.from(x.cast("float64").sub(operands[1].cast("float64")).abs().dataSync()).every(
        (v) => v > margin,
      );
    case "all":
      return smallestGap(Array.from(x.dataSync())) > margin / 4;
    case "ties": {
      const others = x.shape.map((_, axis) => axis).filter((axis) => !breaks.axes.includes(axis));
      const count = breaks.axes.reduce((n, axis) => n * x.shape[axis], 1);
      const rows = Array.from(x.transpose([...others, ...breaks.axes]).dataSync());
      for (let at = 0; at < rows.length; at += count)
        if (smallestGap(rows.slice(at, at + count)) <= margin / 4) return false;
      return true;
    }
  }
}

function accepts(operation: Operation, x: Tensor): boolean {
  switch (operation.takes ?? "float") {
    case "any":
      return true;
    case "number":
      return x.dtype !== "bool";
    case "float":
      return isFloat(x);
    case "bool":
      return x.dtype === "bool";
    case "int":
      return x.dtype === "int32";
  }
}

const isTame = (x: Tensor): boolean =>
  x.size <= 4096 && x.rank <= 6 && Array.from(x.dataSync()).every((v) => Math.abs(v) <= largest);

const totalWeight = operations.reduce((sum, { weight = 1 }) => sum + weight, 0);

function pickOperation(random: Random): Operation {
  let at = random.next() * totalWeight;
  for (const operation of operations) {
    at -= operation.weight ?? 1;
    if (at < 0) return operation;
  }
  return operations[0];
}

/** Applies an operation to every example; null where it is refused somewhere. */
function applyAll(
  { run, breaks, domain }: Applied,
  operands: readonly (readonly Tensor[])[],
  wild: boolean,
): Tensor[] | null {
  const examples = operands[0].length;
  const results: Tensor[] = [];
  for (let example = 0; example < examples; example++) {
    const own = operands.map((value) => value[example]);
    if (!wild && breaks !== undefined && !isSafe(breaks, own)) return null;
    if (!wild && domain !== undefined && !Array.from(own[0].dataSync()).every(domain)) return null;
    const result = run(...own);
    if (wild ? result.size > 4096 || result.rank > 6 : !isTame(result)) return null;
    results.push(result);
  }
  return results;
}

/** Is this error a plain refusal of shapes, as random operands deserve? */
function isRefusal(error: unknown): boolean {
  const code = (error as { code?: string }).code;
  return code === "shape-mismatch" || code === "axis-out-of-range" || code === "index-out-of-range";
}

export function generate(seed: number, settings: Settings = {}): Program {
  const random = new Random(seed);
  const { examples = 3, extent = 20, smooth = false, wild = false } = settings;
  const steps = settings.steps ?? random.integer(2, 12);
  const values: Tensor[][] = [];
  const inputs = Array.from({ length: random.integer(1, 4) }, (_, i): Input => {
    const shape = i > 0 && random.chance(0.5) ? related(random, values) : shapeOf(random, extent);
    const dtype: DType =
      i === 0 || smooth || settings.float64 === true
        ? "float64"
        : random.pick(["float64", "float64", "float64", "float32", "int32", "bool"]);
    const shared = i > 0 && random.chance(0.3);
    const first = draw(random, shape, dtype, wild);
    const all = Array.from({ length: examples }, (__, k) =>
      shared || k === 0 ? first : draw(random, shape, dtype, wild),
    );
    values.push(all);
    return { shape, dtype, shared, examples: all };
  });
  const made: Step[] = [];
  for (let attempt = 0; made.length < steps && attempt < 60 * steps; attempt++) {
    const operation = pickOperation(random);
    const operands = Array.from({ length: operation.operands }, () =>
      // later values more often, so that programs are deep
      random.chance(0.5)
        ? random.integer(Math.max(0, values.length - 3), values.length - 1)
        : random.integer(0, values.length - 1),
    );
    if (!operands.every((k) => accepts(operation, values[k][0]))) continue;
    let applied: Applied | null = null;
    let results: Tensor[] | null;
    try {
      applied = operation.draw(
        random,
        operands.map((k) => values[k][0]),
      );
      if (applied === null || (smooth && applied.breaks !== undefined)) continue;
      results = applyAll(
        applied,
        operands.map((k) => values[k]),
        wild,
      );
    } catch (error) {
      if (isRefusal(error)) continue;
      const types = operands.map((k) => `${values[k][0].dtype}[${values[k][0].shape}]`);
      throw new Error(`seed ${seed}: ${applied?.text ?? operation.name} of ${types.join(", ")}`, {
        cause: error,
      });
    }
    if (results === null || (smooth && results[0].dtype !== "float64")) continue;
    made.push({ text: applied.text, operands, run: applied.run });
    values.push(results);
  }
  // what nothing reads, and now and then something that is read
  const read = new Set(made.flatMap(({ operands }) => operands));
  const loose = made.map((_, i) => inputs.length + i).filter((k) => !read.has(k));
  const outputs = [
    ...loose,
    ...made.map((_, i) => inputs.length + i).filter((k) => read.has(k) && random.chance(0.15)),
  ];
  if (random.chance(0.05)) outputs.push(random.integer(0, inputs.length - 1));
  if (random.chance(0.05) && outputs.length > 0) outputs.push(random.pick(outputs));
  return { seed, inputs, steps: made, outputs, values };
}

/** A shape that has something to do with those there are: broadcasts to one, or shares its last axes. */
function related(random: Random, values: readonly (readonly Tensor[])[]): number[] {
  const { shape } = random.pick(values)[0];
  switch (random.integer(0, 3)) {
    case 0:
      return [...shape];
    case 1:
      return shape.slice(random.integer(0, shape.length)).map((n) => (random.chance(0.3) ? 1 : n));
    case 2:
      return shape.length === 0 ? [] : [shape[shape.length - 1], random.integer(1, 5)];
    default:
      return random.shuffled(shape);
  }
}

/** Runs the program on these inputs. `block` may wrap the steps from `from` (included) to `to` (excluded). */
export function evaluate(program: Program, inputs: readonly Tensor[], block?: Block): Tensor[] {
  const values: Tensor[] = [...inputs];
  const run = (from: number, to: number, all: Tensor[]): void => {
    for (let i = from; i < to; i++) {
      const { operands, run: apply } = program.steps[i];
      all[program.inputs.length + i] = apply(...operands.map((k) => all[k]));
    }
  };
  if (block === undefined) run(0, program.steps.length, values);
  else {
    run(0, block.from, values);
    const before = program.inputs.length + block.from;
    const used = new Set<number>();
    for (let i = block.from; i < block.to; i++)
      for (const k of program.steps[i].operands) if (k < before && !block.closed.has(k)) used.add(k);
    const given = [...used];
    const wrapped = block.wrap((...args: Tensor[]) => {
      const all = [...values];
      given.forEach((k, i) => {
        all[k] = args[i];
      });
      run(block.from, block.to, all);
      return all.slice(before, program.inputs.length + block.to);
    });
    // a transform needs an argument to transform
    const results = given.length === 0 ? null : wrapped(...given.map((k) => values[k]));
    if (results === null) run(block.from, block.to, values);
    else
      results.forEach((result, i) => {
        values[before + i] = result;
      });
    run(block.to, program.steps.length, values);
  }
  return program.outputs.map((k) => values[k]);
}

export interface Block {
  readonly from: number;
  readonly to: number;
  /** Values that the block closes over instead of taking as arguments. */
  readonly closed: ReadonlySet<number>;
  readonly wrap: (f: (...args: Tensor[]) => Tensor[]) => (...args: Tensor[]) => Tensor[];
}

/** The inputs of one example. */
export const argumentsOf = (program: Program, example = 0): Tensor[] =>
  program.inputs.map(({ examples }) => examples[example]);

/** The program as text that can be read, and rewritten by hand. */
export function describe(program: Program): string {
  const lines = program.inputs.map(
    ({ shape, dtype, shared }, i) =>
      `v${i} = ${dtype}[${shape}]${shared ? " (the same in every example)" : ""}`,
  );
  program.steps.forEach(({ text, operands }, i) => {
    const k = program.inputs.length + i;
    const value = program.values[k][0];
    const named = text.replace(/\$(\d)/g, (_, n: string) => `v${operands[Number(n)]}`);
    lines.push(`v${k} = ${named}    // ${value.dtype}[${value.shape}]`);
  });
  lines.push(`return [${program.outputs.map((k) => `v${k}`).join(", ")}]`);
  return lines.join("\n");
}
