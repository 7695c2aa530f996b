import { BitBuffer, DecodeError, getBits, unzigzag32 } from '@xscaler/encoding';
import type { SampleColumns } from '@xscaler/model';
import { CHUNK_MAX_DURATION_MS, type ChunkView } from './chunk.ts';
import { XOR_FIRST_SAMPLE_BITS } from './xor-chunk.ts';

/** Decodes chunks of this codec into columns; keeps one buffer for all of them. */
export class XorDecoder {
  readonly #buffer = new BitBuffer();

  /**
   * Appends the samples with startMs ≤ t ≤ endMs to `dst`.
   * @throws DecodeError if the bytes don't hold the samples that the chunk says it has
   */
  decode(chunk: ChunkView, dst: SampleColumns, startMs: number, endMs: number): void {
    const { count, minTimeMs, maxTimeMs } = chunk;
    const bitLength = (chunk.end - chunk.start) * 8;
    const duration = maxTimeMs - minTimeMs;
    if (bitLength < XOR_FIRST_SAMPLE_BITS + 2 * (count - 1) || count < 1)
      throw new DecodeError('an XOR chunk is cut short');
    if (duration > CHUNK_MAX_DURATION_MS || duration < 0)
      throw new DecodeError('an XOR chunk lasts too long');
    this.#buffer.load(chunk.bytes, chunk.start, chunk.end);
    dst.reserve(count);
    const used = decodeSamples(this.#buffer.words, bitLength, chunk, dst, startMs, endMs);
    if (used > bitLength) throw new DecodeError('an XOR chunk is cut short');
  }
}

/** The 32 bits from `bit` on. Without a branch, since chance would have it taken; so it reads a word more than it may need. */
function bitsFrom(words: Int32Array, bit: number): number {
  const index = bit >>> 5;
  const used = bit & 31;
  return (words[index] >>> used) | ((words[index + 1] << 1) << (31 - used));
}

/** Returns the bits used; stops behind `bitLength` or `endMs`. */
function decodeSamples(
  words: Int32Array,
  bitLength: number,
  chunk: ChunkView,
  dst: SampleColumns,
  startMs: number,
  endMs: number,
): number {
  const { count, minTimeMs } = chunk;
  const duration = chunk.maxTimeMs - minTimeMs;
  const { timestamps } = dst;
  const valueWords = dst.valueWords;
  let length = dst.length;
  let low = words[0];
  let high = words[1];
  let time = 0;
  let delta = 0;
  let lead = 31;
  let size = -30;
  let bit = XOR_FIRST_SAMPLE_BITS;

  for (let i = 0; ; ) {
    const timestampMs = minTimeMs + time;
    if (timestampMs > endMs) break;
    timestamps[length] = timestampMs;
    valueWords[2 * length] = low;
    valueWords[2 * length + 1] = high;
    if (timestampMs >= startMs) length++;
    if (++i === count) {
      if (time !== duration) throw new DecodeError('an XOR chunk ends at another time');
      break;
    }

    // Times and values with nothing new are a zero bit each: looked at before anything else.
    let next = bitsFrom(words, bit);
    if ((next & 1) === 0) {
      bit++;
      next >>>= 1;
    } else {
      const prefix = next & 15;
      let code = 0;
      if ((prefix & 2) === 0) {
        code = getBits(words, bit + 2, 7);
        bit += 9;
      } else if ((prefix & 4) === 0) {
        code = getBits(words, bit + 3, 12);
        bit += 15;
      } else if (prefix === 7) {
        code = getBits(words, bit + 4, 17);
        bit += 21;
      } else {
        code = getBits(words, bit + 4, 32);
        bit += 36;
      }
      delta = (delta + unzigzag32(code)) | 0;
      next = bitsFrom(words, bit);
    }
    time += delta;
    if (delta <= 0 || time > duration) throw new DecodeError('times in an XOR chunk do not increase');

    if ((next & 1) === 0) bit++;
    else {
      if ((next & 2) === 0) bit += 2;
      else {
        lead = (next >>> 2) & 31;
        size = ((next >>> 7) & 63) + 1;
        bit += 13;
      }
      const trail = 64 - lead - size;
      if (size < 0 || trail < 0) throw new DecodeError('an XOR chunk has an impossible window');
      let first = bitsFrom(words, bit);
      let second = 0;
      if (size > 32) second = bitsFrom(words, bit + 32) & (-1 >>> (64 - size));
      else first &= -1 >>> (32 - size);
      bit += size;
      if (trail >= 32) high ^= first << (trail - 32);
      else if (trail === 0) {
        low ^= first;
        high ^= second;
      } else {
        low ^= first << trail;
        high ^= (first >>> (32 - trail)) | (second << trail);
      }
    }
    if (bit > bitLength) return bit;
  }
  dst.length = length;
  return bit;
}
