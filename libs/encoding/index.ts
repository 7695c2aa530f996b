export { BitBuffer, getBits, putBits, trailingZeros, unzigzag32, zigzag32 } from './bits.ts';
export { ByteReader, DecodeError } from './byte-reader.ts';
export { ByteWriter } from './byte-writer.ts';
export { ContentHash } from './content-hash.ts';
export { crc32c } from './crc32c.ts';
export {
  type HistogramFields,
  type HistogramLayout,
  type HistogramSpan,
  hasIntegerCounts,
  histogramByteBound,
  histogramOf,
  readHistogramCounts,
  readHistogramLayout,
  skipHistogramCounts,
  writeHistogramCounts,
  writeHistogramLayout,
} from './histogram-bytes.ts';
