/**
 * Store or recompute (Goodfellow et al. 2016, 6.5.3; Griewank and Walther 2008, chapter 12; Chen et al. 2016 for segments of
 * √n): the same gradient as programs of steps, and what is in memory after each. A value lives from its making to its last
 * use, and every operation but transposing and reshaping makes a value of its own, as if nothing were fused; the arguments
 * are there all the time and not counted.
 */
import type { Node } from "../../transforms/tape.js";
import type { StrategyCost } from "./document.js";
import { bytesIn, type CostTrace, type Step } from "./trace.js";

/** A step of a program: the values it reads and makes, by number. */
interface Move {
  readonly flops: number;
  readonly reads: readonly number[];
  readonly makes: readonly { readonly value: number; readonly bytes: number }[];
  readonly repeated: boolean;
  readonly back: boolean;
}

/** Above this many operations recomputing everything, whose work grows with their square, is left out. */
const longestRecompute = 400;

/** All that the way back needs is kept. */
export function storeAll(trace: CostTrace): StrategyCost {
  return run("store", segmented(trace, [trace.steps.length]));
}

/** Of every √n operations only what later ones read is kept; the rest is computed a second time. */
export function segments(trace: CostTrace): StrategyCost | null {
  const count = trace.steps.length;
  if (count < 4) return null;
  const length = Math.ceil(Math.sqrt(count));
  const ends = Array.from({ length: Math.ceil(count / length) }, (_, i) => Math.min(count, (i + 1) * length));
  return run("segments", segmented(trace, ends));
}

/** Nothing is kept: what each step back needs is computed from the arguments again. */
export function recomputeAll(trace: CostTrace): StrategyCost | null {
  if (trace.steps.length > longestRecompute) return null;
  const program = new Program(trace);
  for (const step of trace.steps) program.forward(step, 0);
  trace.steps.forEach((_, i) => {
    const at = trace.steps.length - 1 - i;
    const step = trace.steps[at];
    const needed = new Set<Node>(step.saves);
    const again: Step[] = [];
    for (let k = at; k >= 0; k--) {
      const { operation } = trace.steps[k];
      if (!operation.outputs.some((output) => needed.has(output))) continue;
      again.unshift(trace.steps[k]);
      for (const input of operation.inputs) needed.add(input);
    }
    for (const one of again) program.forward(one, i + 1);
    program.backward(step, () => i + 1);
  });
  return run("recompute", program.moves);
}

/** The way forward in segments that end at `ends`; the last one is kept whole, the others are computed again on the way back. */
function segmented(trace: CostTrace, ends: readonly number[]): readonly Move[] {
  const program = new Program(trace);
  for (const step of trace.steps) program.forward(step, 0);
  const made = new Map<Node, number>();
  trace.steps.forEach(({ operation }, at) => {
    const segment = ends.findIndex((end) => at < end);
    for (const output of operation.outputs) made.set(output, segment);
  });
  for (let s = ends.length - 1; s >= 0; s--) {
    const inside = trace.steps.slice(ends[s - 1] ?? 0, ends[s]);
    const isLast = s === ends.length - 1;
    // within the segment the second copies are read; from earlier ones what was kept
    const copyOf = (node: Node): number => (!isLast && made.get(node) === s ? s + 1 : 0);
    if (!isLast) for (const step of needed(inside)) program.forward(step, s + 1, copyOf);
    for (const step of [...inside].reverse()) program.backward(step, copyOf);
  }
  return program.moves;
}

/** The steps of a segment that its way back reads something of, and what those depend on. */
function needed(inside: readonly Step[]): Step[] {
  const wanted = new Set<Node>(inside.flatMap(({ saves }) => saves));
  const kept: Step[] = [];
  for (const step of [...inside].reverse()) {
    if (!step.operation.outputs.some((output) => wanted.has(output))) continue;
    kept.unshift(step);
    for (const input of step.operation.inputs) wanted.add(input);
  }
  return kept;
}

/** Operations whose result is their input's memory, read in another order. */
export const sameMemory: ReadonlySet<string> = new Set(["permute", "reshape", "barrier"]);

/** Steps with numbered values: a node may be made several times, and each copy is a value. */
class Program {
  readonly moves: Move[] = [];
  private readonly makers = new Map<Node, Step>();
  private readonly numbers = new Map<string, number>();
  private readonly ids = new Map<Node, number>();
  /** Adjoints that are another's memory. */
  private readonly adjoints = new Map<Node, Node>();

