/** Castagnoli's polynomial, bits reversed (RFC 3720, appendix B.4). */
const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;

/**
 * Table `k` (256 entries each) takes a byte on by `k` further zero bytes, so that eight bytes are taken at once
 * (Kounavis and Berry, "A systematic approach to building high performance, software-based, CRC generators").
 */
const TABLES = tables();

function tables(): Int32Array {
  const found = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    found[byte] = crc;
  }
  for (let i = 256; i < found.length; i++) {
    const shorter = found[i - 256];
    found[i] = found[shorter & 0xff] ^ (shorter >>> 8);
  }
  return found;
}

/** CRC-32C of `bytes[from, to)`, unsigned. */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = -1;
  let i = from;
  for (; i + SLICES <= to; i += SLICES) {
    const low = crc ^ (bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24));
    crc =
      TABLES[1792 + (low & 0xff)] ^
      TABLES[1536 + ((low >>> 8) & 0xff)] ^
      TABLES[1280 + ((low >>> 16) & 0xff)] ^
      TABLES[1024 + (low >>> 24)] ^
      TABLES[768 + bytes[i + 4]] ^
      TABLES[512 + bytes[i + 5]] ^
      TABLES[256 + bytes[i + 6]] ^
      TABLES[bytes[i + 7]];
  }
  for (; i < to; i++) crc = TABLES[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
