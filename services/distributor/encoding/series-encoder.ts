import type { ContentHash } from '@xscaler/encoding';
import { INTENDED } from '../outcome/refusals.ts';
import { Refusal } from '../series/refusal.ts';
import type { UndoLog } from '../series/undo-log.ts';
import { DataPoints } from './data-points.ts';
import type { EncoderScratch } from './encoder-scratch.ts';
import type { OpenPush } from './open-push.ts';
import type { PartitionRecords } from './partition-records.ts';
import { SeriesRefusals } from './series-refusals.ts';
import { SeriesWriter } from './series-writer.ts';

const REPLICA_NOT_ELECTED = new Refusal('ha_deduplicated');

/** Decides whether a request's series are stored in records, in whole or in part, or refused. */
export class SeriesEncoder {
  readonly #push: OpenPush;
  readonly #hash: ContentHash;
  readonly #undo: UndoLog;
  readonly #records: PartitionRecords;
  readonly #refusals: SeriesRefusals;
  readonly #points: DataPoints;
  readonly #writer: SeriesWriter;

  constructor(push: OpenPush, records: PartitionRecords, scratch: EncoderScratch) {
    this.#push = push;
    this.#hash = scratch.hash;
    this.#undo = scratch.undo;
    this.#records = records;
    this.#refusals = new SeriesRefusals(push, scratch.parser);
    this.#points = new DataPoints(push, this.#refusals, scratch.undo);
    this.#writer = new SeriesWriter(push, records, this.#refusals, scratch);
  }

  /** Adds the source's series. */
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
    const { source, admission, bounds } = this.#push;
    const { sampleCount, exemplarCount, histogramCount } = source;
    source.contentHash(this.#hash);
    const verdict = admission.judge(this.#hash, source);
    if (verdict.isRefused) {
      this.#refuse(verdict);
      return;
    }
    const inBounds = bounds.samplesOf(source);
    const { replica } = verdict;
    if (replica !== 0 && !admission.acceptsReplica(replica, bounds.youngestOf(source))) {
      this.#refuse(REPLICA_NOT_ELECTED);
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
    let record = inBounds > 0 ? writer.addSamples(verdict, inBounds) : undefined;
    if (histogramCount > 0) record = writer.addHistograms(verdict, record);
    if (exemplarCount > 0) writer.addExemplars(verdict, record);
    if (this.#records.isOverfull) this.#points.refuse('point_too_large', '');
  }

  /** Refuses a series all of whose samples are out of bounds. It doesn't become active by them. */
  #refuseAllSamples(): void {
    this.#undo.open();
    this.#append();
    this.#undo.undo();
  }

  #refuse({ reason, detail }: Refusal): void {
    if (this.#points.isWhole && !INTENDED.has(reason)) this.#points.refuse(reason, detail);
    else this.#refusals.refuseSeries(reason, detail);
  }
}
