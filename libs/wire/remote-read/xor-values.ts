import { trailingZeros } from '@xscaler/encoding';
import type { BitWriter } from './bit-writer.ts';

/** What five bits can say of leading zeros. */
const MOST_LEADING = 31;

/**
 * Doubles, each as its difference by bits from the one before (Pelkonen et al., "Gorilla", VLDB 2015, as in Prometheus
 * (tsdb/docs/format/chunks.md, varbit_xor). The first is told by `begin` and written by the caller.
 *
 *   xor := 0                                                          the same bits
 *        | 10, the bits between those zeros that the last 11 told
 *        | 11, leading zeros (5 bits), length (6 bits, 64 as 0), this many bits
 */
export class XorValues {
  #high = 0;
  #low = 0;
  /** Above 31: none told yet. */
  #leading = 255;
  #trailing = 0;

  begin(high: number, low: number): void {
    this.#high = high | 0;
    this.#low = low | 0;
    this.#leading = 255;
    this.#trailing = 0;
  }

  write(to: BitWriter, high: number, low: number): void {
    const highDifference = this.#high ^ high;
    const lowDifference = this.#low ^ low;
    this.#high = high | 0;
    this.#low = low | 0;
    if (highDifference === 0 && lowDifference === 0) {
      to.bits(0, 1);
      return;
    }
    const leading = highDifference === 0 ? MOST_LEADING : Math.clz32(highDifference);
    const trailing = lowDifference === 0 ? 32 + trailingZeros(highDifference) : trailingZeros(lowDifference);
    if (leading >= this.#leading && trailing >= this.#trailing) {
      to.bits(0b10, 2);
    } else {
      this.#leading = leading;
      this.#trailing = trailing;
      to.bits(0b11, 2);
      to.bits(leading, 5);
      to.bits((64 - leading - trailing) & 63, 6);
    }
    const shift = this.#trailing;
    const length = 64 - this.#leading - shift;
    if (shift >= 32) to.bits(highDifference >>> (shift - 32), length);
    else if (shift === 0) to.words(highDifference, lowDifference, length);
    else
      to.words(
        highDifference >>> shift,
        (lowDifference >>> shift) | (highDifference << (32 - shift)),
        length,
      );
  }
}
