import type { FoundSeries } from './querier-process.ts';

/** What is known of one timestamp of one series. */
interface Point {
  /** Values that were sent for it, whether or not an answer came. */
  readonly sent: Set<number>;
  /** When the first answer said that it is stored, by the count of answers; infinite where none has. */
  acknowledgedAt: number;
  /** What a read saw; every later read must see the same. */
  seen: number | undefined;
  seenAt: number;
}

/** A promise that was not kept. */
export class BrokenPromiseError extends Error {
  override readonly name = 'BrokenPromiseError';
}

/** What clients were promised, and the check that reads keep it. */
export class Expectations {
  readonly #series = new Map<string, Map<number, Point>>();
  #clock = 0;
  acknowledged = 0;
  refused = 0;
  checkedReads = 0;
  checkedSamples = 0;

  /** A moment: what was acknowledged before it must be seen by a read that begins at it. */
  moment(): number {
    return this.#clock++;
  }

  sending(tenant: string, series: string, timestampMs: number, value: number): void {
    this.#point(tenant, series, timestampMs).sent.add(value);
  }

  acknowledge(tenant: string, series: string, timestampMs: number): void {
    const point = this.#point(tenant, series, timestampMs);
    if (point.acknowledgedAt === Number.POSITIVE_INFINITY) this.acknowledged++;
    point.acknowledgedAt = Math.min(point.acknowledgedAt, this.#clock++);
  }

  /** @throws BrokenPromiseError where a read that began at `moment` contradicts what was promised or seen before */
  check(tenant: string, startMs: number, endMs: number, found: readonly FoundSeries[], moment: number): void {
    this.checkedReads++;
    const byKey = new Map(found.map((series) => [keyOf(tenant, series.labels.series), series]));
    if (byKey.size !== found.length) throw new BrokenPromiseError('a series came twice');
    for (const [key, { samples }] of byKey) {
      const points = this.#series.get(key);
      for (const timestampMs of samples.keys()) {
        if (points?.has(timestampMs) !== true)
          throw new BrokenPromiseError(`${key} has a sample at ${timestampMs} that nobody sent`);
      }
    }
    for (const [key, points] of this.#series) {
      if (!key.startsWith(`${tenant}/`)) continue;
      const samples = byKey.get(key)?.samples;
      for (const [timestampMs, point] of points) {
        if (timestampMs < startMs || timestampMs > endMs) continue;
        checkPoint(`${key} at ${timestampMs}`, point, samples?.get(timestampMs), moment, this.#clock);
        this.checkedSamples++;
      }
    }
    this.#clock++;
  }

  #point(tenant: string, series: string, timestampMs: number): Point {
    const key = keyOf(tenant, series);
    let points = this.#series.get(key);
    if (points === undefined) {
      points = new Map();
      this.#series.set(key, points);
    }
    let point = points.get(timestampMs);
    if (point === undefined) {
      const never = Number.POSITIVE_INFINITY;
      point = { sent: new Set(), acknowledgedAt: never, seen: undefined, seenAt: never };
      points.set(timestampMs, point);
    }
    return point;
  }
}

function checkPoint(
  name: string,
  point: Point,
  value: number | undefined,
  moment: number,
  now: number,
): void {
  if (value === undefined) {
    if (point.acknowledgedAt < moment) throw new BrokenPromiseError(`${name} was acknowledged and is lost`);
    if (point.seenAt < moment) throw new BrokenPromiseError(`${name} was seen and is lost`);
    return;
  }
  if (!point.sent.has(value)) throw new BrokenPromiseError(`${name} is ${value}, which nobody sent`);
  if (point.seen !== undefined && point.seen !== value) {
    throw new BrokenPromiseError(`${name} was seen as ${point.seen} and is ${value}`);
  }
  point.seen = value;
  point.seenAt = Math.min(point.seenAt, now);
}

function keyOf(tenant: string, series: string): string {
  return `${tenant}/${series}`;
}
