/**
 * PNG files (ISO/IEC 15948) as pixels. Filters and interlacing are fast-png's; what it leaves to its caller is done before and after:
 * a file is taken apart first, so that nothing but the chunks that make pixels is decoded, and what is compressed is unpacked into no
 * more memory than the header's extents need. Interlaced images of less than 8 bits a sample are refused, as fast-png reads them wrongly.
 */
import type { AdjointError } from "../index.js";
import type { ImageLimits, Pixels } from "./image-file.js";

interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly color: 0 | 2 | 3 | 4 | 6;
  readonly isInterlaced: boolean;
}

/** What refuses a file: its format, or what is asked of it. */
export interface Refusals {
  format(problem: string): AdjointError;
  tooLarge(problem: string): AdjointError;
  unsupported(problem: string): AdjointError;
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

/** Samples in a pixel, by color type; a palette's index is one. */
const samples = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;

/** Bit depths, by color type. */
const depths: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** The pixels of a PNG file: gray, or red, green and blue, with alpha where there is any. */
export async function decodePng(bytes: Uint8Array, limits: ImageLimits, refuse: Refusals): Promise<Pixels> {
  // before anything is unpacked, so that it need not wait for them in memory
  const { inflateSync, deflateSync } = await import("node:zlib");
  const { decode } = await import("fast-png");
  const chunks = chunksOf(bytes, refuse);
  const header = headerOf(chunks[0], limits, refuse);
  const { width, height, depth, color } = header;
  const palette = color === 3 ? chunks.find(({ type }) => type === "PLTE")?.data : undefined;
  if (color === 3 && (palette === undefined || palette.length === 0 || palette.length % 3 !== 0))
    throw refuse.format("an image with a palette has none");
  const packed = joined(chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data));
  const length = filteredLength(header);
  let filtered: Uint8Array;
  try {
    filtered = inflateSync(packed, { maxOutputLength: length });
  } catch (cause) {
    const { code, message } = cause as { readonly code?: string; readonly message?: string };
    throw code === "ERR_BUFFER_TOO_LARGE"
      ? refuse.format(`more data than ${width} × ${height} pixels need`)
      : refuse.format(`its compressed data are damaged: ${message}`);
  }
  if (filtered.length !== length)
    throw refuse.format(`expected ${length} bytes of pixels, received ${filtered.length}`);
  const ihdr = { type: "IHDR", data: chunks[0].data };
  // stored, not compressed: the decoder reads it at the speed of copying
  const idat = { type: "IDAT", data: deflateSync(filtered, { level: 0 }) };
  let decoded: { readonly data: ArrayLike<number> };
  try {
    decoded = decode(assembled([ihdr, idat]));
  } catch (cause) {
    throw refuse.format(cause instanceof Error ? cause.message : String(cause));
  }
  const transparency = chunks.find(({ type }) => type === "tRNS")?.data;
  const unpacked = unpackedSamples(decoded.data, header);
  if (palette !== undefined) return throughPalette(unpacked, header, palette, transparency, refuse);
  return withTransparency(
    { width, height, channels: samples[color], data: unpacked, largest: 2 ** depth - 1 },
    transparency,
  );
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Whether bytes begin as PNG files do. */
export function isPng(bytes: Uint8Array): boolean {
  return signature.every((byte, i) => bytes[i] === byte);
}

function chunksOf(bytes: Uint8Array, refuse: Refusals): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = 8; ; ) {
    if (at + 12 > bytes.length)
      throw refuse.format(`the file ends at byte ${bytes.length}, before its last chunk`);
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.length)
      throw refuse.format(`chunk ${type} at byte ${at} goes past the end of the file`);
    if (length > largestSmall && isSmall(type))
      throw refuse.format(`chunk ${type} at byte ${at} has ${length} bytes`);
    const crc = crcOf(bytes.subarray(at + 4, at + 8 + length), type);
    if (crc !== undefined && crc !== view.getUint32(at + 8 + length))
      throw refuse.format(`chunk ${type} at byte ${at} is damaged: its checksum is another`);
    if (chunks.length === 0 && type !== "IHDR") throw refuse.format("its first chunk is not IHDR");
    chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    if (type === "IEND") return chunks;
    at += 12 + length;
  }
}

