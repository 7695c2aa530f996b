import { ContentHash } from '@xscaler/encoding';
import { AT_END, AT_METADATA, AT_REFUSAL } from '@xscaler/wire/labels';
import type { Question } from '../outcome/question.ts';
import type { Refusals } from '../outcome/refusals.ts';
import type { RequestSize } from '../outcome/request-size.ts';
import { MetadataEncoder } from './metadata-encoder.ts';
import { OpenPush } from './open-push.ts';
import { type PartitionRecord, PartitionRecords } from './partition-records.ts';
import { SeriesEncoder } from './series-encoder.ts';
import { TimeBounds } from './time-bounds.ts';
import type { WriteBody } from './write-body.ts';
import { WriteSources } from './write-sources.ts';

/**
 * A request that is refused for its size is still counted, so that received = stored + refused; up to this many
 * times of what it may have, since 60 MB of empty series cost more than a second.
 */
const COUNTED_PARTS = 100;

/** What became of a request: `received.samples` = `storedSamples` + `refusals.sampleCount`, once appended. */
export interface EncodedPush {
  readonly records: readonly PartitionRecord[];
  readonly received: RequestSize;
  /** Native histograms too. */
  readonly storedSamples: number;
  readonly storedHistograms: number;
  readonly storedExemplars: number;
  readonly storedMetadata: number;
  readonly refusals: Refusals;
  /** Whether there are histograms that the records can't hold in the version they have to have. */
  readonly needsNewerRecords: boolean;
  /** What was left open: nothing of this counts, and the request is to be encoded again, once that is decided. */
  readonly questions: readonly Question[];
}

/**
 * Turns a write request of any format into log records, one per partition (more if they would grow large).
 *
 * One request at a time, synchronously, so that all scratch space is shared; nothing is allocated per
 * sample, and per series only for those that are new, refused, or whose labels don't come in normal form.
 */
export class PushEncoder {
  readonly #sources: WriteSources;
  readonly #records: PartitionRecords;
  readonly #metadata: MetadataEncoder;
  readonly #series: SeriesEncoder;

  constructor(windowMs: number, seed: Uint32Array) {
    const hash = new ContentHash(seed);
    this.#sources = new WriteSources(seed);
    this.#records = new PartitionRecords(windowMs);
    this.#metadata = new MetadataEncoder(hash, this.#records);
    this.#series = new SeriesEncoder(hash, this.#records);
  }

  /** Bytes that OTLP's cache of label sets takes. */
  get otlpCacheBytes(): number {
    return this.#sources.otlpCacheBytes;
  }

  /**
   * @returns no records if the request has more of anything than `max_samples_per_request`
   * @throws DecodeError if the body isn't what it is taken for
   * @throws TooLargeError if its labels, written out, take more than `max_decompressed_size`
   */
  encode(write: WriteBody): EncodedPush {
    const push = this.#open(write);
    const { source, tenant, received, refusals } = push;
    try {
      this.#addParts(push);
    } finally {
      tenant.settle();
      source.release();
    }
    return {
      records: push.isTooLarge ? [] : this.#records.take(),
      received,
      storedSamples: push.storedSamples,
      storedHistograms: push.storedHistograms,
      storedExemplars: push.storedExemplars,
      storedMetadata: push.storedMetadata,
      refusals,
      needsNewerRecords: push.needsNewerRecords,
      questions: tenant.takeQuestions(),
    };
  }

  /**
   * What the source has, up to what is counted. A function by itself: V8 compiles a loop that it enters halfway together with
   * what comes after, which it hasn't seen yet, and gave up such code at the end of each request.
   */
  #addParts(push: OpenPush): void {
    const { source, received, maxParts } = push;
    for (let at = source.next(); at !== AT_END; at = source.next()) {
      if (at === AT_METADATA) this.#metadata.add();
      else if (at === AT_REFUSAL) addRefusal(push);
      else this.#series.add();
      if (received.largest > COUNTED_PARTS * maxParts) {
        received.isCut = true;
        return;
      }
    }
  }

  #open(write: WriteBody): OpenPush {
    const { tenantId, tenant, limits, shard, format, body, nowMs, wideningMs, mayAsk } = write;
    const bounds = new TimeBounds(limits, nowMs, wideningMs);
    const maxParts = limits.max_samples_per_request || Number.POSITIVE_INFINITY;
    const source = this.#sources.open(format, body, limits, maxParts, bounds);
    tenant.begin(limits, shard, nowMs, mayAsk);
    const push = new OpenPush(write, source, bounds, maxParts);
    this.#records.begin(tenantId, 1 + (shard.partitions.at(-1) as number), push.keepsAllExemplars);
    this.#metadata.begin(push);
    this.#series.begin(push);
    return push;
  }
}

/** What the source could make no series of. */
function addRefusal(push: OpenPush): void {
  const { received, refusals } = push;
  const { reason, count, exemplars, metadata, subject, detail } = push.source.refusal;
  received.metadata += metadata;
  if (metadata > 0) {
    if (!push.isTooLarge) refusals.refuseMetadata(reason, subject, detail);
    return;
  }
  received.samples += count;
  received.exemplars += exemplars;
  if (received.points === undefined) received.series++;
  else received.points += count;
  if (push.isTooLarge) return;
  refusals.refuseSamples(reason, count, () => subject, detail);
  refusals.refuseExemplars(reason, exemplars, () => subject);
  if (received.points !== undefined) refusals.pointCount += count;
}
