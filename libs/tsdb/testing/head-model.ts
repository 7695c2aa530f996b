import { type Exemplar, Labels, Matcher, type MatchType, SampleColumns, seriesId } from '@xscaler/model';
import fc from 'fast-check';
import type { Head } from '../head.ts';
import type { MatcherSets } from '../selector.ts';
import { SeriesMerger } from '../series-merger.ts';
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
}

export interface ReadSeries {
  readonly labels: string;
  /** Time, low word, high word of each sample. */
  readonly samples: readonly (readonly [number, number, number])[];
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
  readonly series = new Map<number, Map<number, readonly [number, number]>>();
  readonly exemplars = new Map<number, Exemplar[]>();

  /** 0 stored, 1 there with the same value, 2 there with another. */
  append({ series, timestampMs, low, high }: Append): number {
    const samples = this.series.get(series) ?? new Map<number, readonly [number, number]>();
    this.series.set(series, samples);
    const there = samples.get(timestampMs);
    if (there !== undefined) return there[0] === low && there[1] === high ? 1 : 2;
    samples.set(timestampMs, [low, high]);
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
      const samples = [...(this.series.get(series) as Map<number, readonly [number, number]>)]
        .filter(([t]) => t >= startMs && t <= endMs)
        .sort(([a], [b]) => a - b)
        .map(([t, [low, high]]) => [t, low, high] as const);
      if (samples.length > 0) found.push({ labels: MODEL_LABELS[series].toString(), samples });
    }
    return found.sort(byLabels);
  }
}

function byLabels(a: ReadSeries, b: ReadSeries): number {
  return a.labels < b.labels ? -1 : 1;
}

/** Appends to the series of a head, which it creates where it must. */
export function appendTo(head: Head, { series, timestampMs, low, high }: Append): number {
  return head.append(slotOf(head, series), timestampMs, low, high);
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

export function columnRows(columns: SampleColumns): [number, number, number][] {
  return Array.from({ length: columns.length }, (_, i) => [
    columns.timestamps[i],
    columns.valueWords[2 * i] | 0,
    columns.valueWords[2 * i + 1] | 0,
  ]);
}

/** Appends in any order: many to a few series, most in order, some late, some of them doubles. */
export function appends(maxLength: number): fc.Arbitrary<Append[]> {
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
