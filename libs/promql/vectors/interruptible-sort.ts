import type { Budget } from './budget.ts';
import { CANCELLATION_SAMPLES } from './cancellation.ts';

/**
 * Sorts `values[0, count)`, none of which is NaN, ascending. Up to this many values natively; more of them in runs that
 * are merged, since nothing can interrupt a native sort.
 * @throws LimitError | QueryCancelledError | QueryTimeoutError
 */
export function sortInterruptibly(values: Float64Array, count: number, budget: Budget): void {
  for (let from = 0; from < count; from += CANCELLATION_SAMPLES) {
    const to = Math.min(count, from + CANCELLATION_SAMPLES);
    budget.work(to - from);
    values.subarray(from, to).sort();
  }
  if (count <= CANCELLATION_SAMPLES) return;
  budget.hold(count);
  let source: Float64Array = values;
  let target: Float64Array = new Float64Array(count);
  for (let run = CANCELLATION_SAMPLES; run < count; run *= 2) {
    for (let from = 0; from < count; from += 2 * run) {
      merge(source, target, from, Math.min(count, from + run), Math.min(count, from + 2 * run), budget);
    }
    [source, target] = [target, source];
  }
  if (source !== values) values.set(source.subarray(0, count));
  budget.release(count);
}

/** Merges the sorted runs [from, middle) and [middle, to). */
function merge(
  source: Float64Array,
  target: Float64Array,
  from: number,
  middle: number,
  to: number,
  budget: Budget,
): void {
  let left = from;
  let right = middle;
  for (let at = from; at < to; ) {
    const end = Math.min(to, at + CANCELLATION_SAMPLES);
    budget.work(end - at);
    for (; at < end; at++) {
      const takesLeft = left < middle && (right >= to || source[left] <= source[right]);
      target[at] = takesLeft ? source[left++] : source[right++];
    }
  }
}
