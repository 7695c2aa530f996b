/** Where a number literal ends and whether it is one. */
export interface ScannedNumber {
  readonly end: number;
  readonly valid: boolean;
}

/**
 * Scans a decimal, hexadecimal, octal or float literal, with `_` between digits. Where it is not valid,
 * `end` is as far as Prometheus' lexer reads before it gives up, since its error text quotes that far.
 */
export function scanNumber(text: string, from: number): ScannedNumber {
  let i = from;
  let digits = /[0-9]/;
  let hex = false;
  if (text[i] === '0') {
    i++;
    if (text[i] === 'x' || text[i] === 'X') {
      i++;
      if (text[i] === '_') i++;
      digits = /[0-9a-fA-F]/;
      hex = true;
    }
  }
  if (text[i] === '.') i++;
  if (is(digits, text[i])) i++;
  let dot = false;
  let exponent = false;
  for (;;) {
    const character = text[i];
    if (character === '.') {
      i++;
      if (dot) return { end: i, valid: false };
      dot = true;
      if (text[i] === '_' || text[i] === '.') return { end: i + 1, valid: false };
      if (hex) return { end: i, valid: false };
    } else if (character === 'e' || character === 'E') {
      if (exponent) return { end: i + 1, valid: false };
      i++;
      exponent = true;
      if (text[i] === '+' || text[i] === '-') i++;
      if (is(/[._eE]/, text[i])) return { end: i + 1, valid: false };
      if (i >= text.length) return { end: i, valid: false };
    } else if (character === '_') {
      i++;
      if (is(/[._eE]/, text[i])) return { end: i + 1, valid: false };
      if (i >= text.length) return { end: i, valid: false };
    } else if (is(digits, character)) {
      while (is(digits, text[i])) i++;
    } else break;
  }
  return { end: i, valid: i > from && !is(/[A-Za-z0-9_]/, text[i]) };
}

function is(pattern: RegExp, character: string | undefined): boolean {
  return character !== undefined && pattern.test(character);
}

const MAX_INTEGER = 2n ** 63n - 1n;

/**
 * The value of a number token: integers first, with Go's base prefixes (so `017` is 15), then floats.
 * Where it is too large for a double or no number at all, what Go says of it.
 */
export function numberValue(text: string): number | 'invalid syntax' | 'value out of range' {
  // A separator stands between digits, or between the base and the first digit.
  if (/_(?![0-9a-f])/i.test(text) || /(?<!^0x|[0-9a-f])_/i.test(text)) return 'invalid syntax';
  const plain = text.replaceAll('_', '');
  const lower = plain.toLowerCase();
  if (lower === 'inf') return Number.POSITIVE_INFINITY;
  if (lower === 'nan') return Number.NaN;
  const isHex = /^0x[0-9a-f]+$/.test(lower);
  if (isHex || /^0[0-7]+$/.test(plain)) {
    const integer = BigInt(isHex ? lower : `0o${plain}`);
    if (integer <= MAX_INTEGER) return Number(integer);
    if (isHex) return 'invalid syntax';
  }
  const value = Number(plain);
  if (Number.isNaN(value)) return 'invalid syntax';
  return Number.isFinite(value) ? value : 'value out of range';
}
