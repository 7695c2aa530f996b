import type { Reason } from '../outcome/refusals.ts';
import type { OpenPush } from './open-push.ts';
import type { PartitionRecords } from './partition-records.ts';
import { PointMark } from './point-mark.ts';
import type { SeriesRefusals } from './series-refusals.ts';

/** The data points of a request, in formats that have them: one of several series is stored whole or not at all. */
export class DataPoints {
  /** Whether the series that the source stands on is of a point that is several: counted with it, and refused with it. */
  isWhole = false;
  readonly #records: PartitionRecords;
  readonly #refusals: SeriesRefusals;
  readonly #before = new PointMark();
  #push!: OpenPush;
  /** That of the series before. */
  #point = -1;

  constructor(records: PartitionRecords, refusals: SeriesRefusals) {
    this.#records = records;
    this.#refusals = refusals;
  }

  begin(push: OpenPush): void {
    this.#push = push;
    this.#point = -1;
    this.isWhole = false;
  }

  /** Takes note of the series that the source has come to. */
  enter(point: number): void {
    if (point !== this.#point) this.#beginPoint(point);
  }

  #beginPoint(point: number): void {
    this.#point = point;
    const { source, received, refusals } = this.#push;
    const { pointSeriesCount, pointExemplarCount } = source;
    const isWhole = point >= 0 && pointSeriesCount > 1;
    if (isWhole || this.isWhole) this.#beginWhole(isWhole);
    if (point < 0) return;
    if (received.points !== undefined) received.points++;
    refusals.atNewPoint();
    if (!isWhole) return;
    received.series += pointSeriesCount;
    received.samples += pointSeriesCount;
    received.exemplars += pointExemplarCount;
  }

  /** What was stored whole before stands. */
  #beginWhole(isWhole: boolean): void {
    const { tenant } = this.#push;
    this.isWhole = isWhole;
    tenant.settle();
    this.#records.settle();
    if (!isWhole) return;
    tenant.mark();
    this.#records.mark();
    this.#before.note(this.#push);
  }

  /** All series of the point that the source stands in: those which were stored already aren't, the rest is skipped. */
  refuse(reason: Reason, detail: string): void {
    const push = this.#push;
    const { source, tenant, refusals } = push;
    const before = this.#before;
    tenant.rewind();
    this.#records.rewind();
    before.rewind(push);
    const samples = source.pointSeriesCount - before.refusedSince(refusals);
    const exemplars = source.pointExemplarCount - before.exemplarsRefusedSince(refusals);
    this.#refusals.refusePoint(reason, detail, samples, exemplars);
    source.skipPoint();
  }

  /** All samples of a point have its time. */
  refuseForTime(): void {
    const { source, bounds } = this.#push;
    const { minMs, maxMs } = bounds;
    const timeMs = source.timestamps[0];
    if (timeMs < minMs) this.refuse('too_old', `${timeMs} < ${minMs}`);
    else this.refuse('too_far_in_future', `${timeMs} > ${maxMs}`);
  }
}
