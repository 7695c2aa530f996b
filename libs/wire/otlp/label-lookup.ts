import { ByteWriter, type ContentHash } from '@xscaler/encoding';
import type { SourceFault } from '../labels/series-source.ts';
import { TooLargeError } from '../snappy/snappy-block.ts';
import { InvalidTextError } from './attributes.ts';
import type { DataPoint } from './data-point.ts';
import { CACHED_MAX_BYTES, LabelCache } from './label-cache.ts';
import type { ByteRange, MetricsWalk } from './metrics-walk.ts';
import { DEFAULT_OTLP_SETTINGS, type OtlpSettings } from './otlp-settings.ts';
import type { PointSeries } from './point-series.ts';
import { InvalidAttributeError, SeriesLabels } from './series-labels.ts';

/** Places in the words of a metric's hash: four words of hash each, then four of details. */
const RESOURCE = 0;
const SCOPE = 4;
const SCOPE_SCHEMA = 8;
const NAME = 12;
const UNIT = 16;
const DETAILS = 20;
const METRIC_WORDS = 24;

/** Places in the words of a series' hash: its metric's, its point's attributes', what it is to the point. */
const METRIC = 0;
const ATTRIBUTES = 4;
const ROLE = 8;
const BOUND = 9;
const SERIES_WORDS = 11;

/** Beyond the roles of `PointSeries`. */
const TARGET_INFO_ROLE = 99;

/**
 * Labels of series by a hash of what they come from: resource, scope, the metric's name, unit and type, the point's
 * attributes, and the settings. Labels found in the cache cost two hashes and a look-up; others are made.
 */
export class LabelLookup {
  /** What `find` or `make` came to: until the next of either. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** What was wrong if `make` came to a fault. */
  faultDetail = '';

  readonly #walk: MetricsWalk;
  readonly #hash: ContentHash;
  readonly #cache: LabelCache;
  readonly #labels: SeriesLabels;
  readonly #made = new ByteWriter(1024);
  readonly #settingWords = new WeakMap<OtlpSettings, number>();
  readonly #metric = new Int32Array(METRIC_WORDS);
  readonly #metricView = new DataView(this.#metric.buffer);
  readonly #series = new Int32Array(SERIES_WORDS);
  readonly #seriesView = new DataView(this.#series.buffer);
  readonly #bound = new Float64Array(1);
  readonly #boundWords = new Int32Array(this.#bound.buffer);
  #settingsWord = 0;
  #scopeNumber = 0;
  #maxMadeBytes = 0;
  #madeBytes = 0;

  constructor(walk: MetricsWalk, hash: ContentHash, cacheBytes: number) {
    this.#walk = walk;
    this.#hash = hash;
    this.#cache = new LabelCache(cacheBytes);
    this.#labels = new SeriesLabels(walk, DEFAULT_OTLP_SETTINGS);
  }

  get cacheBytes(): number {
    return this.#cache.memoryBytes;
  }

  /** Begins a request. */
  reset(settings: OtlpSettings, maxMadeBytes: number): void {
    this.#settingsWord = this.#wordOf(settings);
    this.#maxMadeBytes = maxMadeBytes;
    this.#madeBytes = 0;
    this.#scopeNumber = 0;
    this.#labels.reset(settings);
  }

  /** The walk has come to another resource. */
  beginResource(): void {
    this.#hashRange(this.#walk.resource, RESOURCE);
    this.#labels.nextResource();
  }

