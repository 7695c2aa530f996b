import type { FloatHistogram, Labels } from '@xscaler/model';
import type { Point } from './promqltest-series.ts';

/** Values closer than this, relatively, are equal. */
const TOLERANCE = 1e-6;

export function nearlyEqual(a: number, b: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  const sum = Math.abs(a) + Math.abs(b);
  return Math.abs(a - b) / Math.min(sum, Number.MAX_VALUE) < TOLERANCE;
}

/** A sample of a result, compared with a point of a script. */
export interface ResultSample {
  readonly timestampMs: number;
  readonly value: number;
  readonly histogram: FloatHistogram | undefined;
}

/** What is wrong with a series' samples, or undefined. */
export function compareSamples(
  labels: Labels,
  expected: readonly { timestampMs: number; point: Point }[],
  actual: readonly ResultSample[],
): string | undefined {
  if (expected.length !== actual.length) {
    return `${labels}: expected ${expected.length} samples, got ${actual.length}: ${showSamples(actual)}`;
  }
  for (let i = 0; i < expected.length; i++) {
    const { timestampMs, point } = expected[i];
    const sample = actual[i];
    if (timestampMs !== sample.timestampMs) {
      return `${labels}: expected a sample at ${timestampMs}, got one at ${sample.timestampMs}`;
    }
    const fault = comparePoint(point, sample);
    if (fault) return `${labels} at ${timestampMs}: ${fault}`;
  }
  return undefined;
}

function showSamples(samples: readonly ResultSample[]): string {
  return samples.map(({ timestampMs, value }) => `${value}@${timestampMs}`).join(' ');
}

function comparePoint(point: Point, sample: ResultSample): string | undefined {
  if (point.kind === 'histogram') {
    if (!sample.histogram) return `expected a histogram, got ${sample.value}`;
    return compareHistograms(point.histogram, sample.histogram, point.hintGiven);
  }
  if (sample.histogram)
    return `expected ${describe(point)}, got a histogram ${JSON.stringify(sample.histogram)}`;
  if (point.kind !== 'float' || !nearlyEqual(point.value, sample.value)) {
    return `expected ${describe(point)}, got ${sample.value}`;
  }
  return undefined;
}

function describe(point: Point): string {
  return point.kind === 'float' ? String(point.value) : point.kind;
}

function compareHistograms(
  expected: FloatHistogram,
  actual: FloatHistogram,
  withHint: boolean,
): string | undefined {
  const differs = (what: string) =>
    `${what} differs: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`;
  if (expected.schema !== actual.schema) return differs('schema');
  for (const field of ['count', 'sum', 'zeroCount', 'zeroThreshold'] as const) {
    if (!nearlyEqual(expected[field], actual[field])) return differs(field);
  }
  if (expected.customValues.length !== actual.customValues.length) return differs('customValues');
  if (expected.customValues.some((value, i) => value !== actual.customValues[i]))
    return differs('customValues');
  if (!sameBuckets(expected, actual, 'positive')) return differs('positive buckets');
  if (!sameBuckets(expected, actual, 'negative')) return differs('negative buckets');
  if (withHint && expected.counterResetHint !== actual.counterResetHint) return differs('counter reset hint');
  return undefined;
}

/** Whether two histograms have the same counts at the same indices, empty buckets left out. */
function sameBuckets(a: FloatHistogram, b: FloatHistogram, side: 'positive' | 'negative'): boolean {
  const left = countsByIndex(a, side);
  const right = countsByIndex(b, side);
  if (left.size !== right.size) return false;
  for (const [index, count] of left) {
    const other = right.get(index);
    if (other === undefined || !nearlyEqual(count, other)) return false;
  }
  return true;
}

function countsByIndex(histogram: FloatHistogram, side: 'positive' | 'negative'): Map<number, number> {
  const spans = side === 'positive' ? histogram.positiveSpans : histogram.negativeSpans;
  const counts = side === 'positive' ? histogram.positiveBuckets : histogram.negativeBuckets;
  const found = new Map<number, number>();
  let index = 0;
  let next = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++, index++) {
      const count = counts[next++];
      if (count !== 0) found.set(index, count);
    }
  }
  return found;
}
