import { ContentHash } from '@xscaler/encoding';
import type { Limits } from '@xscaler/tenancy';
import type { SeriesSource } from '@xscaler/wire/labels';
import { OtlpMetricsReader, type OtlpSettings } from '@xscaler/wire/otlp';
import { WriteRequestReader, WriteRequestV2Reader } from '@xscaler/wire/remote-write';
import type { TimeBounds } from './time-bounds.ts';

/** The format of an expanded body. */
export type WriteFormat = 'remote_write_1' | 'remote_write_2' | 'otlp';

/** Bound on the label sets that OTLP series are known by, bytes: a process' part of them all. */
const OTLP_CACHE_BYTES = 64 * 1024 * 1024;

/** One reader for each format: one request is read at a time. */
export class WriteSources {
  readonly #v1 = new WriteRequestReader();
  readonly #v2 = new WriteRequestV2Reader();
  readonly #otlp: OtlpMetricsReader;
  readonly #otlpSettings = new WeakMap<Limits, OtlpSettings>();

  constructor(seed: Uint32Array) {
    this.#otlp = new OtlpMetricsReader(new ContentHash(seed), OTLP_CACHE_BYTES);
  }

  /** The body as series, until the source is released. @throws DecodeError */
  open(
    format: WriteFormat,
    body: Uint8Array,
    limits: Limits,
    mostPerSeries: number,
    { minMs, maxMs }: TimeBounds,
  ): SeriesSource {
    const maxLabelBytes = limits.max_decompressed_size;
    if (format === 'remote_write_1') {
      this.#v1.reset(body, mostPerSeries);
      return this.#v1;
    }
    if (format === 'remote_write_2') {
      this.#v2.reset(body, mostPerSeries, maxLabelBytes);
      return this.#v2;
    }
    this.#otlp.reset(body, { settings: this.#settingsOf(limits), maxLabelBytes, minMs, maxMs });
    return this.#otlp;
  }

  get otlpCacheBytes(): number {
    return this.#otlp.cacheBytes;
  }

  #settingsOf(limits: Limits): OtlpSettings {
    let settings = this.#otlpSettings.get(limits);
    if (settings === undefined) {
      settings = otlpSettings(limits);
      this.#otlpSettings.set(limits, settings);
    }
    return settings;
  }
}

function otlpSettings(limits: Limits): OtlpSettings {
  return {
    strategy: limits.otel_translation_strategy,
    promotedResourceAttributes: limits.promote_otel_resource_attributes
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    keepIdentifyingAttributes: limits.otel_keep_identifying_resource_attributes,
    promoteScope: limits.otel_promote_scope_metadata,
    histogramsToCustomBuckets: limits.otel_convert_histograms_to_nhcb,
    acceptDeltas: limits.otel_native_delta_ingestion,
  };
}
