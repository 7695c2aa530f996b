import type { ContentHash } from '@xscaler/encoding';
import {
  EXEMPLAR_MAX_LABEL_LENGTH,
  type Exemplar,
  type FloatHistogram,
  type MetricMetadata,
  type MetricType,
  STALE_HIGH,
  STALE_LOW,
} from '@xscaler/model';
import {
  AT_END,
  AT_METADATA,
  AT_REFUSAL,
  AT_SERIES,
  type SeriesSource,
  type SourceFault,
  type SourceHistogram,
  type SourceRefusal,
} from '../labels/series-source.ts';
import { utf8Text } from '../protobuf/protobuf-reader.ts';
import { DataPoint } from './data-point.ts';
import { exemplarValue, readExemplar } from './exemplar.ts';
import { LabelLookup } from './label-lookup.ts';
import { metricName, type NameKind } from './metric-name.ts';
import {
  type ByteRange,
  EXPONENTIAL_HISTOGRAM,
  GAUGE,
  HISTOGRAM,
  MetricsWalk,
  NO_DATA,
  SUM,
  SUMMARY,
  TEMPORALITY_CUMULATIVE,
  TEMPORALITY_DELTA,
  WALK_END,
  WALK_METRIC,
  WALK_POINT,
  WALK_RESOURCE,
} from './metrics-walk.ts';
import { DEFAULT_OTLP_SETTINGS, escapes, type OtlpSettings } from './otlp-settings.ts';
import { PointSeries } from './point-series.ts';
import { TARGET_INFO } from './series-labels.ts';
import { MAX_TARGET_INFO_SAMPLES, TargetInfoTimes } from './target-info-times.ts';
import { unitName } from './unit-name.ts';

export interface OtlpReadOptions {
  readonly settings: OtlpSettings;
  /** Points outside of these times, in ms, don't count for `target_info`. */
  readonly minMs: number;
  readonly maxMs: number;
  /** Bytes that label sets which have to be made may take, over the whole request. */
  readonly maxLabelBytes: number;
}

const DEFAULT_OPTIONS: OtlpReadOptions = {
  settings: DEFAULT_OTLP_SETTINGS,
  minMs: Number.NEGATIVE_INFINITY,
  maxMs: Number.POSITIVE_INFINITY,
  maxLabelBytes: 64 * 1024 * 1024,
};

const TARGET_INFO_METADATA: MetricMetadata = {
  metric: TARGET_INFO,
  type: 'gauge',
  help: 'Target metadata',
  unit: '',
};

const NO_BYTES = new DataView(new ArrayBuffer(0));
const ONE_WORDS = new Uint32Array(Float64Array.of(1).buffer);
const STALE_WORDS = Uint32Array.of(STALE_LOW, STALE_HIGH);

/**
 * Walks over an OTLP `ExportMetricsServiceRequest` in protobuf as over series: see `SeriesSource`. Every point is one
 * series, or the several of a classic histogram or summary; after the points of a resource comes its `target_info`.
 * For series whose labels are in the cache no name is translated and nothing is allocated.
 */
export class OtlpMetricsReader implements SeriesSource {
  labelBytes: Uint8Array = new Uint8Array(0);
  labelsStart = 0;
  labelsEnd = 0;

  sampleCount = 0;
  readonly timestamps = new Float64Array(MAX_TARGET_INFO_SAMPLES);
  readonly valueWords = new Uint32Array(2 * MAX_TARGET_INFO_SAMPLES);
  hasStartTimes = false;
  readonly startTimes = new Float64Array(1);
  histogramCount = 0;
  exemplarCount = 0;
  readonly repeatsMetadata = true;
  point = -1;
  pointSeriesCount = 1;
  pointExemplarCount = 0;
  refusal: SourceRefusal = {
    reason: 'no_value',
    count: 0,
    exemplars: 0,
    metadata: 0,
    subject: '',
    detail: '',
  };
  /** Points so far, refused ones too. */
  pointCount = 0;

  readonly #walk = new MetricsWalk();
  readonly #point = new DataPoint();
  readonly #series = new PointSeries();
  readonly #lookup: LabelLookup;
  readonly #info = new TargetInfoTimes();
  readonly #histogram = new PointHistogram();
  #options = DEFAULT_OPTIONS;
  #nextSeries = 0;
  #isDelta = false;
  #metricName: string | undefined;
  /** Indexes of the series' exemplars among the point's. */
  readonly #exemplars: number[] = [];
  /** Of each exemplar of a classic histogram, its bucket. */
  readonly #exemplarBuckets: number[] = [];
  #atTargetInfo = false;
  #saidTargetInfo = false;

  /**
   * @param hash the reader's own: between `next` and `contentHash` nobody else may hash with it
   * @param cacheBytes bound on the memory for known label sets
   */
  constructor(hash: ContentHash, cacheBytes: number) {
    this.#lookup = new LabelLookup(this.#walk, hash, cacheBytes);
  }

