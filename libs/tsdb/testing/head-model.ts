import type { HistogramFields } from '@xscaler/encoding';
import { type Exemplar, Labels, Matcher, type MatchType, SampleColumns, seriesId } from '@xscaler/model';
import fc from 'fast-check';
import { SeriesMerger } from '../frame/series-merger.ts';
import type { Head } from '../head/head.ts';
import type { MatcherSets } from '../postings/selector.ts';
import { histogramBytes, histogramFields } from './histogram-arbitraries.ts';
import { valueWords } from './sample-arbitraries.ts';

/*
 * What tests compare heads and blocks with: the same appends, held in the plainest way there is.
 */
export const TENANT = 'demo';
export const WINDOW_START_MS = 1_700_006_400_000;
export const WINDOW_MS = 7_200_000;

export interface Append {
  readonly series: number;
  readonly timestampMs: number;
  readonly low: number;
  readonly high: number;
  /** A native histogram; its sum is the value. */
  readonly histogram?: HistogramFields | undefined;
  readonly startMs?: number | undefined;
}

export interface ReadSeries {
  readonly labels: string;
  /** Time, low word, high word of each sample, and what `noteOf` says of it. */
  readonly samples: readonly (readonly [number, number, number, string])[];
}

/** A sample's histogram, its sum left out, and its start timestamp as text; empty if it has neither. */
function noteOf(histogram: object | undefined, startMs: number): string {
  if (histogram === undefined && startMs === 0) return '';
  const text = JSON.stringify(
    Object.entries({ ...histogram, sum: 0 }).sort(([a], [b]) => (a < b ? -1 : 1)),
    (_, value) => (typeof value === 'number' && !(value < 0 || value > 0) ? String(1 / value) : value),
  );
  return `${histogram === undefined ? '' : text} from ${startMs}`;
}

interface ModelSample {
  readonly low: number;
  readonly high: number;
  /** Without start timestamp: what has to be equal for a sample to be the same. */
  readonly value: string;
  readonly note: string;
}

const METRICS = ['up', 'http_requests_total', 'node_cpu', 'größe'];
const JOBS = ['api', 'db', 'web', ''];
const INSTANCES = ['a:1', 'b:1', 'c:1', 'd:1', 'e:1'];

/** The label sets that tests append to, all distinct. */
export const MODEL_LABELS: readonly Labels[] = METRICS.flatMap((metric) =>
  JOBS.flatMap((job) => INSTANCES.map((instance) => Labels.of({ __name__: metric, job, instance }))),
);

export function wordsOfId(labels: Labels): Int32Array {
  return new Int32Array(new Uint8Array(seriesId(TENANT, labels)).buffer);
}

export class HeadModel {
  readonly series = new Map<number, Map<number, ModelSample>>();
  readonly exemplars = new Map<number, Exemplar[]>();

  /** 0 stored, 1 there with the same value, 2 there with another. */
  append({ series, timestampMs, low, high, histogram, startMs }: Append): number {
    const samples = this.series.get(series) ?? new Map<number, ModelSample>();
    this.series.set(series, samples);
    const value = noteOf(histogram, 0);
    const there = samples.get(timestampMs);
    if (there !== undefined) return there.low === low && there.high === high && there.value === value ? 1 : 2;
    samples.set(timestampMs, { low, high, value, note: noteOf(histogram, startMs ?? 0) });
    return 0;
  }

  matching(matcherSets: MatcherSets): number[] {
    return [...this.series.keys()].filter((series) => {
      const labels = MODEL_LABELS[series];
      const satisfies = (matchers: readonly Matcher[]) =>
        matchers.every((m) => m.matches(labels.get(m.name)));
      return matcherSets.length === 0 || matcherSets.some(satisfies);
    });
  }

  read(matcherSets: MatcherSets, startMs: number, endMs: number): ReadSeries[] {
    const found: ReadSeries[] = [];
    for (const series of this.matching(matcherSets)) {
      const samples = [...(this.series.get(series) as Map<number, ModelSample>)]
        .filter(([t]) => t >= startMs && t <= endMs)
        .sort(([a], [b]) => a - b)
        .map(([t, { low, high, note }]) => [t, low, high, note] as const);
      if (samples.length > 0) found.push({ labels: MODEL_LABELS[series].toString(), samples });
    }
    return found.sort(byLabels);
  }
}

function byLabels(a: ReadSeries, b: ReadSeries): number {
  return a.labels < b.labels ? -1 : 1;
}

/** Appends to the series of a head, which it creates if it must. */
export function appendTo(head: Head, { series, timestampMs, low, high, histogram, startMs }: Append): number {
  const slot = slotOf(head, series);
  if (histogram === undefined && startMs === undefined) return head.append(slot, timestampMs, low, high);
  const bytes = histogram && histogramBytes(histogram);
  return head.appendNoted(slot, timestampMs, low, high, startMs ?? 0, bytes);
}

