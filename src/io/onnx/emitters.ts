/** How every primitive is exported. A primitive that is not here does not compile (`test/io/onnx-export.test.ts`). */
import { AdjointError } from "../../index.js";
import type { Emitter } from "./emission.js";
import { contractionEmitters } from "./export-dot.js";
import { pointwiseEmitters } from "./export-pointwise.js";
import { recognisedEmitters } from "./export-recognised.js";
import { structuralEmitters } from "./export-structural.js";
import { windowEmitters } from "./export-windows.js";

/** What has no form in the format, with what to do instead. */
function refused(remedy: string): Emitter {
  return ({ operation: { primitive } }) => {
    throw new AdjointError(
      "unsupported-operator",
      `exportOnnx: the primitive ${primitive} has no ONNX operator: ${remedy}`,
      { operation: "exportOnnx", argument: "f", received: primitive },
    );
  };
}

/** One number for each matrix of the last two axes. */
const determinant: Emitter = ({ builder, inputs: [x], output }) =>
  builder.held(builder.emit("Det", [builder.full(x).name]), output.dtype, output.shape);

/** The format has no factorisations: what needs one is left to whoever runs the graph. */
const factorised = refused("compute it before the graph and pass the result in as an input or a weight");

export const emitters = {
  ...pointwiseEmitters,
  ...structuralEmitters,
  ...windowEmitters,
  ...contractionEmitters,
  ...recognisedEmitters,
  cholesky: factorised,
  triangularSolve: factorised,
  solve: factorised,
  det: determinant,
  logAbsDet: factorised,
  cofactor: factorised,
  lu: factorised,
  luSolve: factorised,
  randomBits: refused(
    "draw the random numbers outside of the exported function and pass them in as an input",
  ),
} satisfies Readonly<Record<string, Emitter>>;

/** The emitter of a primitive by its name. */
export function emitterOf(primitive: string): Emitter {
  const known: Readonly<Record<string, Emitter>> = emitters;
  return Object.hasOwn(known, primitive)
    ? known[primitive]
    : refused("express the computation by other operations, or export the parts before and after it");
}
