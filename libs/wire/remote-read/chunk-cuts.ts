import { type BucketSpan, type FloatHistogram, isStaleWords, type SampleColumns } from '@xscaler/model';
import { GAUGES, RESET, RESET_NONE, RESET_UNKNOWN, type ResetFlags } from './histogram-chunk.ts';

/** As Prometheus cuts its own. */
const MAX_SAMPLES = 120;
/** Differences of times are exact in the formats up to here, and farther apart nobody wants samples in one chunk. */
const MAX_SPAN_MS = 2 ** 40;
/** Counts above this travel as floats: twice the difference of two must be exact. */
const MAX_INTEGER_COUNT = 2 ** 50;

/** `Chunk.Encoding` of Prometheus' types.proto. */
export const XOR = 1;
export const HISTOGRAM = 2;
export const FLOAT_HISTOGRAM = 3;

export type ChunkEncoding = typeof XOR | typeof HISTOGRAM | typeof FLOAT_HISTOGRAM;

/** Samples of a series that go into one chunk: `from` to `to` (exclusive). */
export interface ChunkCut {
  readonly from: number;
  readonly to: number;
  readonly encoding: ChunkEncoding;
  /** Of histograms; `RESET_UNKNOWN` else. */
  readonly flags: ResetFlags;
}

/**
 * Where the samples of a series are cut into chunks. A reader takes it that within a chunk of histograms the layout stays
 * and no counter is reset (Prometheus, tsdb/chunkenc, `appendable`), so if either happens the next chunk begins.
 */
export function* chunkCuts(samples: SampleColumns): Generator<ChunkCut, void, void> {
  /** Of the chunk that comes next, if the one before says it. */
  let told: ResetFlags | undefined;
  for (let from = 0; from < samples.length; ) {
    const encoding = encodingOf(samples, from);
    const flags = told ?? firstFlags(samples, from);
    told = undefined;
    let to = from + 1;
    while (to < samples.length && encodingOf(samples, to, encoding) === encoding) {
      const step = encoding === XOR ? CONTINUES : stepOf(samples, to, flags);
      const isFull =
        to - from === MAX_SAMPLES || samples.timestamps[to] - samples.timestamps[from] > MAX_SPAN_MS;
      if (step !== CONTINUES) told = step;
      else if (isFull && encoding !== XOR) told = flags === GAUGES ? GAUGES : RESET_NONE;
      if (isFull || step !== CONTINUES) break;
      to++;
    }
    yield { from, to, encoding, flags };
    from = to;
  }
}

/** A staleness marker fits what is before it. */
function encodingOf(samples: SampleColumns, i: number, before?: ChunkEncoding): ChunkEncoding {
  const histogram = samples.histograms?.[i];
  if (histogram === undefined) return XOR;
  if (before !== undefined && before !== XOR && isStale(samples, i)) return before;
  return isIntegral(histogram) ? HISTOGRAM : FLOAT_HISTOGRAM;
}

function isIntegral({ count, zeroCount, positiveBuckets, negativeBuckets }: FloatHistogram): boolean {
  return (
    isCount(count) && isCount(zeroCount) && positiveBuckets.every(isCount) && negativeBuckets.every(isCount)
  );
}

function isCount(count: number): boolean {
  return Number.isInteger(count) && count >= 0 && count <= MAX_INTEGER_COUNT;
}

function isStale({ valueWords }: SampleColumns, i: number): boolean {
  return isStaleWords(valueWords[2 * i], valueWords[2 * i + 1]);
}

/** Of a chunk that no other of its encoding comes before. */
function firstFlags(samples: SampleColumns, i: number): ResetFlags {
  const histogram = samples.histograms?.[i];
  if (histogram === undefined || isStale(samples, i)) return RESET_UNKNOWN;
  if (histogram.counterResetHint === 'gauge') return GAUGES;
  return histogram.counterResetHint === 'reset' ? RESET : RESET_UNKNOWN;
}

const CONTINUES = -1;

/** Whether histogram `i` continues the chunk of the one before; if not, what the flags of its own chunk are. */
function stepOf(samples: SampleColumns, i: number, flags: ResetFlags): ResetFlags | typeof CONTINUES {
  const histogram = samples.histograms?.[i] as FloatHistogram;
  const before = samples.histograms?.[i - 1] as FloatHistogram;
  if (isStale(samples, i)) return CONTINUES;
  const isGauge = histogram.counterResetHint === 'gauge';
  if (isGauge !== (flags === GAUGES)) return firstFlags(samples, i);
  if (isGauge) return !isStale(samples, i - 1) && hasLayoutOf(histogram, before) ? CONTINUES : GAUGES;
  if (histogram.counterResetHint === 'reset') return RESET;
  if (isStale(samples, i - 1) || !hasLayoutOf(histogram, before)) return RESET_UNKNOWN;
  return isBelow(histogram, before) ? RESET : CONTINUES;
}

function hasLayoutOf(a: FloatHistogram, b: FloatHistogram): boolean {
  return (
    a.schema === b.schema &&
    a.zeroThreshold === b.zeroThreshold &&
    areSpansEqual(a.positiveSpans, b.positiveSpans) &&
    areSpansEqual(a.negativeSpans, b.negativeSpans) &&
    a.customValues.length === b.customValues.length &&
    a.customValues.every((bound, i) => bound === b.customValues[i])
  );
}

function areSpansEqual(a: readonly BucketSpan[], b: readonly BucketSpan[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ offset, length }, i) => offset === b[i].offset && length === b[i].length)
  );
}

/** Whether anything that only grows is less than in `before`, which has the same layout. */
function isBelow(histogram: FloatHistogram, before: FloatHistogram): boolean {
  return (
    histogram.count < before.count ||
    histogram.zeroCount < before.zeroCount ||
    histogram.positiveBuckets.some((count, i) => count < before.positiveBuckets[i]) ||
    histogram.negativeBuckets.some((count, i) => count < before.negativeBuckets[i])
  );
}