  /** The walk has come to another metric. */
  beginMetric(): void {
    const { scopeNumber, scope, scopeSchemaUrl, name, unit, kind, isMonotonic, temporality } = this.#walk;
    if (scopeNumber !== this.#scopeNumber) {
      this.#scopeNumber = scopeNumber;
      this.#hashRange(scope, SCOPE);
      this.#hashRange(scopeSchemaUrl, SCOPE_SCHEMA);
    }
    this.#hashRange(name, NAME);
    this.#hashRange(unit, UNIT);
    const words = this.#metric;
    words[DETAILS] = kind;
    words[DETAILS + 1] = isMonotonic ? 1 : 0;
    words[DETAILS + 2] = temporality;
    words[DETAILS + 3] = this.#settingsWord;
    this.#hash.hash(this.#metricView, 0, 4 * METRIC_WORDS);
    putHash(this.#hash, this.#series, METRIC);
  }

  beginPoint({ attributeView, attributesStart, attributesEnd }: DataPoint): void {
    this.#hash.hash(attributeView, attributesStart, attributesEnd);
    putHash(this.#hash, this.#series, ATTRIBUTES);
  }

  /** Whether the labels of the selected series of the point are known: then they are in `bytes[start, end)`. */
  find(series: PointSeries): boolean {
    const words = this.#series;
    this.#bound[0] = series.bound;
    words[ROLE] = series.role;
    words[BOUND] = this.#boundWords[0];
    words[BOUND + 1] = this.#boundWords[1];
    this.#hash.hash(this.#seriesView, 0, 4 * SERIES_WORDS);
    return this.#find();
  }

  /**
   * Makes the labels that `find` hasn't found.
   * @param metric the metric's name, '' if it has none
   * @throws DecodeError
   * @throws TooLargeError if labels take more than they may in a request
   */
  make(point: DataPoint, series: PointSeries, metric: string): SourceFault | undefined {
    this.faultDetail = '';
    if (metric === '') return 'no_metric_name';
    try {
      this.#labels.write(point, series.extraLabels(metric), this.#made);
    } catch (error) {
      return this.#faultOf(error);
    }
    this.#keep();
    return undefined;
  }

  /** Finds or makes the labels of the resource's `target_info`; false if it has none. @throws as `make` */
  findTargetInfo(): boolean {
    const words = this.#series.fill(0);
    words.set(this.#metric.subarray(RESOURCE, RESOURCE + 4));
    words[ATTRIBUTES] = this.#settingsWord;
    words[ROLE] = TARGET_INFO_ROLE;
    this.#hash.hash(this.#seriesView, 0, 4 * SERIES_WORDS);
    if (this.#find()) return this.start < this.end;
    try {
      if (!this.#labels.writeTargetInfo(this.#made)) this.#made.reset();
    } catch (error) {
      // It has been said of each point of the resource.
      this.#faultOf(error);
      return false;
    }
    this.#keep();
    return this.start < this.end;
  }

  /** Hash of the series that was found or made last. */
  contentHash(to: ContentHash): void {
    to.h0 = this.#hash.h0;
    to.h1 = this.#hash.h1;
    to.h2 = this.#hash.h2;
    to.h3 = this.#hash.h3;
  }

  /** Hash of what is said about the metric: name, unit, type and description. */
  metadataHash(hash: ContentHash): void {
    const words = this.#series.fill(0);
    const { description, body } = this.#walk;
    hash.hash(body.view, description.start, description.end);
    putHash(hash, words, 0);
    hash.hash(this.#metricView, 4 * NAME, 4 * METRIC_WORDS);
    putHash(hash, words, 4);
    hash.hash(this.#seriesView, 0, 32);
    // The words are the series' again.
    this.#hash.hash(this.#metricView, 0, 4 * METRIC_WORDS);
    putHash(this.#hash, words, METRIC);
  }

  #find(): boolean {
    const cache = this.#cache;
    if (!cache.find(this.#hash)) return false;
    this.bytes = cache.bytes;
    this.start = cache.start;
    this.end = cache.end;
    return true;
  }

  #keep(): void {
    const made = this.#made;
    this.#madeBytes += made.length;
    if (this.#madeBytes > this.#maxMadeBytes) {
      throw new TooLargeError(this.#madeBytes, this.#maxMadeBytes);
    }
    if (made.length <= CACHED_MAX_BYTES) this.#cache.add(this.#hash, made.bytes, 0, made.length);
    this.bytes = made.bytes;
    this.start = 0;
    this.end = made.length;
  }

  #faultOf(error: unknown): SourceFault {
    if (!(error instanceof InvalidTextError || error instanceof InvalidAttributeError)) throw error;
    this.faultDetail = error.message;
    return error instanceof InvalidTextError ? 'invalid_utf8' : 'invalid_attribute';
  }

  #hashRange({ start, end }: ByteRange, to: number): void {
    this.#hash.hash(this.#walk.body.view, start, end);
    putHash(this.#hash, this.#metric, to);
  }

  /** A word that settings of different content don't share. */
  #wordOf(settings: OtlpSettings): number {
    let word = this.#settingWords.get(settings);
    if (word === undefined) {
      const text = Buffer.from(JSON.stringify(settings));
      this.#hash.hash(new DataView(text.buffer, text.byteOffset, text.length), 0, text.length);
      word = this.#hash.h0;
      this.#settingWords.set(settings, word);
    }
    return word;
  }
}

function putHash(hash: ContentHash, to: Int32Array, at: number): void {
  to[at] = hash.h0;
  to[at + 1] = hash.h1;
  to[at + 2] = hash.h2;
  to[at + 3] = hash.h3;
}
