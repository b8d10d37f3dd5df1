/** Tensors over arrays that a reader has just filled. */
import { type DType, type Tensor, type TypedArray, tensor, zeros } from "../index.js";

/**
 * A tensor of these elements, which are not copied and must not be written again: `tensor` would need the memory of a large
 * file twice. The elements of a bool must be 0 or 1.
 */
export function adopt(elements: TypedArray, shape: readonly number[], dtype: DType): Tensor {
  // zeros take no memory until they are read, and here others are read instead
  const adopted = zeros(shape, { dtype });
  // programs recognise weights that come again by an identity, and that of a tensor made for it is nobody else's
  const { identity } = tensor([]).storage ?? {};
  adopted.storage = { read: () => elements, ...(identity === undefined ? {} : { identity }) };
  return adopted;
}
