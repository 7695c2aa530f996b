import { addsSuffixes, escapes, type TranslationStrategy } from './otlp-settings.ts';
import { cleanUnit, unitSuffixes } from './unit-name.ts';

/** What a name's suffix follows from. */
export type NameKind = 'gauge' | 'counter' | 'other';

/**
 * The metric name for an OTLP metric, '' if nothing is left of it, by the rules that the OpenTelemetry
 * specification ("Prometheus and OpenMetrics compatibility") and Prometheus' documentation of
 * `otlp.translation_strategy` give: unit suffix, `_total` for monotonic sums, `_ratio` for gauges of unit 1.
 */
export function metricName(
  name: string,
  unit: string,
  kind: NameKind,
  strategy: TranslationStrategy,
): string {
  if (!escapes(strategy)) return addsSuffixes(strategy) ? suffixed(name, unit, kind) : name;
  const escaped = addsSuffixes(strategy) ? escapedWithSuffixes(name, unit, kind) : escapedAlone(name);
  return escaped !== name && /^_*$/.test(escaped) ? '' : escaped;
}

/** Runs of other characters, underscores too, part a name into words. */
function escapedWithSuffixes(name: string, unit: string, kind: NameKind): string {
  let words = name.split(/[^a-zA-Z0-9:]+/u).filter((word) => word !== '');
  const { main, per } = unitSuffixes(unit);
  const mainWord = cleanUnit(main);
  const perWord = cleanUnit(per).replace(/_$/, '');
  const addsPer = perWord !== '' && perWord !== 'per' && !words.includes(perWord);
  if (mainWord !== '' && !words.includes(mainWord))
    words.push(addsPer ? mainWord.replace(/_$/, '') : mainWord);
  if (addsPer) words.push(perWord);
  if (kind === 'counter') words = [...words.filter((word) => word !== 'total'), 'total'];
  if (kind === 'gauge' && unit === '1') words = [...words.filter((word) => word !== 'ratio'), 'ratio'];
  return withoutFirstDigit(words.join('_'));
}

function escapedAlone(name: string): string {
  return withoutFirstDigit(
    name
      .split(/[^a-zA-Z0-9:_]+/u)
      .filter((word) => word !== '')
      .join('_'),
  );
}

function withoutFirstDigit(name: string): string {
  return /^[0-9]/.test(name) ? `_${name}` : name;
}

/** Suffixes on a name that is kept unchanged: a suffix that it has already moves to its place. */
function suffixed(name: string, unit: string, kind: NameKind): string {
  const { main, per } = unitSuffixes(unit);
  const ending = kind === 'counter' ? 'total' : kind === 'gauge' && unit === '1' ? 'ratio' : '';
  let stem = ending === '' ? name : withoutEnding(name, ending);
  if (per !== '') stem = withoutEnding(stem, per);
  if (main !== '' && !stem.endsWith(main)) stem += `_${main}`;
  if (per !== '') stem += `_${per}`;
  return ending === '' ? stem : `${stem}_${ending}`;
}

/** Without the ending and the character before it, if a name is left. */
function withoutEnding(name: string, ending: string): string {
  return name.endsWith(ending) && name.length > ending.length + 1 ? name.slice(0, -ending.length - 1) : name;
}
