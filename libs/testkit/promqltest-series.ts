import { type CounterResetHint, type FloatHistogram, Labels, METRIC_NAME } from '@xscaler/model';
import { parseTimeMs } from './promqltest-duration.ts';

/** One point of a series description; a `stale` point is a staleness marker. */
export type Point =
  | { readonly kind: 'none' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'histogram'; readonly histogram: FloatHistogram; readonly hintGiven: boolean };

/** How histograms in a sequence grow: `{{…}}+{{…}}xN`. */
export type HistogramStep = (base: FloatHistogram, change: FloatHistogram, sign: 1 | -1) => FloatHistogram;

/**
 * A line of the test language: a label set and its points; or, in an `@st` line, where the start timestamps of its
 * points lie relative to them, ms, undefined if there is none.
 */
export interface SeriesLine {
  readonly labels: Labels;
  readonly points: readonly Point[];
  readonly startOffsetsMs: readonly (number | undefined)[] | undefined;
}

/** Reads `name{label="value", …}` followed by points. @throws Error that names the text it cannot read */
export function parseSeriesLine(line: string, step: HistogramStep): SeriesLine {
  const reader = new Reader(line.trim());
  const labels = readLabels(reader);
  if (reader.accept('@st')) return { labels, points: [], startOffsetsMs: readStartOffsets(reader) };
  return { labels, points: readPoints(reader, step), startOffsetsMs: undefined };
}

class Reader {
  readonly #text: string;
  #pos = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get done(): boolean {
    return this.#pos >= this.#text.length;
  }

  skipSpace(): void {
    this.match(/\s*/y);
  }

  accept(text: string): boolean {
    if (!this.#text.startsWith(text, this.#pos)) return false;
    this.#pos += text.length;
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) throw this.fault(`expected ${text}`);
  }

  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#pos;
    const match = pattern.exec(this.#text);
    if (!match) return undefined;
    this.#pos += match[0].length;
    return match;
  }

  fault(message: string): Error {
    return new Error(`${message} at ${JSON.stringify(this.#text.slice(this.#pos, this.#pos + 40))}`);
  }
}

function readLabels(reader: Reader): Labels {
  const pairs: [string, string][] = [];
  const name = reader.match(/[A-Za-z_:][A-Za-z0-9_:]*/y)?.[0];
  if (name !== undefined) pairs.push([METRIC_NAME, name]);
  if (reader.accept('{')) {
    for (;;) {
      reader.skipSpace();
      if (reader.accept('}')) break;
      const quoted = readString(reader);
      const label = quoted ?? reader.match(/[A-Za-z_][A-Za-z0-9_]*/y)?.[0];
      if (label === undefined) throw reader.fault('expected a label');
      reader.skipSpace();
      if (reader.accept('=')) {
        reader.skipSpace();
        const value = readString(reader);
        if (value === undefined) throw reader.fault('expected a string');
        pairs.push([label, value]);
      } else pairs.push([METRIC_NAME, label]);
      reader.skipSpace();
      reader.accept(',');
    }
  }
  return Labels.from(pairs);
}

