/**
 * A sample value as the Prometheus HTTP API spells it: the shortest decimal that reads back the same,
 * with an exponent only below 1e-6 and from 1e21 on.
 */
export function formatSampleValue(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return Object.is(value, -0) ? '-0' : String(value);
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return padExponent(String(value));
}

/** Go writes at least two digits of exponent. */
function padExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** The shortest decimal that reads back the same, never with an exponent (Go's `'f', -1`). */
export function formatShortest(value: number): string {
  const text = formatSampleValue(value);
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const [, sign, whole, fraction = '', exponent] = match;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, '0')}`;
}

/** Go's `'g', -1`, as `%v` and `%g` print a float: an exponent below 1e-4 and from 1e21 on. */
export function formatGeneral(value: number): string {
  const magnitude = Math.abs(value);
  if (value === 0 || !Number.isFinite(value) || (magnitude >= 1e-4 && magnitude < 1e21)) {
    return formatSampleValue(value);
  }
  return padExponent(value.toExponential());
}

/** A timestamp as the Prometheus HTTP API spells it: seconds, with three decimals unless they are zero. */
export function formatTimestampMs(timestampMs: number): string {
  const magnitude = Math.abs(timestampMs);
  const fraction = magnitude % 1000;
  const seconds = (magnitude - fraction) / 1000;
  const sign = timestampMs < 0 ? '-' : '';
  if (fraction === 0) return `${sign}${seconds}`;
  return `${sign}${seconds}.${String(fraction).padStart(3, '0')}`;
}
