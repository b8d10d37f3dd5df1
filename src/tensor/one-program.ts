/** Many small operations on many numbers as one compiled program, outside of jit: nothing in between goes through memory. */
import { currentDevice, type Device, type Executable } from "../graph/device.js";
import { traceGraph } from "../graph/graph.js";
import { isRecorded, makeNode } from "../graph/node.js";
import type { TensorType } from "../graph/primitive.js";
import { fromNode } from "./convert.js";
import type { Tensor } from "./tensor.js";

/** Programs that are kept; the networks of a program have few shapes. */
const kept = 16;

interface Program {
  readonly device: Device;
  readonly executable: Executable;
  readonly type: TensorType;
}

/** Least recently used first. */
const programs = new Map<string, Program>();

/**
 * `f(x)`, in one program where x has a value and nobody records what becomes of it; the bits must not depend on that.
 *
 * @param name of f, with all that it depends on besides x
 */
export function inOneProgram(name: string, x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  const device = currentDevice();
  if (device === undefined || x.storage === null || isRecorded(x)) return f(x);
  let program = programs.get(name);
  if (program?.device !== device) {
    const graph = traceGraph(name, [x], ([leaf]) => [f(fromNode(leaf))]);
    const { shape, dtype } = graph.outputs[0];
    program = { device, executable: device.compile(graph, { donated: [false] }), type: { shape, dtype } };
    const [oldest] = programs.keys();
    if (programs.size >= kept && oldest !== undefined) programs.delete(oldest);
  }
  programs.delete(name);
  programs.set(name, program);
  const [storage] = program.executable.run([x.storage]);
  const { shape, dtype } = program.type;
  return fromNode(makeNode(shape, dtype, storage));
}
