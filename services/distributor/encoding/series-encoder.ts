import type { ContentHash } from '@xscaler/encoding';
import { INTENDED, type Reason } from '../outcome/refusals.ts';
import { FACT_REPLICA } from '../series/tenant-series.ts';
import { DataPoints } from './data-points.ts';
import type { OpenPush } from './open-push.ts';
import type { PartitionRecords } from './partition-records.ts';
import { SeriesRefusals } from './series-refusals.ts';
import { SeriesWriter } from './series-writer.ts';

/** Decides what becomes of a request's series: stored in records, in whole or in part, or refused. */
export class SeriesEncoder {
  readonly #hash: ContentHash;
  readonly #records: PartitionRecords;
  readonly #refusals = new SeriesRefusals();
  readonly #points: DataPoints;
  readonly #writer: SeriesWriter;
  #push!: OpenPush;

  constructor(hash: ContentHash, records: PartitionRecords) {
    this.#hash = hash;
    this.#records = records;
    this.#points = new DataPoints(records, this.#refusals);
    this.#writer = new SeriesWriter(records, this.#refusals);
  }

  begin(push: OpenPush): void {
    this.#push = push;
    this.#refusals.begin(push);
    this.#points.begin(push);
    this.#writer.begin(push);
  }

  /** What the source stands on. */
  add(): void {
    const push = this.#push;
    const points = this.#points;
    const { source, received, refusals } = push;
    const { sampleCount, exemplarCount, histogramCount, point } = source;
    points.enter(point);
    if (!points.isWhole) {
      received.series++;
      received.samples += sampleCount + histogramCount;
      received.exemplars += exemplarCount;
    }
    if (push.isTooLarge || sampleCount + histogramCount + exemplarCount === 0) return;
    const refusedBefore = refusals.faultyCount;
    if (points.isWhole || exemplarCount > 0 || push.bounds.hasAnyOf(source)) this.#append();
    else this.#refuseAllSamples();
    if (point >= 0 && refusals.faultyCount > refusedBefore) refusals.notePoint();
  }

  #append(): void {
    const { source, tenant, bounds } = this.#push;
    const { sampleCount, exemplarCount, histogramCount } = source;
    source.contentHash(this.#hash);
    const at = tenant.find(this.#hash, source);
    if (at < 0) {
      this.#refuse(tenant.refusedFor, tenant.refusedDetail);
      return;
    }
    const { words } = tenant.facts;
    const inBounds = bounds.samplesOf(source);
    const replica = words[at + FACT_REPLICA];
    if (replica !== 0 && !tenant.acceptsReplica(replica, bounds.youngestOf(source))) {
      this.#refuse('ha_deduplicated', '');
      return;
    }
    if (inBounds < sampleCount) {
      if (this.#points.isWhole) {
        this.#points.refuseForTime();
        return;
      }
      this.#refusals.refuseOutOfBounds();
    }
    const writer = this.#writer;
    let record = inBounds > 0 ? writer.addSamples(words, at, inBounds) : undefined;
    if (histogramCount > 0) record = writer.addHistograms(words, at, record);
    if (exemplarCount > 0) writer.addExemplars(words, at, record);
    if (this.#records.isOverfull) this.#points.refuse('point_too_large', '');
  }

  /** A series of which nothing can be stored for its time: it isn't active by that. */
  #refuseAllSamples(): void {
    const { tenant } = this.#push;
    tenant.mark();
    this.#append();
    tenant.rewind();
    tenant.settle();
  }

  #refuse(reason: Reason, detail: string): void {
    if (this.#points.isWhole && !INTENDED.has(reason)) this.#points.refuse(reason, detail);
    else this.#refusals.refuseSeries(reason, detail);
  }
}
