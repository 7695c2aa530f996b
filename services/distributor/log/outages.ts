import { Heartbeat } from '@xscaler/cluster';
import { CATCH_UP_MS, type Outage, type OutageStore } from '@xscaler/database';
import type { LogWriter } from '@xscaler/runtime';

export interface OutagesOptions {
  readonly store: OutageStore;
  /** Wall clock, in ms. */
  readonly clock: () => number;
  /** Why the clock can't be gone by, and no write is accepted; undefined while it can; absent: it always can. */
  readonly clockFault?: () => string | undefined;
  readonly logger: Pick<LogWriter, 'info' | 'warn'>;
}

const NOTE_EVERY_MS = 15_000;
/** A shorter pause is covered by senders' buffers and by windows. */
const SHORTEST_OUTAGE_MS = 60_000;

/**
 * Our own outages. While no distributor could make writes durable, or none ran, senders have kept their samples. So for two hours after
 * an outage samples may be late by its length. That applies once the outage is in the database, where readers look before they treat
 * a range of time as settled (`ReadHorizon`). Until then samples that are too late get a 503.
 *
 * A distributor notes there every fifteen seconds that it accepts writes. The time between the last such note of any distributor and
 * the first one after it is an outage. An outage under way doesn't count yet: no write is accepted during it.
 */
export class Outages {
  readonly #options: OutagesOptions;
  readonly #heartbeat: Heartbeat;
  /** Partitions whose last append failed. */
  readonly #failing = new Set<number>();
  /** Undefined while any partition fails, or the clock is wrong. */
  #acceptingSinceMs: number | undefined;
  #notedMs = Number.NEGATIVE_INFINITY;
  #outages: readonly Outage[] = [];

  constructor(options: OutagesOptions) {
    this.#options = options;
    this.#resume();
    this.#heartbeat = new Heartbeat(
      () => this.note(),
      NOTE_EVERY_MS,
      (error) => options.logger.warn({ err: error }, 'could not record that writes are accepted'),
    );
  }

  /** Resolves after a first note, whether or not it was taken. */
  start(): Promise<void> {
    return this.#heartbeat.start();
  }

  stop(): Promise<void> {
    return this.#heartbeat.stop();
  }

  /** A record was made durable in a partition of the log, or could not be. */
  noteAppend(partition: number, isDurable: boolean): void {
    if (!isDurable) {
      this.#failing.add(partition);
      this.#acceptingSinceMs = undefined;
    } else if (this.#failing.size > 0) {
      this.#failing.delete(partition);
      this.#resume();
    }
  }

  /**
   * `AppendHealth` has found that the log takes records again. Without this a sender that has only samples which are too late
   * until the outage is over would never see its end.
   */
  noteWell(): void {
    this.#failing.clear();
    this.#resume();
  }

  /**
   * How much later than usual samples may be, in ms: the length of the longest outage that is not over for two hours.
   * Undefined while there may have been one that the database does not have.
   */
  get wideningMs(): number | undefined {
    const nowMs = this.#options.clock();
    if ((this.#acceptingSinceMs ?? nowMs) - this.#notedMs > SHORTEST_OUTAGE_MS) return undefined;
    let longestMs = 0;
    for (const { startMs, endMs } of this.#outages) {
      if (nowMs - endMs < CATCH_UP_MS) longestMs = Math.max(longestMs, endMs - startMs);
    }
    return longestMs;
  }

  /** @throws DatabaseError */
  async note(): Promise<void> {
    const { store, clock, logger } = this.#options;
    this.#resume();
    const nowMs = clock();
    // Since when writes are accepted was told by the same clock, and a note of the future is an outage that never was.
    if (this.#options.clockFault?.() !== undefined) this.#acceptingSinceMs = undefined;
    const sinceMs = this.#acceptingSinceMs;
    if (sinceMs === undefined) return;
    const before = this.#outages;
    this.#outages = await store.note(nowMs, sinceMs, SHORTEST_OUTAGE_MS);
    this.#notedMs = nowMs;
    const last = this.#outages.at(-1);
    if (last === undefined || before.some(({ startMs }) => startMs === last.startMs)) return;
    if (nowMs - last.endMs < CATCH_UP_MS) {
      logger.info({ ...last }, 'writes were not accepted for a while; samples may be late by that much');
    }
  }

  #resume(): void {
    const nowMs = this.#options.clock();
    if (this.#failing.size > 0 || this.#options.clockFault?.() !== undefined) return;
    this.#acceptingSinceMs ??= nowMs;
  }
}
