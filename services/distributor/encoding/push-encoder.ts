import { AT_END, AT_METADATA, AT_REFUSAL } from '@xscaler/wire/labels';
import type { Question } from '../outcome/question.ts';
import type { Refusals } from '../outcome/refusals.ts';
import type { RequestSize } from '../outcome/request-size.ts';
import { EncoderScratch } from './encoder-scratch.ts';
import { MetadataEncoder } from './metadata-encoder.ts';
import { OpenPush } from './open-push.ts';
import { type PartitionRecord, PartitionRecords } from './partition-records.ts';
import { SeriesEncoder } from './series-encoder.ts';
import { TimeBounds } from './time-bounds.ts';
import type { WriteBody } from './write-body.ts';
import { WriteSources } from './write-sources.ts';

/**
 * A request that is refused for its size is still counted, so that received = stored + refused. Counting stops at this many times the
 * limit, since 60 MB of empty series cost more than a second.
 */
const COUNTED_PARTS = 100;

/** An encoded request: `received.samples` = `storedSamples` + `refusals.sampleCount`, once appended. */
export interface EncodedPush {
  readonly records: readonly PartitionRecord[];
  readonly received: RequestSize;
  /** Native histograms too. */
  readonly storedSamples: number;
  readonly storedHistograms: number;
  readonly storedExemplars: number;
  readonly storedMetadata: number;
  readonly refusals: Refusals;
  /** Whether the request has histograms that the current record version can't hold. */
  readonly needsNewerRecords: boolean;
  /** Undecided questions. If there are any, the request must be encoded again once they are decided, and this encoding is discarded. */
  readonly questions: readonly Question[];
}

/**
 * Turns a write request of any format into log records, one per partition (more if they would grow large).
 *
 * Encodes one request at a time, synchronously, so that all scratch space is shared. Allocates nothing per sample, and per series only
 * for those that are new, refused, or not sent in normal form.
 */
export class PushEncoder {
  readonly #windowMs: number;
  readonly #sources: WriteSources;
  readonly #scratch: EncoderScratch;

  constructor(windowMs: number, seed: Uint32Array) {
    this.#windowMs = windowMs;
    this.#sources = new WriteSources(seed);
    this.#scratch = new EncoderScratch(seed);
  }

  /** Size of OTLP's cache of label sets. */
  get otlpCacheBytes(): number {
    return this.#sources.otlpCacheBytes;
  }

  /**
   * @returns no records if the request has more of anything than `max_samples_per_request`
   * @throws DecodeError if the body isn't in its format
   * @throws TooLargeError if its labels, written out, take more than `max_decompressed_size`
   */
  encode(write: WriteBody): EncodedPush {
    const push = this.#open(write);
    const { source, admission, received, refusals } = push;
    const scratch = this.#scratch;
    const partitionCount = 1 + (write.shard.partitions.at(-1) as number);
    const records = new PartitionRecords(push, this.#windowMs, partitionCount, scratch);
    const series = new SeriesEncoder(push, records, scratch);
    const metadata = new MetadataEncoder(push, records, scratch.hash);
    try {
      addParts(push, series, metadata);
    } finally {
      scratch.undo.keep();
      source.release();
    }
    return {
      records: push.isTooLarge ? [] : records.take(),
      received,
      storedSamples: push.storedSamples,
      storedHistograms: push.storedHistograms,
      storedExemplars: push.storedExemplars,
      storedMetadata: push.storedMetadata,
      refusals,
      needsNewerRecords: push.needsNewerRecords,
      questions: admission.questions,
    };
  }

  #open(write: WriteBody): OpenPush {
    const { tenant, limits, format, body, nowMs, wideningMs } = write;
    const bounds = new TimeBounds(limits, nowMs, wideningMs);
    const maxParts = limits.max_samples_per_request || Number.POSITIVE_INFINITY;
    const source = this.#sources.open(format, body, limits, maxParts, bounds);
    const admission = tenant.admission(write, this.#scratch.undo);
    return new OpenPush(write, source, admission, bounds, maxParts);
  }
}

/**
 * Adds the source's parts, up to the number that is counted. This loop has a separate function: V8 compiles a loop that it enters
 * halfway together with the code after it, which has not run yet, and dropped the compiled code at the end of each request.
 */
function addParts(push: OpenPush, series: SeriesEncoder, metadata: MetadataEncoder): void {
  const { source, received, maxParts } = push;
  for (let at = source.next(); at !== AT_END; at = source.next()) {
    if (at === AT_METADATA) metadata.add();
    else if (at === AT_REFUSAL) addRefusal(push);
    else series.add();
    if (received.largest > COUNTED_PARTS * maxParts) {
      received.isCut = true;
      return;
    }
  }
}

/** Counts parts that the source could not turn into series. */
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
