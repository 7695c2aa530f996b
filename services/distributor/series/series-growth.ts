import { textHash } from './text-hash.ts';

/** New series are counted by metric and label over this long, and over the window before. */
const WINDOW_MS = 600_000;
/** Metrics and labels counted in one window; further ones aren't. */
const MAX_METRICS = 1_000;
const MAX_LABELS = 100;
const MAX_NAME_LENGTH = 200;
/** Bits of a label's bitmap: counts up to some ten thousand values come out within a few percent. */
const BITMAP_BITS = 8_192;
const NAMED = 3;

/** The metrics and labels that a tenant's new series come from, to explain why a limit was reached. */
export class SeriesGrowth {
  #current = new GrowthWindow();
  #before = new GrowthWindow();
  #beganMs = Number.NEGATIVE_INFINITY;

  /** A series that is new, as flat pairs. */
  add(pairs: readonly string[], nowMs: number): void {
    // A window begins with a new series: at its limit a tenant stops growing, and the windows before must remain.
    if (nowMs - this.#beganMs >= WINDOW_MS) {
      this.#before = this.#current;
      this.#current = new GrowthWindow();
      this.#beganMs = nowMs;
    }
    this.#current.add(pairs);
  }

  /** `metrics a +5000, b +20; labels pod (4000 values), path (35 values)`; empty without new series. */
  text(): string {
    const windows = [this.#before, this.#current];
    const metrics = largest(windows.map(({ metrics }) => metrics)).map(
      ([name, count]) => `${name} +${count}`,
    );
    const byLabel = windows.map(
      ({ labels }) => new Map([...labels].map(([name, seen]) => [name, seen.count])),
    );
    const labels = largest(byLabel).map(([name, count]) => `${name} (${count} values)`);
    const parts = [];
    if (metrics.length > 0) parts.push(`metrics ${metrics.join(', ')}`);
    if (labels.length > 0) parts.push(`labels ${labels.join(', ')}`);
    return parts.join('; ');
  }
}

class GrowthWindow {
  readonly metrics = new Map<string, number>();
  readonly labels = new Map<string, ValueCount>();

  add(pairs: readonly string[]): void {
    for (let i = 0; i < pairs.length; i += 2) {
      if (pairs[i] === '__name__') this.#addMetric(pairs[i + 1]);
      else this.#addLabel(pairs[i], pairs[i + 1]);
    }
  }

  #addMetric(name: string): void {
    const count = this.metrics.get(name);
    if (count === undefined && (this.metrics.size >= MAX_METRICS || name.length > MAX_NAME_LENGTH)) return;
    this.metrics.set(name, (count ?? 0) + 1);
  }

  #addLabel(name: string, value: string): void {
    let values = this.labels.get(name);
    if (values === undefined) {
      if (this.labels.size >= MAX_LABELS || name.length > MAX_NAME_LENGTH) return;
      values = new ValueCount();
      this.labels.set(name, values);
    }
    values.add(value);
  }
}

/**
 * Estimates the number of distinct texts: linear counting (Whang, Vander-Zanden and Taylor, "A linear-time probabilistic counting
 * algorithm for database applications", 1990).
 */
class ValueCount {
  readonly #bits = new Uint32Array(BITMAP_BITS / 32);

  add(text: string): void {
    // Values aimed at a few bits only make the sender's own label look smaller.
    const bit = textHash(text) % BITMAP_BITS;
    this.#bits[bit >>> 5] |= 1 << (bit & 31);
  }

  get count(): number {
    let zeros = 0;
    for (const word of this.#bits) for (let bit = 0; bit < 32; bit++) if (((word >>> bit) & 1) === 0) zeros++;
    return Math.round(BITMAP_BITS * Math.log(BITMAP_BITS / Math.max(1, zeros)));
  }
}

/** The few with the largest sums over all counts. */
function largest(counts: readonly ReadonlyMap<string, number>[]): [string, number][] {
  const sums = new Map<string, number>();
  for (const each of counts) for (const [name, count] of each) sums.set(name, (sums.get(name) ?? 0) + count);
  return [...sums].sort(([, a], [, b]) => b - a).slice(0, NAMED);
}
