import type { ContentHash } from '@xscaler/encoding';
import type { Exemplar, FloatHistogram, MetricMetadata } from '@xscaler/model';

/** What `SeriesSource.next` stands on. */
export const AT_END = 0;
export const AT_SERIES = 1;
export const AT_METADATA = 2;
/** Something that the source itself can't turn into series: see `refusal`. */
export const AT_REFUSAL = 3;

/** Why a source can't give a series or a point at all. */
export type SourceFault =
  | 'bad_symbol_reference'
  | 'odd_label_references'
  | 'labels_too_long'
  | 'delta_temporality'
  | 'unknown_temporality'
  | 'no_metric_name'
  | 'no_value'
  | 'bucket_counts'
  | 'histogram_scale'
  | 'invalid_histogram'
  | 'invalid_attribute'
  | 'invalid_utf8';

/** Points that a source refuses: how many, and why. */
export interface SourceRefusal {
  readonly reason: SourceFault;
  /** Samples that are lost by it, or data points where the format has those. */
  readonly count: number;
  /** Exemplars that go with them. */
  readonly exemplars: number;
  /** Metadata entries: if there are any, it is about nothing else. */
  readonly metadata: number;
  /** The metric or series it is about. */
  readonly subject: string;
  readonly detail: string;
}

/**
 * A write request being walked over, whatever its format:
 *
 *     for (let at = source.next(); at !== AT_END; at = source.next()) …
 *
 * At a series, `labelBytes[labelsStart, labelsEnd)` is its label set as the log record has it (perhaps not
 * normalised), and the first `sampleCount` entries of the columns are its samples. Everything holds until the next `next`.
 */
export interface SeriesSource {
  readonly labelBytes: Uint8Array;
  readonly labelsStart: number;
  readonly labelsEnd: number;

  readonly sampleCount: number;
  /** In ms; ±Infinity if the 64-bit number lies beyond ±2^53. */
  readonly timestamps: Float64Array;
  /** Two words a sample: low, high. */
  readonly valueWords: Uint32Array;
  /** Whether any of the samples has a start timestamp: then `startTimes` has one a sample, 0 if it is absent. */
  readonly hasStartTimes: boolean;
  readonly startTimes: Float64Array;

  readonly histogramCount: number;
  readonly exemplarCount: number;
  /** Whether `metadata` is what the source said with series that it will send again and again. */
  readonly repeatsMetadata: boolean;

  /** Number of the data point that the series is part of, −1 if it is of none. */
  readonly point: number;
  /** Series that this data point is in all, and their exemplars: what `skipPoint` leaves out can be counted. */
  readonly pointSeriesCount: number;
  readonly pointExemplarCount: number;

  /** At a refusal. */
  readonly refusal: SourceRefusal;

  /** @throws DecodeError if the body isn't what it is taken for */
  next(): number;
  /** The series of the data point that are still to come won't. */
  skipPoint(): void;
  /** A keyed hash of what the labels come from: equal for equal labels of one sender. */
  contentHash(hash: ContentHash): void;
  /** Native histogram `i` of the series. */
  histogram(i: number): SourceHistogram;
  /** Bytes that exemplar `i` takes, about. */
  exemplarBytes(i: number): number;
  /** Exemplar `i` of the series, undefined if its labels can't be a label set. */
  exemplar(i: number): Exemplar | undefined;
  /** The metadata that `next` stands on. */
  metadata(): MetricMetadata;
  /** A keyed hash of the metadata that `next` stands on. */
  metadataHash(hash: ContentHash): void;
  /** Lets go of the request. */
  release(): void;
}

/** A native histogram with what stands around it in a request; it is overwritten by the next one read. */
export interface SourceHistogram {
  /** Undefined if it can't be stored: `fault` says why. */
  readonly histogram: FloatHistogram | undefined;
  readonly fault: string | undefined;
  /** Whether it came with integer counts. */
  readonly isInteger: boolean;
  /** The sum's 64 bits; a staleness marker if the histogram only ends its series. */
  readonly sumLow: number;
  readonly sumHigh: number;
  /** As `timestamps`. */
  readonly timestampMs: number;
  /** 0 if there is none. */
  readonly startMs: number;
}
