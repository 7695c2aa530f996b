import type { SampleColumns } from '@xscaler/model';
import type { BitWriter } from './bit-writer.ts';
import { fitsSigned } from './varbit.ts';
import { XorValues } from './xor-values.ts';

/*
 * Prometheus' chunk of floats (tsdb/docs/format/chunks.md, "XOR chunk data"):
 *
 *   chunk    := samples u16 big-endian, sample 0, sample 1, sample …, zeros up to a whole byte
 *   sample 0 := time varint, value f64                          8 bytes, the highest first
 *   sample 1 := time since sample 0 uvarint, value xor          (xor-values.ts)
 *   sample n := change of that difference dod, value xor
 *   dod      := 0 | 10 + 14 bits | 110 + 17 | 1110 + 20 | 1111 + 64
 */
const DOD_WIDTHS = [14, 17, 20] as const;

/** Writes the floats from `from` to `to` (exclusive) as one chunk, its bits as the columns have them. */
export function writeXorChunk(bits: BitWriter, samples: SampleColumns, from: number, to: number): void {
  const { timestamps, valueWords } = samples;
  const values = new XorValues();
  bits.reset();
  bits.bits(to - from, 16);
  bits.varint(timestamps[from]);
  values.begin(valueWords[2 * from + 1], valueWords[2 * from]);
  bits.words(valueWords[2 * from + 1], valueWords[2 * from], 64);
  let delta = 0;
  for (let i = from + 1; i < to; i++) {
    const next = timestamps[i] - timestamps[i - 1];
    if (i === from + 1) bits.uvarint(next);
    else writeDod(bits, next - delta);
    delta = next;
    values.write(bits, valueWords[2 * i + 1], valueWords[2 * i]);
  }
}

function writeDod(bits: BitWriter, dod: number): void {
  if (dod === 0) {
    bits.bits(0, 1);
    return;
  }
  for (let step = 0; step < DOD_WIDTHS.length; step++) {
    if (!fitsSigned(dod, DOD_WIDTHS[step])) continue;
    bits.bits(2 ** (step + 2) - 2, step + 2);
    bits.bits(dod, DOD_WIDTHS[step]);
    return;
  }
  bits.bits(0b1111, 4);
  bits.words(Math.floor(dod / 2 ** 32), dod, 64);
}
