import { type FloatHistogram, METRIC_NAME, STALE_HIGH, STALE_LOW } from '@xscaler/model';
import { nativeHistogramFault } from '../histogram/native-histogram-fault.ts';
import { HISTOGRAM_MAX_BUCKETS } from '../histogram/native-histogram-reader.ts';
import type { SourceFault } from '../labels/series-source.ts';
import type { DataPoint } from './data-point.ts';
import { plainDecimal } from './decimal.ts';
import { EXPONENTIAL_HISTOGRAM, HISTOGRAM, SUMMARY } from './metrics-walk.ts';
import { COARSEST_SCALE, fromExplicit, fromExponential } from './native-histograms.ts';

/** What a series is to its point; part of the series' hash, so a number never gets another meaning. */
const PLAIN = 0;
const TOTAL_SUM = 1;
const TOTAL_COUNT = 2;
const BUCKET = 3;
const QUANTILE = 4;

const SUFFIXES = ['', '_sum', '_count', '_bucket', ''];

/**
 * The series that one point becomes: one, or for a classic histogram its sum, count and buckets, for a summary its
 * sum, count and quantiles. `begin`, then `select` each of `count` series.
 */
export class PointSeries {
  count = 0;
  /** Whether the series are those of a classic histogram. */
  hasBuckets = false;
  /** Why `begin` refused. */
  faultDetail = '';

  /** Of the selected series: its value, or instead of it a native histogram. */
  valueLow = 0;
  valueHigh = 0;
  histogram: FloatHistogram | undefined;
  role = PLAIN;
  /** The bucket's upper bound or the quantile; 0 for others. */
  bound = 0;
  /** Index of the selected bucket, −1 for other series. */
  bucket = -1;

  #point!: DataPoint;
  #kind = 0;
  #isStale = false;
  /** Buckets with a finite bound. */
  #buckets = 0;
  #hasSum = false;
  #histogram: FloatHistogram | undefined;
  #cumulative = new Float64Array(64);
  #number = new Float64Array(1);
  #words = new Uint32Array(this.#number.buffer);

