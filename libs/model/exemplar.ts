import type { Labels } from './labels.ts';

/** A pointer from a series to an event outside it, a trace for instance. */
export interface Exemplar {
  readonly labels: Labels;
  readonly value: number;
  readonly timestampMs: number;
}

/** Limit of OpenMetrics and Prometheus on an exemplar's label names and values together, in code points. */
export const EXEMPLAR_MAX_LABEL_LENGTH = 128;

/** A text that two exemplars of one series share exactly if they are the same: time, value (NaN equals NaN, 0 isn't −0), labels. */
export function exemplarKey({ timestampMs, value, labels }: Exemplar): string {
  return `${timestampMs} ${Object.is(value, -0) ? '-0' : value} ${labels.key}`;
}