export function slotOf(head: Head, series: number): number {
  const labels = MODEL_LABELS[series];
  const [w0, w1, w2, w3] = wordsOfId(labels);
  const slot = head.find(w0, w1, w2, w3);
  return slot >= 0 ? slot : head.create(w0, w1, w2, w3, labels);
}

/** What frames say, merged; series without samples within the bounds left out. */
export function readFrames(frames: Iterable<Uint8Array>, startMs: number, endMs: number): ReadSeries[] {
  const merger = new SeriesMerger();
  for (const frame of frames) merger.addFrame(frame);
  const found: ReadSeries[] = [];
  const columns = new SampleColumns(1);
  for (const series of merger.finish(startMs, endMs)) {
    columns.reset();
    series.read(columns);
    if (columns.length > 0) found.push({ labels: series.labels.toString(), samples: columnRows(columns) });
  }
  return found.sort(byLabels);
}

export function columnRows(columns: SampleColumns): [number, number, number, string][] {
  return Array.from({ length: columns.length }, (_, i) => [
    columns.timestamps[i],
    columns.valueWords[2 * i] | 0,
    columns.valueWords[2 * i + 1] | 0,
    noteOf(columns.histograms?.[i], columns.startTimes?.[i] ?? 0),
  ]);
}

const start = fc.constantFrom(
  undefined,
  0,
  WINDOW_START_MS - 77,
  WINDOW_START_MS - 77,
  WINDOW_START_MS - 5,
  -3,
);
const maybeHistogram = fc.option(histogramFields, { nil: undefined, freq: 1 });

/** As `floatAppends`, some of them of native histograms or with start timestamps. */
function notedAppends(maxLength: number): fc.Arbitrary<Append[]> {
  const note = fc.oneof(
    { weight: 3, arbitrary: fc.constant({ histogram: undefined, startMs: undefined }) },
    {
      weight: 2,
      arbitrary: fc.tuple(maybeHistogram, start).map(([histogram, startMs]) => ({ histogram, startMs })),
    },
  );
  const notes = fc.array(note, { minLength: 1, maxLength: 30 });
  return fc
    .tuple(floatAppends(maxLength), notes)
    .map(([given, noted]) => given.map((one, i) => ({ ...one, ...noted[i % noted.length] })));
}

/** Appends in any order: many to a few series, most in order, some late, some of them doubles; floats alone or all kinds. */
export function appends(maxLength: number): fc.Arbitrary<Append[]> {
  return fc.oneof(floatAppends(maxLength), notedAppends(maxLength));
}

function floatAppends(maxLength: number): fc.Arbitrary<Append[]> {
  const series = fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 0, max: MODEL_LABELS.length - 1 }));
  const when = fc.oneof(
    { weight: 4, arbitrary: fc.record({ back: fc.constant(0), by: fc.integer({ min: 1, max: 30_000 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({ back: fc.integer({ min: 1, max: 20 }), by: fc.constantFrom(0, 1, 500) }),
    },
  );
  return fc.array(fc.tuple(series, when, valueWords), { maxLength, size: 'max' }).map((steps) => {
    const times: number[] = [];
    let last = WINDOW_START_MS;
    return steps.map(([number, { back, by }, [low, high]]) => {
      // Late samples fall on times that were used before, or close to them.
      const timestampMs = back === 0 ? last + by : (times.at(-back) ?? WINDOW_START_MS) + by;
      const bounded = Math.min(timestampMs, WINDOW_START_MS + WINDOW_MS - 1);
      last = Math.max(last, bounded);
      times.push(bounded);
      return { series: number, timestampMs: bounded, low, high };
    });
  });
}

const matcher: fc.Arbitrary<Matcher> = fc
  .tuple(
    fc.constantFrom<MatchType>('=', '!=', '=~', '!~'),
    fc.constantFrom('__name__', 'job', 'instance', 'absent'),
    fc.constantFrom(
      '',
      'up',
      'api',
      'a:1',
      'nothing',
      '.*',
      '.+',
      'api|db',
      'a.*',
      '.*b.*',
      '[a-c]:1',
      'api|',
      'größe',
    ),
  )
  .map(([type, name, value]) => new Matcher(type, name, value));

export const matcherSets: fc.Arbitrary<Matcher[][]> = fc.array(fc.array(matcher, { maxLength: 3 }), {
  maxLength: 3,
});

export const bounds: fc.Arbitrary<readonly [number, number]> = fc.oneof(
  fc.constant([-Infinity, Infinity] as const),
  fc
    .tuple(fc.integer({ min: -1000, max: WINDOW_MS }), fc.integer({ min: 0, max: WINDOW_MS }))
    .map(([start, length]) => [WINDOW_START_MS + start, WINDOW_START_MS + start + length] as const),
);