  /** Takes a point; a fault if it can't be stored. It is referred to until the next `begin`. */
  begin(point: DataPoint, kind: number, isDelta: boolean, toCustomBuckets: boolean): SourceFault | undefined {
    this.#point = point;
    this.#kind = kind;
    this.#isStale = point.hasNoRecordedValue;
    this.#histogram = undefined;
    this.count = 0;
    this.hasBuckets = false;
    this.faultDetail = '';
    if (kind === SUMMARY) {
      this.#hasSum = true;
      this.count = 2 + point.quantiles.length;
      return undefined;
    }
    if (kind === HISTOGRAM) return this.#beginExplicit(isDelta, toCustomBuckets);
    if (kind === EXPONENTIAL_HISTOGRAM) return this.#beginExponential(isDelta);
    if (!point.hasValue && !this.#isStale) return this.#refuse('no_value', '');
    this.count = 1;
    return undefined;
  }

  /** Makes series `i` of the point the selected one. */
  select(i: number): void {
    this.histogram = this.#histogram;
    this.role = PLAIN;
    this.bound = 0;
    this.bucket = -1;
    if (this.#histogram !== undefined) return;
    const point = this.#point;
    if (this.#kind === SUMMARY) this.#selectOfSummary(i);
    else if (this.hasBuckets) this.#selectOfHistogram(i);
    else {
      this.valueLow = point.valueLow;
      this.valueHigh = point.valueHigh;
    }
    // A staleness marker is a number, also if it ends a native histogram.
    if (this.#isStale) {
      this.valueLow = STALE_LOW;
      this.valueHigh = STALE_HIGH;
    }
  }

  /** The bucket of a classic histogram that an exemplar's value falls into. */
  bucketOf(value: number): number {
    const { values } = this.#point.bounds;
    let bucket = 0;
    while (bucket < this.#buckets && !(value <= values[bucket])) bucket++;
    return bucket;
  }

  /** The labels by which the selected series differs from others of its point. */
  extraLabels(metric: string): string[] {
    const name = [METRIC_NAME, `${metric}${SUFFIXES[this.role]}`];
    if (this.role === BUCKET) name.push('le', plainDecimal(this.bound));
    if (this.role === QUANTILE) name.push('quantile', plainDecimal(this.bound));
    return name;
  }

  #refuse(fault: SourceFault, detail: string): SourceFault {
    this.faultDetail = detail;
    return fault;
  }

  #beginExplicit(isDelta: boolean, toCustomBuckets: boolean): SourceFault | undefined {
    const point = this.#point;
    const fault = this.#bucketFault();
    if (fault !== '') return this.#refuse('bucket_counts', fault);
    if (!toCustomBuckets) {
      this.#beginClassic();
      return undefined;
    }
    this.count = 1;
    if (this.#isStale) return undefined;
    if (point.bucketCounts.length > HISTOGRAM_MAX_BUCKETS) return this.#refuseBuckets();
    return this.#takeNative(fromExplicit(point, isDelta));
  }

  #beginExponential(isDelta: boolean): SourceFault | undefined {
    const point = this.#point;
    if (point.scale < COARSEST_SCALE) {
      return this.#refuse('histogram_scale', `${point.scale}, the least is ${COARSEST_SCALE}`);
    }
    this.count = 1;
    if (this.#isStale) return undefined;
    const buckets = point.positive.counts.length + point.negative.counts.length;
    if (buckets > HISTOGRAM_MAX_BUCKETS) return this.#refuseBuckets();
    return this.#takeNative(fromExponential(point, isDelta));
  }

  #takeNative(histogram: FloatHistogram): SourceFault | undefined {
    this.#histogram = histogram;
    const fault = nativeHistogramFault(histogram, true);
    return fault === undefined ? undefined : this.#refuse('invalid_histogram', fault);
  }

  #refuseBuckets(): SourceFault {
    return this.#refuse('invalid_histogram', `more than ${HISTOGRAM_MAX_BUCKETS} buckets`);
  }

  #beginClassic(): void {
    const { bucketCounts, bounds, hasSum } = this.#point;
    this.#hasSum = hasSum || this.#isStale;
    this.#buckets = Math.min(bounds.length, bucketCounts.length);
    if (this.#cumulative.length < this.#buckets) this.#cumulative = new Float64Array(2 * this.#buckets);
    let sum = 0;
    for (let i = 0; i < this.#buckets; i++) {
      sum += bucketCounts.values[i];
      this.#cumulative[i] = sum;
    }
    this.count = (this.#hasSum ? 1 : 0) + 1 + this.#buckets + 1;
    this.hasBuckets = true;
  }

  /** '' if bounds and bucket counts go together. */
  #bucketFault(): string {
    const { bucketCounts, bounds } = this.#point;
    const fits = bucketCounts.length === bounds.length + 1 || bucketCounts.length === 0;
    if (!fits && !this.#isStale) return `${bucketCounts.length} bucket counts for ${bounds.length} bounds`;
    for (let i = 0; i < bounds.length; i++) {
      if (Number.isNaN(bounds.values[i]) || (i > 0 && bounds.values[i] <= bounds.values[i - 1])) {
        return 'bounds do not ascend';
      }
    }
    if (bounds.length > 0 && bounds.values[bounds.length - 1] === Number.POSITIVE_INFINITY) {
      return 'a bound of +Inf, which the last bucket has anyway';
    }
    return '';
  }

  #selectOfSummary(i: number): void {
    const { sum, count, quantiles, quantileValues } = this.#point;
    if (i === 0) this.#show(TOTAL_SUM, sum);
    else if (i === 1) this.#show(TOTAL_COUNT, count);
    else {
      this.#show(QUANTILE, quantileValues.values[i - 2]);
      this.bound = quantiles.values[i - 2];
    }
  }

  #selectOfHistogram(i: number): void {
    const { sum, count, bounds } = this.#point;
    const bucket = i - (this.#hasSum ? 2 : 1);
    if (bucket === -1) this.#show(TOTAL_COUNT, count);
    else if (bucket < -1) this.#show(TOTAL_SUM, sum);
    else {
      const isLast = bucket === this.#buckets;
      this.#show(BUCKET, isLast ? count : this.#cumulative[bucket]);
      this.bound = isLast ? Number.POSITIVE_INFINITY : bounds.values[bucket];
      this.bucket = bucket;
    }
  }

  #show(role: number, value: number): void {
    this.role = role;
    this.#number[0] = value;
    this.valueLow = this.#words[0];
    this.valueHigh = this.#words[1];
  }
}
