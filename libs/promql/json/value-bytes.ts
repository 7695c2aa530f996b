import { formatSampleValue } from '../numbers/number-format.ts';

/*
 * Doubles as the shortest decimals that read back the same, as ASCII bytes.
 *
 * A positive v that is not an integer is scaled to S = v × 10^k with 17 digits before the point. As 10^k ≤ 10^22 is a double
 * itself, S is exact as a sum of two doubles (Dekker's product). The decimals that read back as v are those within half
 * a unit in the last place, H after scaling, of S: the shortest is the nearest multiple of 100, of 10 or of 1 within,
 * trailing zeros taken off, since H < 12. Where S is so close to a border between two outcomes that the arithmetic
 * below can't tell, JavaScript's own conversion decides.
 */

/** Bytes that a value takes at most. */
export const MAX_VALUE_BYTES = 32;

const HALF = 1e8;
/** How exactly the lower half of S is known, with much to spare. */
const UNSURE = 1e-5;
/** Exponents of two of the numbers written here: 1e-6 ≤ v < 2^53. */
const LEAST_EXPONENT = -20;
const SPLITTER = 2 ** 27 + 1;
const MOST_DIGITS = 22;

const POWERS = Float64Array.from({ length: MOST_DIGITS + 1 }, (_, i) => Number(`1e${i}`));
const POWERS_HIGH = POWERS.map((power) => power * SPLITTER - (power * SPLITTER - power));
const POWERS_LOW = POWERS.map((power, i) => power - POWERS_HIGH[i]);
/** From 1e-7 on. */
const DECADES = Float64Array.from({ length: 24 }, (_, i) => Number(`1e${i - 7}`));
/** Half a unit in the last place, by exponent of two from LEAST_EXPONENT on. */
const HALF_UNITS = Float64Array.from({ length: 80 }, (_, i) => 2 ** (i + LEAST_EXPONENT - 53));

const TWO_DIGITS = Uint8Array.from({ length: 200 }, (_, i) => {
  const pair = i >> 1;
  return 48 + (i % 2 === 0 ? Math.floor(pair / 10) : pair % 10);
});

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

/**
 * Writes what `formatSampleValue` gives into `bytes`, in which there is room for MAX_VALUE_BYTES from `at` on.
 * @returns where the next byte goes
 */
export function writeSampleValue(value: number, bytes: Uint8Array, at: number): number {
  let positive = value;
  if (value < 0) {
    bytes[at++] = 0x2d;
    positive = -value;
  }
  if (positive < 2 ** 53 && positive === Math.floor(positive)) {
    if (positive !== 0 || 1 / value > 0) return writeInteger(positive, bytes, at);
  } else if (positive >= 1e-6 && positive < 2 ** 53) {
    const end = writeFraction(positive, bytes, at);
    if (end > 0) return end;
  }
  const text = formatSampleValue(value);
  if (value < 0) at--;
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}

/** An integer of at most 2^53. */
function writeInteger(value: number, bytes: Uint8Array, at: number): number {
  if (value >= HALF) {
    const upper = Math.floor(value / HALF);
    at = writeSmall(upper | 0, bytes, at);
    writeEight((value - upper * HALF) | 0, bytes, at);
    return at + 8;
  }
  return writeSmall(value | 0, bytes, at);
}

/** An integer below 10^8. */
function writeSmall(value: number, bytes: Uint8Array, at: number): number {
  let end = at + 1;
  for (let rest = value; rest >= 10; rest = (rest / 10) | 0) end++;
  for (let i = end - 1, rest = value; i >= at; i--) {
    const next = (rest / 10) | 0;
    bytes[i] = 48 + rest - next * 10;
    rest = next;
  }
  return end;
}

/** Eight digits, leading zeros among them. */
function writeEight(value: number, bytes: Uint8Array, at: number): void {
  const upper = (value / 10_000) | 0;
  writeFour(upper, bytes, at);
  writeFour(value - upper * 10_000, bytes, at + 4);
}

