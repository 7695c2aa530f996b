import type { Budget } from './budget.ts';
import { CANCELLATION_SAMPLES } from './cancellation.ts';

/** A scalar that is the same at every step. @throws LimitError | QueryCancelledError | QueryTimeoutError */
export function constantColumn(budget: Budget, steps: number, value: number): Float64Array {
  budget.hold(steps);
  const column = new Float64Array(steps);
  for (let from = 0; from < steps; from += CANCELLATION_SAMPLES) {
    budget.look();
    column.fill(value, from, from + CANCELLATION_SAMPLES);
  }
  return column;
}

/** A scalar worked out for each step. @throws LimitError | QueryCancelledError | QueryTimeoutError */
export function scalarColumn(budget: Budget, steps: number, valueAt: (step: number) => number): Float64Array {
  budget.hold(steps);
  const column = new Float64Array(steps);
  for (let from = 0; from < steps; from += CANCELLATION_SAMPLES) {
    budget.look();
    const to = Math.min(steps, from + CANCELLATION_SAMPLES);
    for (let step = from; step < to; step++) column[step] = valueAt(step);
  }
  return column;
}

/** Replaces each value of a column. @throws QueryCancelledError | QueryTimeoutError */
export function mapColumn(
  budget: Budget,
  column: Float64Array,
  map: (value: number, step: number) => number,
): Float64Array {
  const steps = column.length;
  for (let from = 0; from < steps; from += CANCELLATION_SAMPLES) {
    budget.look();
    const to = Math.min(steps, from + CANCELLATION_SAMPLES);
    for (let step = from; step < to; step++) column[step] = map(column[step], step);
  }
  return column;
}