  constructor({ steps }: CostTrace) {
    for (const step of steps) for (const output of step.operation.outputs) this.makers.set(output, step);
  }

  forward({ operation, forward }: Step, copy: number, copyOf: (node: Node) => number = () => copy): void {
    this.moves.push({
      flops: forward.flops,
      reads: this.valuesOf(operation.inputs, copyOf),
      makes: sameMemory.has(operation.primitive.name)
        ? []
        : operation.outputs.map((output) => ({ value: this.value(output, copy), bytes: bytesIn(output) })),
      repeated: copy > 0,
      back: copy > 0,
    });
  }

  backward(
    { operation, backward, saves, adjointsFrom, adjointsTo }: Step,
    copyOf: (node: Node) => number,
  ): void {
    if (adjointsTo.length === 0) return;
    const reads = [...this.valuesOf(saves, copyOf), ...adjointsFrom.map((node) => this.adjoint(node))];
    if (sameMemory.has(operation.primitive.name))
      for (const node of adjointsTo)
        if (!this.hasAdjoint(node))
          this.adjoints.set(node, this.adjoints.get(adjointsFrom[0]) ?? adjointsFrom[0]);
    this.moves.push({
      flops: backward.flops,
      reads,
      makes: adjointsTo.map((node) => ({ value: this.adjoint(node), bytes: bytesIn(node) })),
      repeated: false,
      back: true,
    });
  }

  private valuesOf(nodes: readonly Node[], copyOf: (node: Node) => number): number[] {
    return nodes.flatMap((node) => {
      const root = this.rootOf(node);
      return this.makers.has(root) ? [this.value(root, copyOf(root))] : [];
    });
  }

  /** Whose memory a node is. */
  private rootOf(node: Node): Node {
    let root = node;
    for (let step = this.makers.get(root); step !== undefined; step = this.makers.get(root)) {
      if (!sameMemory.has(step.operation.primitive.name)) return root;
      root = step.operation.inputs[0];
    }
    return root;
  }

  private hasAdjoint(node: Node): boolean {
    return this.adjoints.has(node) || this.numbers.has(`${this.ids.get(node)} -1`);
  }

  private adjoint(node: Node): number {
    return this.value(this.adjoints.get(node) ?? node, -1);
  }

  /** Copy 0 is the first, −1 the adjoint. */
  private value(node: Node, copy: number): number {
    const id = this.ids.get(node) ?? this.ids.size;
    this.ids.set(node, id);
    const key = `${id} ${copy}`;
    const known = this.numbers.get(key) ?? this.numbers.size;
    this.numbers.set(key, known);
    return known;
  }
}

/** Bytes alive after each step. */
function run(strategy: StrategyCost["strategy"], moves: readonly Move[]): StrategyCost {
  const first = new Map<number, { at: number; bytes: number }>();
  const last = new Map<number, number>();
  const written = new Map<number, number>();
  moves.forEach(({ reads, makes }, at) => {
    for (const { value, bytes } of makes) {
      if (!first.has(value)) first.set(value, { at, bytes });
      written.set(value, at);
    }
    for (const value of reads) last.set(value, at);
  });
  const change = new Array<number>(moves.length + 1).fill(0);
  for (const [value, { at, bytes }] of first) {
    // the adjoint of an argument is written last and read by nobody here: it is the result
    const read = last.get(value) ?? -1;
    const isResult = moves[at].back && !moves[at].repeated && read <= (written.get(value) ?? at);
    const end = isResult ? moves.length : Math.max(read, at);
    change[at] += bytes;
    change[Math.min(end + 1, moves.length)] -= bytes;
  }
  let alive = 0;
  const timeline = change.slice(0, moves.length).map((delta) => (alive += delta));
  const turn = moves.findIndex(({ back }) => back);
  return {
    strategy,
    flops: moves.reduce((sum, { flops }) => sum + flops, 0),
    repeatedFlops: moves.reduce((sum, { flops, repeated }) => sum + (repeated ? flops : 0), 0),
    peakBytes: timeline.reduce((most, bytes) => Math.max(most, bytes), 0),
    timeline,
    turn: turn < 0 ? moves.length : turn,
  };
}
