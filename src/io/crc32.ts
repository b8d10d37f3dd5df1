/**
 * The cyclic redundancy check of zip and gzip (ISO 3309; reversed polynomial 0xEDB88320), eight bytes a step by tables, after
 * Kounavis and Berry, "A systematic approach to building high performance software-based CRC generators" (2005).
 */

/** tables[k][b]: what byte b becomes after k further zero bytes. */
const tables: Int32Array[] = [];

function makeTables(): void {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
    return rest;
  });
  tables.push(first);
  for (let k = 1; k < 8; k++) {
    const before = tables[k - 1];
    tables.push(before.map((rest) => (rest >>> 8) ^ first[rest & 255]));
  }
}

/** The check of `bytes`, going on from the check of what came before them; 0 at the beginning. */
export function crc32(bytes: Uint8Array, before = 0): number {
  if (tables.length === 0) makeTables();
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let crc = ~before;
  let i = 0;
  // one table at a time takes twice as long: 220 instead of 450 MB/s
  for (; i + 8 <= bytes.length; i += 8) {
    crc ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    crc =
      t7[crc & 255] ^
      t6[(crc >>> 8) & 255] ^
      t5[(crc >>> 16) & 255] ^
      t4[crc >>> 24] ^
      t3[bytes[i + 4]] ^
      t2[bytes[i + 5]] ^
      t1[bytes[i + 6]] ^
      t0[bytes[i + 7]];
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]) & 255];
  return ~crc >>> 0;
}