function readString(reader: Reader): string | undefined {
  const double = reader.match(/"(?:[^"\\]|\\.)*"/y);
  if (double) return JSON.parse(double[0]) as string;
  const single = reader.match(/'((?:[^'\\]|\\.)*)'/y);
  if (single) return single[1].replace(/\\(.)/g, '$1');
  return reader.match(/`([^`]*)`/y)?.[1];
}

const NUMBER = /[+-]?(?:inf|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/iy;

function readNumber(reader: Reader): number | undefined {
  const text = reader.match(NUMBER)?.[0];
  return text === undefined ? undefined : toNumber(text);
}

function toNumber(text: string): number {
  const infinite = /^([+-]?)inf$/i.exec(text);
  if (infinite) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}

function readRepeats(reader: Reader): number | undefined {
  const text = reader.match(/x(\d+)/y)?.[1];
  return text === undefined ? undefined : Number(text);
}

function readPoints(reader: Reader, step: HistogramStep): Point[] {
  const points: Point[] = [];
  for (;;) {
    reader.skipSpace();
    if (reader.done) return points;
    if (reader.accept('{{')) readHistogramRun(reader, step, points);
    else if (reader.match(/_(?![A-Za-z0-9_]*[A-Za-wyz])/y)) {
      const count = readRepeats(reader) ?? 1;
      for (let i = 0; i < count; i++) points.push({ kind: 'none' });
    } else if (reader.accept('stale')) {
      const count = readRepeats(reader) ?? 0;
      for (let i = 0; i <= count; i++) points.push({ kind: 'stale' });
    } else readFloatRun(reader, points);
  }
}

/** As points are written, with durations in place of values. */
function readStartOffsets(reader: Reader): (number | undefined)[] {
  const offsets: (number | undefined)[] = [];
  for (;;) {
    reader.skipSpace();
    if (reader.done) return offsets;
    if (reader.accept('_')) {
      const count = readRepeats(reader) ?? 1;
      for (let i = 0; i < count; i++) offsets.push(undefined);
      continue;
    }
    let offsetMs = readDurationMs(reader);
    if (offsetMs === undefined) throw reader.fault('expected a duration');
    const change = readDurationMs(reader);
    // As with values: `-1mx2` is three times −1m, `-30s-1mx2` is −30s, −1m30s, −2m30s.
    const repeats = readRepeats(reader) ?? 0;
    for (let i = 0; i <= repeats; i++) {
      offsets.push(offsetMs);
      offsetMs += change ?? 0;
    }
  }
}

function readDurationMs(reader: Reader): number | undefined {
  const text = reader.match(/[+-]?(?:(?:\d+(?:ms|[smhdwy]))+|0(?!\d))/y)?.[0];
  return text === undefined ? undefined : parseTimeMs(text);
}

function readFloatRun(reader: Reader, points: Point[]): void {
  let value = readNumber(reader);
  if (value === undefined) throw reader.fault('expected a point');
  let repeats = readRepeats(reader);
  let increment = 0;
  if (repeats === undefined) {
    const change = readNumber(reader);
    if (change !== undefined) {
      increment = change;
      repeats = readRepeats(reader);
      if (repeats === undefined) throw reader.fault('expected a repetition');
    }
  }
  for (let i = 0; i <= (repeats ?? 0); i++) {
    points.push({ kind: 'float', value });
    value += increment;
  }
}

function readHistogramRun(reader: Reader, step: HistogramStep, points: Point[]): void {
  const base = readHistogram(reader);
  const sign = reader.match(/[+-](?=\{\{)/y)?.[0];
  if (sign === undefined) {
    const repeats = readRepeats(reader) ?? 0;
    for (let i = 0; i <= repeats; i++) points.push({ kind: 'histogram', ...base });
    return;
  }
  reader.expect('{{');
  const change = readHistogram(reader);
  const repeats = readRepeats(reader);
  if (repeats === undefined) throw reader.fault('expected a repetition');
  let current = base;
  points.push({ kind: 'histogram', ...base });
  for (let i = 0; i < repeats; i++) {
    const histogram = step(current.histogram, change.histogram, sign === '+' ? 1 : -1);
    current = {
      histogram: {
        ...histogram,
        counterResetHint: change.hintGiven ? change.histogram.counterResetHint : 'unknown',
      },
      hintGiven: change.hintGiven,
    };
    points.push({ kind: 'histogram', ...current });
  }
}

/** Reads the inside of `{{…}}`, the opening already taken. */
function readHistogram(reader: Reader): { histogram: FloatHistogram; hintGiven: boolean } {
  const fields = new Map<string, number | number[] | string>();
  for (;;) {
    reader.skipSpace();
    if (reader.accept('}}')) break;
    const key = reader.match(/([a-z_]+):/y)?.[1];
    if (key === undefined) throw reader.fault('expected a histogram field');
    if (key === 'counter_reset_hint') fields.set(key, reader.match(/[a-z_]+/y)?.[0] ?? '');
    else if (reader.accept('[')) fields.set(key, readList(reader));
    else fields.set(key, readNumber(reader) ?? Number.NaN);
  }
  const number = (key: string) => (fields.get(key) as number | undefined) ?? 0;
  const list = (key: string) => (fields.get(key) as number[] | undefined) ?? [];
  const span = (offset: number, counts: number[]) =>
    counts.length === 0 ? [] : [{ offset, length: counts.length }];
  const histogram: FloatHistogram = {
    schema: number('schema'),
    zeroThreshold: number('z_bucket_w'),
    zeroCount: number('z_bucket'),
    count: number('count'),
    sum: number('sum'),
    positiveSpans: span(number('offset'), list('buckets')),
    positiveBuckets: list('buckets'),
    negativeSpans: span(number('n_offset'), list('n_buckets')),
    negativeBuckets: list('n_buckets'),
    customValues: list('custom_values'),
    counterResetHint: (fields.get('counter_reset_hint') as CounterResetHint | undefined) ?? 'unknown',
  };
  return { histogram, hintGiven: fields.has('counter_reset_hint') };
}

function readList(reader: Reader): number[] {
  const numbers: number[] = [];
  for (;;) {
    reader.skipSpace();
    if (reader.accept(']')) return numbers;
    const number = readNumber(reader);
    if (number === undefined) throw reader.fault('expected a number');
    numbers.push(number);
  }
}
