/** Augmentations of images [batch, channels, height, width]. */
import {
  arange,
  cos,
  floor,
  isTensor,
  minimum,
  pad,
  random,
  sin,
  type Tensor,
  takeAlong,
  where,
} from "../index.js";
import { checkFinite, checkOptionNames, invalidArgument, isList, isNatural } from "../util/checks.js";
import { AdjointError, formatList, formatReceived, formatShape } from "../util/errors.js";

/** Changes a batch [batch, …] by what it draws from the key. */
export type Augmentation = (x: Tensor, key: Tensor) => Tensor;

/** @throws AdjointError `shape-mismatch` unless images [batch, channels, height, width] */
function checkImages(x: Tensor, operation: string): readonly [number, number, number, number] {
  if (!isTensor(x)) throw invalidArgument(operation, "x", "a tensor", formatReceived(x));
  if (x.rank === 4) return [x.shape[0], x.shape[1], x.shape[2], x.shape[3]];
  const received = formatShape(x.shape);
  throw new AdjointError(
    "shape-mismatch",
    `${operation}: x must be images [batch, channels, height, width], received ${received}`,
    { operation, argument: "x", expected: "[batch, channels, height, width]", received },
  );
}

function checkProbability(value: unknown, operation: string): number {
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw invalidArgument(operation, "probability", "from 0 to 1", formatReceived(value));
}

function pixels(value: unknown, operation: string, argument: string): readonly [number, number] {
  if (isNatural(value)) return [value, value];
  if (isList(value, isNatural) && value.length === 2) return [value[0], value[1]];
  throw invalidArgument(
    operation,
    argument,
    "a number of pixels, or one for rows and one for columns",
    formatList(value),
  );
}

/** For each example an integer from 0 to count − 1: int32 [batch, 1, 1, 1]. */
function integers(key: Tensor, batch: number, count: number): Tensor {
  const drawn = floor(random.uniform(key, { shape: [batch, 1, 1, 1] }).mul(count));
  // below 1 times a count may round to the count
  return minimum(drawn, count - 1).cast("int32");
}

/** Positions 0 … extent − 1 along the rows (axis 2) or columns (axis 3) of images. */
function positions(extent: number, axis: 2 | 3): Tensor {
  return arange(0, extent, 1, { dtype: "int32" }).reshape(axis === 2 ? [1, 1, extent, 1] : [1, 1, 1, extent]);
}

/**
 * Mirrors each image from left to right, or along another axis, with a probability.
 *
 * @param options.axis the axis, counted with the batch axis; default −1, columns
 * @param options.probability default ½
 * @throws AdjointError `invalid-argument`
 * @example
 * const mirrored = data.augment.flip({ probability: 1 });
 * mirrored(tensor([[[[1, 2, 3]]]]), random.key(0)).array(); // → 3,2,1
 */
export function flip(options: { readonly axis?: number; readonly probability?: number } = {}): Augmentation {
  const operation = "augment.flip";
  checkOptionNames(options, ["axis", "probability"], operation);
  const { axis = -1, probability = 0.5 } = options;
  checkProbability(probability, operation);
  if (!Number.isInteger(axis) || axis === 0)
    throw invalidArgument(operation, "axis", "an axis beside the batch's", formatReceived(axis));
  return (x, key) => {
    const mirrored = x.flip(axis);
    const shape = x.shape.map((extent, i) => (i === 0 ? extent : 1));
    return where(random.bernoulli(key, probability, { shape }), mirrored, x);
  };
}

/**
 * Takes from each image a part of the given size at a random place, after adding `padding` pixels of `fill` around it.
 *
 * @param options.size [height, width] or one number for both; by default as large as the image
 * @param options.padding default 0
 * @param options.fill default 0
 * @throws AdjointError `invalid-argument`; the function `shape-mismatch` for a part larger than the image
 * @example
 * const cropped = data.augment.crop({ size: 2, padding: 1 });
 * cropped(ones([5, 3, 4, 4]), random.key(1)).shape; // → 5,3,2,2
 */
export function crop(
  options: {
    readonly size?: number | readonly [number, number];
    readonly padding?: number | readonly [number, number];
    readonly fill?: number;
  } = {},
): Augmentation {
  const operation = "augment.crop";
  checkOptionNames(options, ["size", "padding", "fill"], operation);
  const size = options.size === undefined ? undefined : pixels(options.size, operation, "size");
  const [down, across] = pixels(options.padding ?? 0, operation, "padding");
  const fill = checkFinite(options.fill ?? 0, operation, "fill");
  return (x, key) => {
    const [batch, channels, h, w] = checkImages(x, operation);
    const [height, width] = size ?? [h, w];
    const [rows, columns] = [h + 2 * down, w + 2 * across];
    if (height > rows || width > columns)
      throw new AdjointError(
        "shape-mismatch",
        `${operation}: parts of ${height} × ${width} do not fit into images of ${h} × ${w} with ${down} and ${across} pixels around them`,
        { operation, argument: "x", received: formatShape(x.shape) },
      );
    const padded =
      down === 0 && across === 0
        ? x
        : pad(
            x,
            [
              [0, 0],
              [0, 0],
              [down, down],
              [across, across],
            ],
            fill,
          );
    const [rowKey, columnKey] = random.split(key);
    const top = integers(rowKey, batch, rows - height + 1).add(positions(height, 2));
    const left = integers(columnKey, batch, columns - width + 1).add(positions(width, 3));
    const strip = takeAlong(padded, top.broadcastTo([batch, channels, height, columns]), 2);
    return takeAlong(strip, left.broadcastTo([batch, channels, height, width]), 3);
  };
}

