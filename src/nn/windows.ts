/** What convolution and pooling layers have in common: windows over images, checked and described. */
import { add, type Padding, type Tensor } from "../index.js";
import { invalidArgument, isList, isNatural } from "../util/checks.js";
import { formatList } from "../util/errors.js";

/** y [batch, out, …] + bias [out] */
export function withBias(y: Tensor, bias: Tensor | null): Tensor {
  return bias === null ? y : add(y, bias.reshape([bias.size, ...y.shape.slice(2).map(() => 1)]));
}

/** One integer of at least 1 an axis; a single number counts for all. */
export function perAxis(value: unknown, spatial: number, operation: string, argument: string): number[] {
  const list = typeof value === "number" ? Array.from({ length: spatial }, () => value) : value;
  if (isList(list, isNatural) && list.length === spatial && list.every((extent) => extent > 0))
    return [...list];
  const expected =
    spatial === 1 ? "an integer of at least 1" : `an integer of at least 1, or ${spatial} of them`;
  throw invalidArgument(operation, argument, expected, formatList(value));
}

/** @throws AdjointError `invalid-argument` */
export function checkPadding(padding: unknown, spatial: number, operation: string): void {
  if (padding === "same" || padding === "valid" || isNatural(padding)) return;
  const isPair = (pair: unknown): pair is number[] => isList(pair, isNatural) && pair.length === 2;
  if (isList(padding, isPair) && padding.length === spatial) return;
  throw invalidArgument(
    operation,
    "padding",
    `an integer of at least 0, ${spatial} pair${spatial === 1 ? "" : "s"} [before, after], "same" or "valid"`,
    formatList(padding),
  );
}

/** What differs from the default, in words. */
export function described(word: string, values: readonly number[], usual: number): string[] {
  if (values.every((value) => value === usual)) return [];
  return [`${word} ${values.every((value) => value === values[0]) ? values[0] : values.join("×")}`];
}

/** Padding where there is some, in words. */
export function describedPadding(padding: Padding): string[] {
  if (padding === 0 || padding === "valid") return [];
  if (typeof padding === "number" || padding === "same") return [`padding ${padding}`];
  return [`padding ${padding.map(([before, after]) => `${before}…${after}`).join(" × ")}`];
}