function headerOf({ data }: Chunk, { maxPixels }: ImageLimits, refuse: Refusals): PngHeader {
  if (data.length !== 13) throw refuse.format(`its header has ${data.length} bytes instead of 13`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, color, compression, filter, interlace] = data.subarray(8);
  if (width === 0 || height === 0) throw refuse.format(`an image of ${width} × ${height} pixels`);
  if (width * height > maxPixels)
    throw refuse.tooLarge(`${width} × ${height} pixels are more than the ${maxPixels} allowed by maxPixels`);
  if (!depths[color]?.includes(depth))
    throw refuse.format(`there is no color type ${color} of ${depth} bits`);
  if (compression !== 0 || filter !== 0 || interlace > 1)
    throw refuse.format("its methods are none of PNG's");
  if (interlace === 1 && depth < 8)
    throw refuse.unsupported("interlaced images of less than 8 bits a sample; save it without interlacing");
  return { width, height, depth, color: color as PngHeader["color"], isInterlaced: interlace === 1 };
}

/** Bytes of all rows, each with the number of its filter before it. */
function filteredLength({ width, height, depth, color, isInterlaced }: PngHeader): number {
  const rows = (w: number, h: number) => (w > 0 ? h * (1 + Math.ceil((w * samples[color] * depth) / 8)) : 0);
  if (!isInterlaced) return rows(width, height);
  return adam7.reduce(
    (total, [x, y, dx, dy]) => total + rows(Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)),
    0,
  );
}

/** Adam7: where each pass begins, and its steps. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** One element a sample: those of less than 8 bits lie together in bytes, each row from a byte of its own. */
function unpackedSamples(data: ArrayLike<number>, { width, height, depth }: PngHeader): ArrayLike<number> {
  if (depth >= 8) return data;
  const unpacked = new Uint8Array(width * height);
  const rowBytes = Math.ceil((width * depth) / 8);
  const perByte = 8 / depth;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const byte = data[y * rowBytes + Math.floor(x / perByte)];
      unpacked[y * width + x] = (byte >> (8 - depth * ((x % perByte) + 1))) & (2 ** depth - 1);
    }
  return unpacked;
}

function throughPalette(
  indices: ArrayLike<number>,
  { width, height }: PngHeader,
  palette: Uint8Array,
  alpha: Uint8Array | undefined,
  refuse: Refusals,
): Pixels {
  const channels = alpha === undefined ? 3 : 4;
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const color = 3 * indices[i];
    if (color >= palette.length)
      throw refuse.format(`color ${indices[i]} is outside its palette of ${palette.length / 3}`);
    for (let k = 0; k < 3; k++) data[i * channels + k] = palette[color + k];
    if (alpha !== undefined) data[i * channels + 3] = alpha[indices[i]] ?? 255;
  }
  return { width, height, channels, data, largest: 255 };
}

/** One gray value or color may be marked as transparent, in 16 bits a sample. */
function withTransparency(pixels: Pixels, mark: Uint8Array | undefined): Pixels {
  const { width, height, channels, data, largest } = pixels;
  if (mark === undefined || mark.length !== 2 * channels || channels === 2 || channels === 4) return pixels;
  const color = Array.from({ length: channels }, (_, k) => mark[2 * k] * 256 + mark[2 * k + 1]);
  const opaque = new Uint16Array(width * height * (channels + 1));
  for (let i = 0; i < width * height; i++) {
    let same = true;
    for (let k = 0; k < channels; k++) {
      opaque[i * (channels + 1) + k] = data[i * channels + k];
      same &&= data[i * channels + k] === color[k];
    }
    opaque[i * (channels + 1) + channels] = same ? 0 : largest;
  }
  return { width, height, channels: channels === 1 ? 2 : 4, data: opaque, largest };
}

/** The file of these chunks; checksums are left 0, as the decoder does not look at them. */
function assembled(chunks: readonly Chunk[]): Uint8Array {
  const parts = chunks.flatMap(({ type, data }) => {
    const head = new Uint8Array(8);
    new DataView(head.buffer).setUint32(0, data.length);
    head.set(new TextEncoder().encode(type), 4);
    return [head, data, new Uint8Array(4)];
  });
  const end = Uint8Array.of(0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0, 0, 0, 0);
  return joined([Uint8Array.from(signature), ...parts, end]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A palette of 256 colors is the largest of the chunks that matter beside the pixels themselves. */
const largestSmall = 3 * 256;

function isSmall(type: string): boolean {
  return type === "IHDR" || type === "PLTE" || type === "tRNS";
}

/** CRC-32 of the chunks that matter, bit by bit; compressed data have a checksum of their own, which zlib looks at. */
function crcOf(bytes: Uint8Array, type: string): number | undefined {
  if (!isSmall(type)) return undefined;
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