  /** Bytes that the cache of label sets takes. */
  get cacheBytes(): number {
    return this.#lookup.cacheBytes;
  }

  /** Takes a request; the reader refers to it until the next `reset` or `release`. */
  reset(body: Uint8Array, options: Partial<OtlpReadOptions> = {}): void {
    this.#options = { ...DEFAULT_OPTIONS, ...options };
    this.#walk.reset(body);
    this.#lookup.reset(this.#options.settings, this.#options.maxLabelBytes);
    this.#series.count = 0;
    this.#nextSeries = 0;
    this.pointCount = 0;
    this.#atTargetInfo = false;
    this.#saidTargetInfo = false;
  }

  release(): void {
    this.reset(new Uint8Array(0));
    this.#walk.release();
  }

  /**
   * @throws DecodeError if the body isn't such a request
   * @throws TooLargeError if its labels take more than they may
   */
  next(): number {
    for (;;) {
      if (this.#nextSeries < this.#series.count) return this.#beginSeries();
      if (this.#atTargetInfo) {
        this.#atTargetInfo = false;
        this.#beginTargetInfo();
        return AT_SERIES;
      }
      const at = this.#walk.next();
      if (at === WALK_END) return AT_END;
      if (at === WALK_POINT) {
        const fault = this.#beginPoint();
        if (fault !== undefined) return this.#refuse(fault, 1, this.#series.faultDetail);
      } else if (at === WALK_METRIC) {
        if (this.#walk.kind === NO_DATA) continue;
        const fault = this.#beginMetric();
        return fault === undefined ? AT_METADATA : this.#refuseMetric(fault);
      } else if (at === WALK_RESOURCE) {
        this.#lookup.beginResource();
        this.#info.reset(this.#options.minMs, this.#options.maxMs);
      } else {
        this.#atTargetInfo = this.#info.hasTimes && this.#lookup.findTargetInfo();
        if (this.#atTargetInfo && !this.#saidTargetInfo) {
          this.#saidTargetInfo = true;
          return AT_METADATA;
        }
      }
    }
  }

  skipPoint(): void {
    this.#nextSeries = this.#series.count;
  }

  contentHash(hash: ContentHash): void {
    this.#lookup.contentHash(hash);
  }

  histogram(_i: number): SourceHistogram {
    return this.#histogram;
  }

  /** Never too much: attributes that make an exemplar's labels too long are left out. */
  exemplarBytes(_i: number): number {
    return EXEMPLAR_MAX_LABEL_LENGTH;
  }

  exemplar(i: number): Exemplar | undefined {
    const { values } = this.#point.exemplarRanges;
    const at = 2 * this.#exemplars[i];
    return readExemplar(this.#walk.body, values[at], values[at + 1]);
  }

  metadata(): MetricMetadata {
    if (this.#atTargetInfo) return TARGET_INFO_METADATA;
    const { description, unit } = this.#walk;
    return {
      metric: this.#nameOfMetric(),
      type: this.#metricType(),
      help: this.#text(description),
      unit: unitName(this.#text(unit), escapes(this.#options.settings.strategy)),
    };
  }

  metadataHash(hash: ContentHash): void {
    if (this.#atTargetInfo) hash.hash(NO_BYTES, 0, 0);
    else this.#lookup.metadataHash(hash);
  }

  #beginMetric(): SourceFault | undefined {
    const { kind, temporality } = this.#walk;
    this.#isDelta = false;
    if (kind === SUM || kind === HISTOGRAM || kind === EXPONENTIAL_HISTOGRAM) {
      this.#isDelta = temporality === TEMPORALITY_DELTA;
      if (this.#isDelta && !this.#options.settings.acceptDeltas) return 'delta_temporality';
      if (!this.#isDelta && temporality !== TEMPORALITY_CUMULATIVE) return 'unknown_temporality';
    }
    this.#metricName = undefined;
    this.#lookup.beginMetric();
    return undefined;
  }

  #beginPoint(): SourceFault | undefined {
    const walk = this.#walk;
    const point = this.#point;
    const { kind } = walk;
    this.point = this.pointCount++;
    this.#nextSeries = 0;
    point.read(walk.body, walk.point.start, walk.point.end, kind);
    const { histogramsToCustomBuckets } = this.#options.settings;
    const fault = this.#series.begin(point, kind, this.#isDelta, histogramsToCustomBuckets);
    if (fault !== undefined) {
      this.#series.count = 0;
      return fault;
    }
    this.#lookup.beginPoint(point);
    this.pointSeriesCount = this.#series.count;
    this.pointExemplarCount = point.exemplarRanges.length / 2;
    if (point.exemplarRanges.length > 0) this.#noteExemplars();
    this.timestamps[0] = point.timeMs;
    const hasStart = kind !== GAUGE && (kind !== SUM || walk.isMonotonic);
    this.hasStartTimes = hasStart && point.startMs > 0 && point.startMs < point.timeMs;
    this.startTimes[0] = point.startMs;
    return undefined;
  }

  /** One of the series of the point that was begun. */
  #beginSeries(): number {
    const series = this.#series;
    const lookup = this.#lookup;
    series.select(this.#nextSeries++);
    if (!lookup.find(series)) {
      const fault = lookup.make(this.#point, series, this.#nameOfMetric());
      if (fault !== undefined) {
        this.#nextSeries = series.count;
        return this.#refuse(fault, 1, lookup.faultDetail);
      }
    }
    this.#showLabels();
    if (this.#nextSeries === 1) this.#info.add(this.#point.timeMs, !this.#point.hasNoRecordedValue);
    const { histogram, valueLow, valueHigh } = series;
    this.sampleCount = histogram === undefined ? 1 : 0;
    this.histogramCount = 1 - this.sampleCount;
    this.valueWords[0] = valueLow;
    this.valueWords[1] = valueHigh;
    this.#histogram.set(histogram);
    this.#histogram.timestampMs = this.#point.timeMs;
    this.#histogram.startMs = this.hasStartTimes ? this.startTimes[0] : 0;
    this.exemplarCount = 0;
    if (this.#point.exemplarRanges.length > 0) this.#showExemplars();
    return AT_SERIES;
  }

  #noteExemplars(): void {
    const { exemplarRanges } = this.#point;
    this.#exemplarBuckets.length = 0;
    if (!this.#series.hasBuckets) return;
    for (let at = 0; at < exemplarRanges.length; at += 2) {
      const value = exemplarValue(this.#walk.body, exemplarRanges.values[at], exemplarRanges.values[at + 1]);
      this.#exemplarBuckets.push(this.#series.bucketOf(value));
    }
  }

  /** Exemplars of a classic histogram belong to their buckets. */
  #showExemplars(): void {
    const { bucket, hasBuckets } = this.#series;
    for (let i = 0; i < this.#point.exemplarRanges.length / 2; i++) {
      if (!hasBuckets || this.#exemplarBuckets[i] === bucket) this.#exemplars[this.exemplarCount++] = i;
    }
  }

  /** Its labels have been found. */
  #beginTargetInfo(): void {
    this.#showLabels();
    this.point = -1;
    this.pointSeriesCount = 1;
    this.pointExemplarCount = 0;
    this.hasStartTimes = false;
    this.histogramCount = 0;
    this.exemplarCount = 0;
    this.sampleCount = this.#info.writeTimes(this.timestamps);
    const words = this.#info.isAlive ? ONE_WORDS : STALE_WORDS;
    for (let i = 0; i < this.sampleCount; i++) this.valueWords.set(words, 2 * i);
  }

  #showLabels(): void {
    this.labelBytes = this.#lookup.bytes;
    this.labelsStart = this.#lookup.start;
    this.labelsEnd = this.#lookup.end;
  }

  #nameOfMetric(): string {
    if (this.#metricName === undefined) {
      const { name, unit, kind, isMonotonic } = this.#walk;
      const isCounter = kind === SUM && isMonotonic;
      const nameKind: NameKind = kind === GAUGE ? 'gauge' : isCounter ? 'counter' : 'other';
      const { strategy } = this.#options.settings;
      this.#metricName = metricName(this.#text(name), this.#text(unit), nameKind, strategy);
    }
    return this.#metricName;
  }

  #metricType(): MetricType {
    const { kind, isMonotonic } = this.#walk;
    if (this.#isDelta) return 'unknown';
    if (kind === SUMMARY) return 'summary';
    if (kind === HISTOGRAM || kind === EXPONENTIAL_HISTOGRAM) return 'histogram';
    return kind === SUM && isMonotonic ? 'counter' : 'gauge';
  }

  #refuseMetric(fault: SourceFault): number {
    const count = this.#walk.pointsLeft();
    this.#walk.skipPoints();
    this.pointCount += count;
    return this.#refuse(fault, count, `temporality ${this.#walk.temporality}`);
  }

  #refuse(reason: SourceFault, count: number, detail: string): number {
    const subject = `metric ${JSON.stringify(this.#text(this.#walk.name).slice(0, 200))}`;
    this.refusal = { reason, count, exemplars: 0, metadata: 0, subject, detail };
    return AT_REFUSAL;
  }

  #text({ start, end }: ByteRange): string {
    return utf8Text(this.#walk.body.bytes, start, end);
  }
}

class PointHistogram implements SourceHistogram {
  histogram: FloatHistogram | undefined;
  readonly fault = undefined;
  readonly isInteger = true;
  sumLow = 0;
  sumHigh = 0;
  timestampMs = 0;
  startMs = 0;
  readonly #sum = new Float64Array(1);
  readonly #sumWords = new Uint32Array(this.#sum.buffer);

  set(histogram: FloatHistogram | undefined): void {
    this.histogram = histogram;
    if (histogram === undefined) return;
    this.#sum[0] = histogram.sum;
    this.sumLow = this.#sumWords[0];
    this.sumHigh = this.#sumWords[1];
  }
}
