import type { BitWriter } from './bit-writer.ts';

/*
 * Whole numbers in few bits if they are small, as Prometheus' chunks have them (tsdb/docs/format/chunks.md and
 * tsdb/chunkenc/varbit.go there): a prefix of ones, ended by a zero, that says how many bits follow.
 *
 *   varbit := 0                                   the number 0
 *           | 10 + 3 bits | 110 + 6 | 1110 + 9 | 11110 + 12 | 111110 + 18 | 1111110 + 25 | 11111110 + 56
 *           | 11111111 + 64 bits
 *
 * Signed ones are two's complement but for the highest value: n bits hold -(2^(n-1)-1) … 2^(n-1).
 */
const WIDTHS = [3, 6, 9, 12, 18, 25, 56] as const;

/** Any whole number within ±2^54 that a double holds. */
export function writeVarbitInt(to: BitWriter, value: number): void {
  if (value === 0) {
    to.bits(0, 1);
    return;
  }
  let step = 0;
  while (step < WIDTHS.length && !fitsSigned(value, WIDTHS[step])) step++;
  writeInStep(to, value, step);
}

/** Any whole number from 0 to 2^53. */
export function writeVarbitUint(to: BitWriter, value: number): void {
  if (value === 0) {
    to.bits(0, 1);
    return;
  }
  let step = 0;
  while (step < WIDTHS.length && value >= 2 ** WIDTHS[step]) step++;
  writeInStep(to, value, step);
}

export function fitsSigned(value: number, bits: number): boolean {
  return value >= -(2 ** (bits - 1) - 1) && value <= 2 ** (bits - 1);
}

function writeInStep(to: BitWriter, value: number, step: number): void {
  if (step === WIDTHS.length) to.bits(0xff, 8);
  else to.bits(2 ** (step + 2) - 2, step + 2);
  to.words(Math.floor(value / 2 ** 32), value, step === WIDTHS.length ? 64 : WIDTHS[step]);
}
