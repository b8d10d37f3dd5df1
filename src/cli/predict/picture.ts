/** One image file as one input of a model. */
import { decodeImage } from "../../data/image-file.js";
import { AdjointError } from "../../index.js";

/** Pixels an image may have before it is made the model's size. */
const maxPixels = 2 ** 25;

/** Do they begin a PNG or a JPEG file? */
export function isPicture([first, second]: Uint8Array): boolean {
  return (first === 0x89 && second === 0x50) || (first === 0xff && second === 0xd8);
}

/**
 * The image as the model takes it: [channels, height, width] with 1 or 3 channels, or a row of the gray pixels of a square, as MNIST has
 * them; stretched to that size, from 0 to 1, transparent pixels over white.
 *
 * @throws AdjointError `invalid-data` for a model of other inputs, and those of images
 */
export async function pictureInput(
  bytes: Uint8Array,
  name: string,
  shape: readonly number[],
): Promise<Float32Array> {
  const side = Math.sqrt(shape[0]);
  const [channels, height, width] = shape.length === 3 ? shape : [1, side, side];
  const isImage = (shape.length === 3 || shape.length === 1) && Number.isInteger(height);
  if (!isImage || (channels !== 1 && channels !== 3))
    throw new AdjointError(
      "invalid-data",
      `${name} is an image; the model takes inputs of shape [${shape.join(", ")}], which are none`,
      { file: name },
    );
  const form = {
    channels,
    size: [height, width],
    filter: "bilinear",
    fit: "stretch",
    background: 1,
    maxPixels,
  } as const;
  return (await decodeImage(bytes, name, form, "predict")).data;
}
