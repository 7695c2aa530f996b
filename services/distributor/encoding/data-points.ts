import type { Reason } from '../outcome/refusals.ts';
import type { Undoable, UndoLog } from '../series/undo-log.ts';
import type { OpenPush } from './open-push.ts';
import type { SeriesRefusals } from './series-refusals.ts';

/** A request's data points, in formats that have them. A point that becomes several series is stored whole or not at all. */
export class DataPoints implements Undoable {
  /** Whether the source's series is one of several of its point: they are counted and refused together. */
  isWhole = false;
  readonly #push: OpenPush;
  readonly #refusals: SeriesRefusals;
  readonly #undo: UndoLog;
  #point = -1;
  /** Refused before this point. */
  #refusedSamples = 0;
  #refusedExemplars = 0;

  constructor(push: OpenPush, refusals: SeriesRefusals, undo: UndoLog) {
    this.#push = push;
    this.#refusals = refusals;
    this.#undo = undo;
  }

  /** Notes the point of the source's series. */
  enter(point: number): void {
    if (point !== this.#point) this.#beginPoint(point);
  }

  /** Refuses all series of the source's point. Those already stored are undone, the others skipped. */
  refuse(reason: Reason, detail: string): void {
    const { source, refusals } = this.#push;
    this.#undo.undo();
    // Samples left out as intended are counted already.
    const samples = source.pointSeriesCount - (refusals.sampleCount - this.#refusedSamples);
    const exemplars = source.pointExemplarCount - (refusals.exemplarsInAll - this.#refusedExemplars);
    this.#refusals.refusePoint(reason, detail, samples, exemplars);
    source.skipPoint();
  }

  /** All samples of a point have the same time. */
  refuseForTime(): void {
    const { source, bounds } = this.#push;
    const { minMs, maxMs } = bounds;
    const timeMs = source.timestamps[0];
    if (timeMs < minMs) this.refuse('too_old', `${timeMs} < ${minMs}`);
    else this.refuse('too_far_in_future', `${timeMs} > ${maxMs}`);
  }

  /** The counts of stored samples and exemplars before the point. */
  undo(storedSamples: number, storedExemplars: number): void {
    this.#push.storedSamples = storedSamples;
    this.#push.storedExemplars = storedExemplars;
  }

  #beginPoint(point: number): void {
    this.#point = point;
    const { source, received, refusals } = this.#push;
    const { pointSeriesCount, pointExemplarCount } = source;
    const isWhole = point >= 0 && pointSeriesCount > 1;
    if (isWhole) this.#openWhole();
    else if (this.isWhole) this.#undo.keep();
    this.isWhole = isWhole;
    if (point < 0) return;
    if (received.points !== undefined) received.points++;
    refusals.atNewPoint();
    if (!isWhole) return;
    received.series += pointSeriesCount;
    received.samples += pointSeriesCount;
    received.exemplars += pointExemplarCount;
  }

  #openWhole(): void {
    const { storedSamples, storedExemplars, refusals } = this.#push;
    this.#undo.open();
    this.#undo.note(this, storedSamples, storedExemplars);
    this.#refusedSamples = refusals.sampleCount;
    this.#refusedExemplars = refusals.exemplarsInAll;
  }
}
