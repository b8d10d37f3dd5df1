/** What every layer asks of its input. */
import { isTensor, type Tensor } from "../index.js";
import { invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";

/** @throws AdjointError `invalid-argument` for what is no tensor: layers, unlike operations, convert nothing */
export function checkInput(x: unknown, operation: string): Tensor {
  if (isTensor(x)) return x;
  throw invalidArgument(operation, "x", "a tensor, such as tensor([[1, 2]])", formatReceived(x));
}
