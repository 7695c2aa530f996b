import type { Exemplar, Labels } from '@xscaler/model';

/** The exemplars of one series. */
export interface SeriesExemplars {
  readonly labels: Labels;
  /** By time. */
  readonly exemplars: readonly Exemplar[];
}
