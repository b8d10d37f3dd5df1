/** What a worked example is: a function at a point, with what to look at. */
import { type Tensor, type TensorData, tensor } from "../../index.js";

/** A function and the point it is explained at. */
export interface Worked {
  readonly f: (...args: never[]) => Tensor;
  readonly args: readonly unknown[];
  /** What formulas call the arguments. */
  readonly names: readonly string[];
}

/** A worked example of the study notes. */
export interface WorkedExample {
  /** What it goes by on the command line: `two-layer`. */
  readonly name: string;
  readonly title: string;
  /** The points of the notes it shows. */
  readonly points: readonly number[];
  /** What is explained unless something else is asked for. */
  readonly of: string;
  /** The numbers it starts from, and what to look at: sentences. */
  readonly about: string;
  prepare(): Worked | Promise<Worked>;
}

/** The notes' numbers are meant exactly. */
export function f64(data: TensorData): Tensor {
  return tensor(data, { dtype: "float64" });
}
