/** Why a file is not imported. */
import { AdjointError } from "../../index.js";
import { elementName } from "./elements.js";

/** The refusal of a file that contradicts itself or the format. */
export function damaged(file: string, problem: string): AdjointError {
  return new AdjointError("file-format", `importOnnx: ${file}: ${problem}`, {
    operation: "importOnnx",
    file,
  });
}

/** The refusal of a type that tensors here do not have. */
export function unsupportedElement(file: string, what: string, type: number): AdjointError {
  const received = elementName(type);
  return new AdjointError(
    "unsupported",
    `importOnnx: ${file}: ${what} has elements of type ${received}; there are float, double, float16, bfloat16, integers within int32, and bool. Convert it where the model was made`,
    { operation: "importOnnx", file, received },
  );
}

/** A name of a file, of which there may be a lot. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 79)}…` : name);
}
