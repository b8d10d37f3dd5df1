/** Conversions between element types, which are four here. */
import { type Tensor, where } from "../../../index.js";
import type { Call } from "../call.js";
import type { ElementName } from "../elements.js";

/** Integers narrower than int32 wrap, as their bits do; half precision is held as float32 and not rounded. */
export function castTo(x: Tensor, element: ElementName | undefined, call: Call): Tensor {
  switch (element) {
    case "float":
    case "float16":
    case "bfloat16":
      return x.cast("float32");
    case "double":
      return x.cast("float64");
    case "bool":
      return x.cast("bool");
    case "int32":
    case "int64":
      return x.cast("int32");
    case "uint8":
      return x.cast("int32").mod(256);
    case "uint16":
      return x.cast("int32").mod(65536);
    case "int8":
      return signed(x, 256);
    case "int16":
      return signed(x, 65536);
    default:
      throw call.unsupported(
        `elements cannot be converted to ${element ?? "a type that is not known"}; there are floats, integers within int32, and bool`,
      );
  }
}

function signed(x: Tensor, size: number): Tensor {
  const wrapped = x.cast("int32").mod(size);
  return where(wrapped.ge(size / 2), wrapped.sub(size), wrapped);
}
