import type { FoundSeries } from './querier-process.ts';

/** What is known of one timestamp of one series. */
interface Point {
  /** Values that were sent for it since it was deleted last, whether or not an answer came. */
  sent: Set<number>;
  /** Every value that was ever sent for it. */
  readonly everSent: Set<number>;
  /** How many pushes of it wait for their answers, and when the last one was over. */
  openPushes: number;
  pushedAt: number;
  /** A push of it got no answer: it may reach the log at any time. */
  hasStragglers: boolean;
  /** A deletion that may come before or after it in the log: it is there or not. */
  isUncertain: boolean;
  /** When the last deletion of it was acknowledged. */
  deletedAt: number;
  /** When the first answer said that it is stored, by the count of answers; infinite if none has. */
  acknowledgedAt: number;
  /** What a read saw; every later read must see the same. */
  seen: number | undefined;
  seenAt: number;
}

/** A promise that was not kept. */
export class BrokenPromiseError extends Error {
  override readonly name = 'BrokenPromiseError';
}

/** A deletion from the request until it is acknowledged, if it ever is: what is sent meanwhile may be deleted or not. */
export interface PendingDeletion {
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** What clients were promised, and the check that reads keep it. */
export class Expectations {
  readonly #series = new Map<string, Map<number, Point>>();
  readonly #deletions = new Set<PendingDeletion>();
  #clock = 0;
  acknowledged = 0;
  refused = 0;
  /** Answers to come again once every ingester reads what was sent. */
  held = 0;
  checkedReads = 0;
  deletions = 0;

  /** A moment: what was acknowledged before it must be seen by a read that begins at it. */
  moment(): number {
    return this.#clock++;
  }

  sending(tenant: string, series: string, timestampMs: number, value: number): void {
    const point = this.#point(tenant, series, timestampMs);
    point.sent.add(value);
    point.everSent.add(value);
    point.openPushes++;
    const key = keyOf(tenant, series);
    for (const deletion of this.#deletions) {
      if (deletion.key === key && covers(deletion, timestampMs)) point.isUncertain = true;
    }
  }

  /** A push of it is over, whatever came of it. */
  sentOff(tenant: string, series: string, timestampMs: number): void {
    const point = this.#point(tenant, series, timestampMs);
    point.openPushes--;
    point.pushedAt = this.#clock++;
  }

  /** Nobody knows whether, or when, what was sent arrives. */
  unanswered(tenant: string, series: string, timestampMs: number): void {
    this.#point(tenant, series, timestampMs).hasStragglers = true;
  }

  deleting(tenant: string, series: string, startMs: number, endMs: number): PendingDeletion {
    const deletion = { key: keyOf(tenant, series), startMs, endMs };
    this.#deletions.add(deletion);
    return deletion;
  }

  /** What had been answered before the deletion began is gone; what was under way is there or not. */
  deleted(deletion: PendingDeletion, begunAt: number): void {
    this.#deletions.delete(deletion);
    this.deletions++;
    const at = this.#clock++;
    for (const [timestampMs, point] of this.#series.get(deletion.key) ?? []) {
      if (!covers(deletion, timestampMs) || point.isUncertain) continue;
      const wasUnderWay = point.pushedAt > begunAt || point.openPushes > 0 || point.hasStragglers;
      if (wasUnderWay) {
        point.isUncertain = true;
        continue;
      }
      point.deletedAt = at;
      point.sent = new Set();
      point.acknowledgedAt = Number.POSITIVE_INFINITY;
      point.seen = undefined;
      point.seenAt = Number.POSITIVE_INFINITY;
    }
  }

  acknowledge(tenant: string, series: string, timestampMs: number): void {
    const point = this.#point(tenant, series, timestampMs);
    if (point.acknowledgedAt === Number.POSITIVE_INFINITY) this.acknowledged++;
    point.acknowledgedAt = Math.min(point.acknowledgedAt, this.#clock++);
  }

  /** @throws BrokenPromiseError if a read that began at `moment` contradicts what was promised or seen before */
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
        const name = `${key} at ${timestampMs}`;
        const isDeleting = [...this.#deletions].some((each) => each.key === key && covers(each, timestampMs));
        checkPoint(name, point, samples?.get(timestampMs), moment, this.#clock, isDeleting);
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
      point = {
        sent: new Set(),
        everSent: new Set(),
        openPushes: 0,
        pushedAt: Number.NEGATIVE_INFINITY,
        hasStragglers: false,
        isUncertain: false,
        deletedAt: Number.NEGATIVE_INFINITY,
        acknowledgedAt: never,
        seen: undefined,
        seenAt: never,
      };
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
  isDeleting: boolean,
): void {
  // Where a deletion came meanwhile the read may have been before or after it.
  if (point.isUncertain || isDeleting || point.deletedAt >= moment) {
    if (value !== undefined && !point.everSent.has(value)) {
      throw new BrokenPromiseError(`${name} is ${value}, which nobody sent`);
    }
    return;
  }
  if (value === undefined) {
    if (point.acknowledgedAt < moment) throw new BrokenPromiseError(`${name} was acknowledged and is lost`);
    if (point.seenAt < moment) throw new BrokenPromiseError(`${name} was seen and is lost`);
    return;
  }
  if (!point.sent.has(value)) {
    const why = point.everSent.has(value) ? 'which was deleted' : 'which nobody sent';
    throw new BrokenPromiseError(`${name} is ${value}, ${why}`);
  }
  if (point.seen !== undefined && point.seen !== value) {
    throw new BrokenPromiseError(`${name} was seen as ${point.seen} and is ${value}`);
  }
  point.seen = value;
  point.seenAt = Math.min(point.seenAt, now);
}

function covers({ startMs, endMs }: PendingDeletion, timestampMs: number): boolean {
  return timestampMs >= startMs && timestampMs <= endMs;
}

function keyOf(tenant: string, series: string): string {
  return `${tenant}/${series}`;
}
