/** Every primitive by name. Tests iterate over it; a primitive that is not here does not exist. */
import type { Primitive } from "../graph/primitive.js";
import { binaryPrimitives } from "./binary.js";
import { broadcastPrimitive, sumPrimitive } from "./broadcast.js";
import { choleskyPrimitive } from "./cholesky.js";
import { comparePrimitives } from "./compare.js";
import { aliasPrimitive, barrierPrimitive, stopGradientPrimitive } from "./control.js";
import { cofactorPrimitive, detPrimitive, logAbsDetPrimitive } from "./determinant.js";
import { dotPrimitive } from "./dot.js";
import { boundIndexPrimitive, gatherPrimitive, scatterAddPrimitive } from "./gather.js";
import { luPrimitive, luSolvePrimitive } from "./lu.js";
import { concatPrimitive, padPrimitive, slicePrimitive } from "./pad.js";
import { argmaxPrimitive, cumsumPrimitive, maxPrimitive } from "./reduce.js";
import { flipPrimitive, permutePrimitive, reshapePrimitive } from "./reshape.js";
import { castPrimitive, selectPrimitive } from "./select.js";
import { solvePrimitive } from "./solve.js";
import { argsortPrimitive } from "./sort.js";
import { iotaPrimitive, randomBitsPrimitive } from "./source.js";
import { triangularSolvePrimitive } from "./triangular-solve.js";
import { unaryPrimitives } from "./unary.js";
import { windowAddPrimitive, windowPrimitive } from "./window.js";

export const registry = {
  ...unaryPrimitives,
  ...binaryPrimitives,
  ...comparePrimitives,
  select: selectPrimitive,
  cast: castPrimitive,
  broadcast: broadcastPrimitive,
  sum: sumPrimitive,
  reduceMax: maxPrimitive,
  argmax: argmaxPrimitive,
  cumsum: cumsumPrimitive,
  reshape: reshapePrimitive,
  permute: permutePrimitive,
  flip: flipPrimitive,
  pad: padPrimitive,
  slice: slicePrimitive,
  concat: concatPrimitive,
  boundIndex: boundIndexPrimitive,
  gather: gatherPrimitive,
  scatterAdd: scatterAddPrimitive,
  window: windowPrimitive,
  windowAdd: windowAddPrimitive,
  dot: dotPrimitive,
  argsort: argsortPrimitive,
  cholesky: choleskyPrimitive,
  triangularSolve: triangularSolvePrimitive,
  solve: solvePrimitive,
  det: detPrimitive,
  logAbsDet: logAbsDetPrimitive,
  cofactor: cofactorPrimitive,
  lu: luPrimitive,
  luSolve: luSolvePrimitive,
  iota: iotaPrimitive,
  randomBits: randomBitsPrimitive,
  alias: aliasPrimitive,
  stopGradient: stopGradientPrimitive,
  barrier: barrierPrimitive,
};

export type PrimitiveName = keyof typeof registry;

/** The registry as uniform records, for those who iterate. */
export const primitives: readonly Primitive[] = Object.values(registry) as readonly Primitive[];
