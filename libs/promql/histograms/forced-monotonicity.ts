import { formatGeneral } from '../numbers/number-format.ts';
import type { AnnotationDetail } from '../vectors/annotations.ts';
import type { ClassicBuckets } from './classic-buckets.ts';

/** Where and by how much the counts of classic histograms had to be raised to rise from bucket to bucket. */
export class ForcedMonotonicity implements AnnotationDetail {
  #minTimeMs = Number.POSITIVE_INFINITY;
  #maxTimeMs = Number.NEGATIVE_INFINITY;
  #minBound = Number.POSITIVE_INFINITY;
  #maxBound = Number.NEGATIVE_INFINITY;
  #maxDifference = 0;
  #samples = 0;

  /** @param buckets as gathered for a step at that time */
  add(buckets: ClassicBuckets, timeMs: number): void {
    this.#minTimeMs = Math.min(this.#minTimeMs, timeMs);
    this.#maxTimeMs = Math.max(this.#maxTimeMs, timeMs);
    this.#minBound = Math.min(this.#minBound, buckets.minForcedBound);
    this.#maxBound = Math.max(this.#maxBound, buckets.maxForcedBound);
    this.#maxDifference = Math.max(this.#maxDifference, buckets.maxForcedDifference);
    this.#samples++;
  }

  merge(other: AnnotationDetail): void {
    if (!(other instanceof ForcedMonotonicity)) return;
    this.#minTimeMs = Math.min(this.#minTimeMs, other.#minTimeMs);
    this.#maxTimeMs = Math.max(this.#maxTimeMs, other.#maxTimeMs);
    this.#minBound = Math.min(this.#minBound, other.#minBound);
    this.#maxBound = Math.max(this.#maxBound, other.#maxBound);
    this.#maxDifference = Math.max(this.#maxDifference, other.#maxDifference);
    this.#samples += other.#samples;
  }

  get text(): string {
    const bounds = `from buckets ${formatGeneral(this.#minBound)} to ${formatGeneral(this.#maxBound)}`;
    const difference = `with a max diff of ${formatTwoDigits(this.#maxDifference)}`;
    const times = `from ${formatTime(this.#minTimeMs)} to ${formatTime(this.#maxTimeMs)}`;
    return `, ${bounds}, ${difference}, over ${this.#samples} samples ${times}`;
  }
}

/** RFC 3339, whole seconds. */
function formatTime(timeMs: number): string {
  return new Date(Math.trunc(timeMs / 1_000) * 1_000).toISOString().replace('.000Z', 'Z');
}

/** Go's `%.2g` of a number that is not negative. */
export function formatTwoDigits(value: number): string {
  if (!Number.isFinite(value)) return formatGeneral(value);
  const [digits, exponent] = value.toExponential(1).split('e');
  const power = Number(exponent);
  if (power < -4 || power >= 2) {
    const sign = power < 0 ? '-' : '+';
    return `${Number(digits)}e${sign}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  return String(Number(value.toPrecision(2)));
}
