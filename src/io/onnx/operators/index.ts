/** Every operator that can be imported, by its name in the default domain. */
import type { Operators } from "../call.js";
import { controlOperators } from "./control.js";
import { imageOperators } from "./images.js";
import { indexingOperators } from "./indexing.js";
import { movementOperators } from "./movement.js";
import { pointwiseOperators } from "./pointwise.js";
import { productOperators } from "./products.js";
import { quantizedOperators } from "./quantized.js";
import { recurrentOperators } from "./recurrent.js";
import { reductionOperators } from "./reductions.js";
import { resizeOperators } from "./resize.js";

export const operators: Operators = {
  ...pointwiseOperators,
  ...movementOperators,
  ...indexingOperators,
  ...reductionOperators,
  ...productOperators,
  ...imageOperators,
  ...resizeOperators,
  ...recurrentOperators,
  ...controlOperators,
  ...quantizedOperators,
};
