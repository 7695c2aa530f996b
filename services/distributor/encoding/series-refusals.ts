import { Labels } from '@xscaler/model';
import type { LabelSetParser, SourceHistogram } from '@xscaler/wire/labels';
import { INTENDED, type Reason } from '../outcome/refusals.ts';
import type { OpenPush } from './open-push.ts';

/** Refuses parts of the source's series, and names it by the labels its sender wrote. */
export class SeriesRefusals {
  readonly #push: OpenPush;
  readonly #parser: LabelSetParser;

  constructor(push: OpenPush, parser: LabelSetParser) {
    this.#push = push;
    this.#parser = parser;
  }

  /** Refuses the whole series. */
  refuseSeries(reason: Reason, detail: string): void {
    const { source, received, refusals } = this.#push;
    const { sampleCount, histogramCount, exemplarCount } = source;
    if (INTENDED.has(reason)) {
      received.noteLeftOut(exemplarCount);
      refusals.histogramsLeftOut += histogramCount;
    }
    this.#remarkOn(reason);
    const samples = sampleCount + histogramCount;
    refusals.refuseSamples(reason, samples, this.#describe, detail);
    refusals.refuseExemplars(reason, exemplarCount, samples === 0 ? this.#describe : undefined);
  }

  /** Refuses all series of the series' data point: this many samples and exemplars. */
  refusePoint(reason: Reason, detail: string, samples: number, exemplars: number): void {
    const { refusals } = this.#push;
    this.#remarkOn(reason);
    const why = `${detail === '' ? '' : `${detail}, `}with all ${samples} series of its data point`;
    refusals.refuseSamples(reason, samples, this.#describe, why);
    refusals.refuseExemplars(reason, exemplars);
  }

  /** Refuses the series' samples that are out of bounds. */
  refuseOutOfBounds(): void {
    const { source, bounds, refusals } = this.#push;
    const { timestamps, sampleCount } = source;
    const { minMs, maxMs } = bounds;
    let old = 0;
    let future = 0;
    let firstOld = 0;
    let firstFuture = 0;
    for (let i = 0; i < sampleCount; i++) {
      if (timestamps[i] < minMs && old++ === 0) firstOld = timestamps[i];
      if (timestamps[i] > maxMs && future++ === 0) firstFuture = timestamps[i];
    }
    refusals.refuseSamples('too_old', old, this.#describe, `${firstOld} < ${minMs}`);
    refusals.refuseSamples('too_far_in_future', future, this.#describe, `${firstFuture} > ${maxMs}`);
  }

  /** Whether the histogram can't be stored. It is then refused. */
  refusesHistogram({ fault, timestampMs }: SourceHistogram): boolean {
    const { bounds, refusals } = this.#push;
    const { minMs, maxMs } = bounds;
    if (fault !== undefined) {
      refusals.refuseSamples('invalid_histogram', 1, this.#describe, fault);
    } else if (!(timestampMs >= minMs)) {
      refusals.refuseSamples('too_old', 1, this.#describe, `${timestampMs} < ${minMs}`);
    } else if (timestampMs > maxMs) {
      refusals.refuseSamples('too_far_in_future', 1, this.#describe, `${timestampMs} > ${maxMs}`);
    } else {
      return false;
    }
    return true;
  }

  refuseExemplar(reason: Reason): void {
    this.#push.refusals.refuseExemplars(reason, 1, this.#describe);
  }

  /** Counts exemplars of the series that are above the tenant's limit. */
  thinExemplars(count: number): void {
    const { refusals, source, limits } = this.#push;
    const detail = `${count} of ${source.exemplarCount}, limit ${limits.max_exemplars_per_series_per_minute}`;
    refusals.thinExemplars(count, this.#describe, detail);
  }

  #remarkOn(reason: Reason): void {
    const { refusals, admission } = this.#push;
    if (reason === 'series_limit') refusals.remark(admission.limitRemark);
  }

  #describe = (): string => {
    const { source } = this.#push;
    this.#parser.parse(source.labelBytes, source.labelsStart, source.labelsEnd);
    return Labels.fromSorted(this.#parser.pairs).toString();
  };
}
