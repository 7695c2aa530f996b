import type { BucketSpan, FloatHistogram } from '@xscaler/model';

const COARSEST_SCHEMA = -4;
const FINEST_SCHEMA = 8;
/** Buckets of custom bounds. */
export const CUSTOM_SCHEMA = -53;

const MAX_INDEX = 2 ** 31 - 1;

/**
 * What keeps a histogram from being stored, in the terms of Prometheus' documented checks (`model/histogram`,
 * `Validate`), or undefined. The counts of an integer histogram must add up, those of a float histogram need not,
 * since floats don't.
 */
export function nativeHistogramFault(histogram: FloatHistogram, isInteger: boolean): string | undefined {
  const { schema, positiveSpans, positiveBuckets, negativeSpans, negativeBuckets } = histogram;
  if (schema === CUSTOM_SCHEMA) {
    const fault = customBoundsFault(histogram);
    if (fault !== undefined) return fault;
  } else if (!Number.isInteger(schema) || schema < COARSEST_SCHEMA || schema > FINEST_SCHEMA) {
    return `schema ${schema}, known are ${COARSEST_SCHEMA} to ${FINEST_SCHEMA} and ${CUSTOM_SCHEMA}`;
  }
  if (!spansFit(positiveSpans, positiveBuckets.length)) return 'positive spans and buckets do not fit';
  if (!spansFit(negativeSpans, negativeBuckets.length)) return 'negative spans and buckets do not fit';
  return countFault(histogram, isInteger);
}

/** Whether spans say where exactly `bucketCount` buckets are, each after the one before. */
export function spansFit(spans: readonly BucketSpan[], bucketCount: number): boolean {
  let index = 0;
  let buckets = 0;
  for (const [i, { offset, length }] of spans.entries()) {
    if (i > 0 && offset < 0) return false;
    index += offset + length;
    buckets += length;
    if (Math.abs(offset) > MAX_INDEX || Math.abs(index) > MAX_INDEX || buckets > bucketCount) return false;
  }
  return buckets === bucketCount;
}

function countFault(histogram: FloatHistogram, isInteger: boolean): string | undefined {
  const { zeroCount, zeroThreshold, count, positiveBuckets, negativeBuckets } = histogram;
  if (!(zeroThreshold >= 0)) return `a zero threshold of ${zeroThreshold}`;
  if (!(zeroCount >= 0)) return `${zeroCount} observations in the zero bucket`;
  if (!(count >= 0)) return `${count} observations`;
  for (const buckets of [positiveBuckets, negativeBuckets]) {
    for (const one of buckets) if (!(one >= 0)) return `${one} observations in a bucket`;
  }
  if (!isInteger || countsAddUp(histogram)) return undefined;
  return `${observationsInBuckets(histogram)} observations in buckets, ${count} in all`;
}

/**
 * Whether the buckets have as many observations as there are in all, as those of an integer histogram must. NaNs are
 * observed too, but are in no bucket; the sum says whether there were any.
 */
export function countsAddUp(histogram: FloatHistogram): boolean {
  const { sum, count } = histogram;
  const inBuckets = observationsInBuckets(histogram);
  return Number.isNaN(sum) ? inBuckets <= count : inBuckets === count;
}

function observationsInBuckets({ zeroCount, positiveBuckets, negativeBuckets }: FloatHistogram): number {
  let inBuckets = zeroCount;
  for (const one of positiveBuckets) inBuckets += one;
  for (const one of negativeBuckets) inBuckets += one;
  return inBuckets;
}

function customBoundsFault(histogram: FloatHistogram): string | undefined {
  const { customValues, zeroCount, zeroThreshold, negativeSpans, negativeBuckets, positiveSpans } = histogram;
  if (zeroCount !== 0 || zeroThreshold !== 0) return 'a zero bucket besides custom bounds';
  if (negativeSpans.length > 0 || negativeBuckets.length > 0) return 'negative buckets besides custom bounds';
  for (let i = 0; i < customValues.length; i++) {
    const bound = customValues[i];
    if (Number.isNaN(bound) || bound === Number.POSITIVE_INFINITY) return `a custom bound of ${bound}`;
    if (i > 0 && bound <= customValues[i - 1]) return 'custom bounds that do not ascend';
  }
  let end = 0;
  for (const { offset, length } of positiveSpans) end += offset + length;
  if ((positiveSpans[0]?.offset ?? 0) < 0 || end > customValues.length + 1) {
    return 'buckets beyond the custom bounds';
  }
  return undefined;
}
