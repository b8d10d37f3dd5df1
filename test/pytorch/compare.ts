/**
 * How close is equal. An element passes when |actual − expected| ≤ 8 ε · scale, with ε = 2⁻⁵² or 2⁻²³ and `scale` the
 * magnitudes that were added to make the element (see the fixtures' generator), or its own where nothing cancels.
 *
 * Where 8 comes from: an ε is one to two ULP; the accuracy table allows at most 4 ULP for one elementary function, a
 * composition here is two such functions and a few exactly rounded operations, and a sum of n terms, n ≤ 16, is off by
 * at most n ε / 2 of the sum of their magnitudes. PyTorch's own float32 results lie within 1.0 of these units, but for
 * the gradient of its logSumExp at 1000, which is some 100 off. Below the normal range the unit is the spacing of the
 * subnormal numbers. NaN equals NaN, an infinity only itself, and 0 is −0.
 */
import { type DType, type Tensor, tensor } from "../../src/index.js";
import { decode, type Elements, type TypedElements } from "./fixtures.js";

const UNITS = 8;
const SPACING: Readonly<Record<DType, { readonly relative: number; readonly least: number }>> = {
  float64: { relative: 2 ** -52, least: 2 ** -1074 },
  float32: { relative: 2 ** -23, least: 2 ** -149 },
  int32: { relative: 0, least: 0 },
  bool: { relative: 0, least: 0 },
};

/** The tensor a fixture describes. */
export function make(elements: Elements, dtype: DType): Tensor {
  return tensor(elements.data.map(decode), { shape: elements.shape, dtype });
}

/** What differs between `actual` and `expected`, one line each, at most six; nothing when they agree. */
export function differences(
  label: string,
  actual: Tensor,
  expected: Elements,
  dtype: DType,
): readonly string[] {
  if (actual.dtype !== dtype) return [`${label}: dtype ${actual.dtype}, expected ${dtype}`];
  if (actual.shape.join() !== expected.shape.join())
    return [`${label}: shape [${actual.shape.join(", ")}], expected [${expected.shape.join(", ")}]`];
  const values = actual.dataSync();
  const { relative, least } = SPACING[dtype];
  const lines: string[] = [];
  expected.data.forEach((encoded, index) => {
    const wanted = dtype === "float32" ? Math.fround(decode(encoded)) : decode(encoded);
    const got = Number(values[index]);
    if (got === wanted || (Number.isNaN(got) && Number.isNaN(wanted))) return;
    const unit = Math.max(relative * Math.max(Math.abs(wanted), expected.scale?.[index] ?? 0), least);
    const units = Math.abs(got - wanted) / unit;
    if (!(units <= UNITS))
      lines.push(`${label}[${index}]: ${got}, expected ${wanted} (off by ${units.toPrecision(3)} units)`);
  });
  return lines.length > 6 ? [...lines.slice(0, 6), `${label}: and ${lines.length - 6} more`] : lines;
}

/** As `differences`, for a result that is a tensor or a list of tensors. */
export function outputDifferences(
  label: string,
  actual: Tensor | readonly Tensor[],
  expected: TypedElements | readonly TypedElements[],
): readonly string[] {
  const got = listOf(actual);
  const wanted = listOf(expected);
  if (got.length !== wanted.length) return [`${label}: ${got.length} results, expected ${wanted.length}`];
  return wanted.flatMap((one, index) =>
    differences(wanted.length > 1 ? `${label} ${index}` : label, got[index], one, one.dtype),
  );
}

/** One or several, as several. */
export function listOf<Item extends object>(value: Item | readonly Item[]): readonly Item[] {
  return isList(value) ? value : [value];
}

function isList<Item extends object>(value: Item | readonly Item[]): value is readonly Item[] {
  return Array.isArray(value);
}
