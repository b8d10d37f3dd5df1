/** Order statistics of a few measurements. */

/** @typedef {{ median: number, lower: number, upper: number }} Spread median and quartiles */

/**
 * The quantile at `fraction`, linear between neighbours (type 7 of Hyndman and Fan 1996, NumPy's default).
 *
 * @param {readonly number[]} sorted ascending, not empty
 * @param {number} fraction 0 … 1
 */
function quantile(sorted, fraction) {
  const place = (sorted.length - 1) * fraction;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/** @param {readonly number[]} values not empty @returns {Spread} */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), lower: quantile(sorted, 0.25), upper: quantile(sorted, 0.75) };
}

/**
 * Where two results differ: the first element for which |a − b| > tolerance · max(1, |b|), NaN included.
 *
 * @param {ArrayLike<number>} ours
 * @param {ArrayLike<number>} theirs
 * @param {number} tolerance
 * @returns {string | undefined} what differs, or nothing
 */
export function disagreement(ours, theirs, tolerance) {
  if (ours.length !== theirs.length) return `${ours.length} numbers against ${theirs.length}`;
  for (let i = 0; i < ours.length; i++) {
    const allowed = tolerance * Math.max(1, Math.abs(theirs[i]));
    // written so that a NaN on either side is a difference
    if (!(Math.abs(ours[i] - theirs[i]) <= allowed))
      return `number ${i} of ${ours.length} is ${ours[i]} against ${theirs[i]}, more than ${tolerance} apart`;
  }
  return undefined;
}
