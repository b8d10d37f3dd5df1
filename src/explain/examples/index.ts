/** The worked examples, in the order in which they are best read. */
import { chain } from "./chain.js";
import { mnist, rowBatch, softmax } from "./classifiers.js";
import type { WorkedExample } from "./example.js";
import {
  hadamard,
  heldArgument,
  repeated,
  tensors,
  threeFunctions,
  thrice,
  totalDerivative,
} from "./graphs.js";
import {
  crossEntropyNeuron,
  linearNeurons,
  modifiedNeuron,
  oneLayer,
  oneNeuron,
  reluAtZero,
  saturatedNeuron,
} from "./neurons.js";
import { twoLayer } from "./two-layer.js";

export type { Worked, WorkedExample } from "./example.js";

export const workedExamples: readonly WorkedExample[] = [
  twoLayer,
  chain,
  oneNeuron,
  saturatedNeuron,
  crossEntropyNeuron,
  oneLayer,
  reluAtZero,
  modifiedNeuron,
  linearNeurons,
  softmax,
  rowBatch,
  mnist,
  totalDerivative,
  hadamard,
  heldArgument,
  threeFunctions,
  tensors,
  thrice,
  repeated,
];