function writeFour(value: number, bytes: Uint8Array, at: number): void {
  const upper = (value / 100) | 0;
  const lower = value - upper * 100;
  bytes[at] = TWO_DIGITS[2 * upper];
  bytes[at + 1] = TWO_DIGITS[2 * upper + 1];
  bytes[at + 2] = TWO_DIGITS[2 * lower];
  bytes[at + 3] = TWO_DIGITS[2 * lower + 1];
}

/** A number that is not an integer, 1e-6 ≤ value < 2^53. @returns where the next byte goes, or 0 if it can't tell */
function writeFraction(value: number, bytes: Uint8Array, at: number): number {
  double[0] = value;
  // Below a power of two the doubles lie twice as close.
  if (words[0] === 0 && (words[1] & 0xfffff) === 0) return 0;
  const exponent = (words[1] >>> 20) - 1023;
  // 1233 / 4096 is log10(2), a little less.
  let digitsBefore = ((exponent * 1233) >> 12) + 1;
  if (value >= DECADES[digitsBefore + 7]) digitsBefore++;
  const k = 17 - digitsBefore;
  if (k > MOST_DIGITS) return 0;

  const power = POWERS[k];
  const product = value * power;
  const valueHigh = value * SPLITTER - (value * SPLITTER - value);
  const valueLow = value - valueHigh;
  const powerHigh = POWERS_HIGH[k];
  const powerLow = POWERS_LOW[k];
  const rounding =
    valueHigh * powerHigh - product + valueHigh * powerLow + valueLow * powerHigh + valueLow * powerLow;
  let upper = Math.floor(product / HALF);
  let lower = nearestShort(product - upper * HALF + rounding, HALF_UNITS[exponent - LEAST_EXPONENT] * power);
  if (lower < 0) {
    if (lower === UNKNOWN) return 0;
    lower += HALF;
    upper--;
  } else if (lower >= HALF) {
    lower -= HALF;
    upper++;
  }
  if (upper < HALF || upper >= 10 * HALF) return 0;
  return writeDigits(upper | 0, lower | 0, digitsBefore, bytes, at);
}

const UNKNOWN = -1e9;

/** The integer with the most zeros at its end within `half` of `exact`, the nearest of them; UNKNOWN if that is open. */
function nearestShort(exact: number, half: number): number {
  const hundreds = Math.round(exact / 100) * 100;
  const offHundreds = Math.abs(exact - hundreds);
  if (offHundreds < half - UNSURE) return hundreds;
  if (offHundreds < half + UNSURE) return UNKNOWN;
  const tens = Math.round(exact / 10) * 10;
  const offTens = Math.abs(exact - tens);
  if (offTens < half - UNSURE) return offTens > 5 - UNSURE ? UNKNOWN : tens;
  if (offTens < half + UNSURE) return UNKNOWN;
  const ones = Math.round(exact);
  return Math.abs(exact - ones) > 0.5 - UNSURE ? UNKNOWN : ones;
}

/** 17 digits, nine in `upper`, with a point behind the first `before` of them, without the zeros at the end. */
function writeDigits(upper: number, lower: number, before: number, bytes: Uint8Array, at: number): number {
  if (before <= 0) {
    bytes[at++] = 0x30;
    bytes[at++] = 0x2e;
    for (let i = before; i < 0; i++) bytes[at++] = 0x30;
  }
  // Room for the point is left before the digits; those in front of it then move there.
  const first = before > 0 ? at + 1 : at;
  const leading = (upper / HALF) | 0;
  bytes[first] = 48 + leading;
  writeEight(upper - leading * HALF, bytes, first + 1);
  writeEight(lower, bytes, first + 9);
  if (before > 0) {
    for (let i = at; i < at + before; i++) bytes[i] = bytes[i + 1];
    bytes[at + before] = 0x2e;
  }
  let end = first + 17;
  while (bytes[end - 1] === 0x30) end--;
  return end;
}