/**
 * Moves each image by up to `by` pixels each way; what comes in at the edges is `fill`.
 *
 * @param options.by pixels, or one number for rows and one for columns
 * @param options.fill default 0
 * @throws AdjointError `invalid-argument`
 * @example
 * const moved = data.augment.shift({ by: 2 });
 * moved(ones([8, 1, 28, 28]), random.key(0)).shape; // → 8,1,28,28
 */
export function shift(options: {
  readonly by: number | readonly [number, number];
  readonly fill?: number;
}): Augmentation {
  checkOptionNames(options, ["by", "fill"], "augment.shift");
  const { fill = 0 } = options;
  const padding = pixels(options.by, "augment.shift", "by");
  checkFinite(fill, "augment.shift", "fill");
  return crop({ padding, fill });
}

/**
 * Turns each image around its centre by up to `degrees` either way, with bilinear weights; what comes in at the corners is 0.
 *
 * @throws AdjointError `invalid-argument`
 * @example
 * const turned = data.augment.rotate({ degrees: 10 });
 * turned(ones([2, 1, 5, 5]), random.key(0)).slice(null, 0, 2, 2).round().array(); // → 1,1
 */
export function rotate(options: { readonly degrees: number }): Augmentation {
  const operation = "augment.rotate";
  checkOptionNames(options, ["degrees"], operation);
  const degrees = checkFinite(options.degrees, operation, "degrees");
  return (x, key) => {
    const [batch, channels, height, width] = checkImages(x, operation);
    const turn = random
      .uniform(key, { shape: [batch, 1, 1, 1], dtype: x.dtype })
      .mul(2)
      .sub(1)
      .mul((degrees * Math.PI) / 180);
    const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
    const dy = positions(height, 2).cast(x.dtype).sub(middleY);
    const dx = positions(width, 3).cast(x.dtype).sub(middleX);
    // where each output pixel comes from
    const fromY = dx
      .mul(sin(turn))
      .add(dy.mul(cos(turn)))
      .add(middleY);
    const fromX = dx
      .mul(cos(turn))
      .sub(dy.mul(sin(turn)))
      .add(middleX);
    const [top, left] = [floor(fromY), floor(fromX)];
    const flat = x.reshape([batch, channels, height * width]);
    const tap = (stepY: 0 | 1, stepX: 0 | 1): Tensor => {
      const [y, xx] = [top.add(stepY), left.add(stepX)];
      const inside = y.ge(0).and(y.lt(height)).and(xx.ge(0)).and(xx.lt(width));
      const at = y
        .clip(0, height - 1)
        .mul(width)
        .add(xx.clip(0, width - 1))
        .cast("int32");
      const picked = takeAlong(
        flat,
        at.reshape([batch, 1, height * width]).broadcastTo([batch, channels, height * width]),
        2,
      ).reshape(x.shape);
      // the nearer the pixel, the more: 1 − |distance| along each axis
      const weight = y.sub(fromY).abs().neg().add(1).mul(xx.sub(fromX).abs().neg().add(1));
      return where(inside, picked.mul(weight), 0);
    };
    return tap(0, 0).add(tap(0, 1)).add(tap(1, 0)).add(tap(1, 1));
  };
}

/**
 * Covers a square around a random pixel of each image (DeVries and Taylor 2017); at the edges, the part of it that is inside.
 *
 * @param options.size its side in pixels
 * @param options.value what covers it; default 0
 * @throws AdjointError `invalid-argument`
 * @example data.augment.cutout({ size: 9 })(ones([1, 1, 4, 4]), random.key(0)).sum().item(); // → 0
 */
export function cutout(options: { readonly size: number; readonly value?: number }): Augmentation {
  const operation = "augment.cutout";
  checkOptionNames(options, ["size", "value"], operation);
  const [size] = pixels(options.size, operation, "size");
  const value = checkFinite(options.value ?? 0, operation, "value");
  return (x, key) => {
    const [batch, , height, width] = checkImages(x, operation);
    const [rowKey, columnKey] = random.split(key);
    const before = Math.floor(size / 2);
    const within = (drawn: Tensor, place: Tensor): Tensor => {
      const first = drawn.sub(before);
      return place.ge(first).and(place.lt(first.add(size)));
    };
    const rows = within(integers(rowKey, batch, height), positions(height, 2));
    const columns = within(integers(columnKey, batch, width), positions(width, 3));
    return where(rows.and(columns), value, x);
  };
}
