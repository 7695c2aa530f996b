/** Words for UCUM units, as Prometheus' OTLP receiver has them. */
const UNITS: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  TiBy: 'tibibytes',
  KBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  TBy: 'terabytes',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '1': '',
  '%': 'percent',
};

const PER_UNITS: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  mo: 'month',
  y: 'year',
};

/** The words for both sides of a unit like `By/s` ("bytes", "per_second"), '' if there is nothing to say; `{…}` is a remark. */
export function unitSuffixes(unit: string): { readonly main: string; readonly per: string } {
  const slash = unit.indexOf('/');
  const main = word(slash < 0 ? unit : unit.slice(0, slash), UNITS);
  const per = slash < 0 ? '' : word(unit.slice(slash + 1), PER_UNITS);
  return { main, per: per === '' ? '' : `per_${per}` };
}

function word(unit: string, words: Readonly<Record<string, string>>): string {
  const trimmed = unit.trim();
  if (/[{}]/.test(trimmed)) return '';
  return Object.hasOwn(words, trimmed) ? words[trimmed] : trimmed;
}

/** With an underscore for each run of characters that a name can't have, none in front. */
export function cleanUnit(unit: string): string {
  return unit.replace(/[^a-zA-Z0-9:]+/gu, '_').replace(/^_/, '');
}

/** A metric's unit for its metadata: `By/s` is `bytes_per_second`. */
export function unitName(unit: string, escaping: boolean): string {
  const { main, per } = unitSuffixes(unit);
  const words = escaping ? [cleanUnit(main), cleanUnit(per)] : [main, per];
  return words
    .filter((part) => part !== '')
    .join('_')
    .replace(/^_|_$/g, '');
}
