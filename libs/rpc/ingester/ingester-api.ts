import type { MatchType, MetricMetadata } from '@xscaler/model';

/** A matcher as it travels. */
export interface WireMatcher {
  readonly type: MatchType;
  readonly name: string;
  readonly value: string;
}

/** What every read of an ingester says. Times in ms, inclusive. */
export interface IngesterRead {
  readonly tenant: string;
  readonly matcherSets: readonly (readonly WireMatcher[])[];
  readonly startMs: number;
  readonly endMs: number;
  /** By partition: the read waits until every offset below has been applied. Empty for an eventual read. */
  readonly minOffsets: Readonly<Record<number, number>>;
  /** The ingester's partitions to read; absent: all it has. One that it doesn't have is an error, never a hole. */
  readonly partitions?: readonly number[];
  /**
   * By partition the last commit that the reader found in the database. An ingester that has let go of heads for a commit
   * which is not among those up to it rejects the read: the database has lost it. Not asked of a partition that is missing.
   */
  readonly commits?: Readonly<Record<number, { readonly number: number; readonly id: string }>>;
  /**
   * Of exemplars: how many bytes of an ingester's memory they may take, about; a read of more rejects with an error whose
   * code is `too_large`. Absent: any number.
   */
  readonly maxBytes?: number;
  /** Of the client's request that this is for; for logs. */
  readonly requestId?: string;
}

/** A read of metadata: of one metric, or of all. */
export interface MetadataRead {
  readonly tenant: string;
  readonly metric: string | undefined;
  readonly minOffsets: Readonly<Record<number, number>>;
  readonly partitions?: readonly number[];
  /** Of the client's request that this is for; for logs. */
  readonly requestId?: string;
}

/** Exemplars of a series; a list may have several of one series. */
export interface IngesterExemplars {
  /** Flat pairs of the series' labels. */
  readonly labels: readonly string[];
  readonly exemplars: readonly { labels: readonly string[]; value: number; timestampMs: number }[];
}

/** A count of series by label value. Series count that have a sample at `startMs` or later. */
export interface CardinalityRead extends IngesterRead {
  /** The labels whose values are counted; absent: all. */
  readonly names?: readonly string[];
}

/** What a partition's heads count. */
export interface PartitionCardinality {
  readonly partition: number;
  readonly seriesCount: number;
  /** Chunks of samples that came in order, of all series and heads. */
  readonly chunkCount: number;
  /** First and last time of a sample in any head, ms; 0 if there is none. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly labels: readonly LabelCardinality[];
}

/** How many series have each value of a label. */
export interface LabelCardinality {
  readonly name: string;
  /** Each once, in no particular order. */
  readonly values: readonly string[];
  /** By value. */
  readonly seriesCounts: readonly number[];
}

/** A question for the ids of a tenant's active series. */
export type ActiveIdsRead = Omit<MetadataRead, 'metric'>;

/** What a querier asks of an ingester. */
export interface IngesterApi {
  /** Frames of series with chunks (`@xscaler/tsdb`, series frame), a megabyte or so each. */
  select(read: IngesterRead, signal: AbortSignal): AsyncIterable<Uint8Array>;
  labelNames(read: IngesterRead, signal: AbortSignal): Promise<string[]>;
  labelValues(read: IngesterRead & { readonly name: string }, signal: AbortSignal): Promise<string[]>;
  /** Label sets, flat pairs. */
  series(read: IngesterRead, signal: AbortSignal): Promise<string[][]>;
  exemplars(read: IngesterRead, signal: AbortSignal): Promise<IngesterExemplars[]>;
  /** One answer for each partition that is read. */
  cardinality(read: CardinalityRead, signal: AbortSignal): Promise<PartitionCardinality[]>;
  metadata(read: MetadataRead, signal: AbortSignal): Promise<MetricMetadata[]>;
  /** For distributors: ids of 16 bytes, one behind the other, some of them more than once. */
  activeIds(read: ActiveIdsRead, signal: AbortSignal): Promise<Uint8Array>;
}
