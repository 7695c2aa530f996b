import { type BlockStore, CATCH_UP_MS, type Outage } from '@xscaler/database';
import { knownFailure, UnavailableError } from '@xscaler/rpc';
import type { EndOffsets, Offsets } from './end-offsets.ts';
import type { Scope } from './fan-out.ts';

/** Limits on the lateness of a tenant's samples. */
export interface Lateness {
  readonly windowMs: number;
  /** When the tenant was changed last, wall clock, ms: before, another window may have held. */
  readonly changedMs: number;
  /** For two hours after one, samples may be later by its length. */
  readonly outages: readonly Outage[];
}

export interface ReadHorizonOptions {
  readonly offsets: EndOffsets;
  readonly blocks: Pick<BlockStore, 'committedUntil' | 'lastCommits' | 'tombstones'>;
  /** Ascending: every partition that may hold samples of a tenant which no block has. */
  readonly partitionsOf: (tenant: string) => Promise<readonly number[]>;
  /** As the database has it now. */
  readonly latenessOf: (tenant: string) => Promise<Lateness>;
  /** Wall clock, ms. */
  readonly clock: () => number;
  /** Greatest error of a service's clock; two clocks may differ by twice as much. */
  readonly maxClockSkewMs: number;
}

/** An acknowledged write was checked no longer ago than the gateway waits for a distributor. */
const WRITE_TIMEOUT_MS = 30_000;

/**
 * Decides how long a read waits, so that its answer has everything acknowledged before it arrived.
 *
 * A range of time **settles**: a sample of it is accepted until the range's end + the tenant's lateness window, by the
 * clock of a distributor that checks it, and is in the log when it is acknowledged, a write's timeout later at most. So
 *
 *     settled = max(end + lateness window, last change of the tenant) + write timeout + 2 × clock skew
 *
 * is an instant before which everything of the range was acknowledged that ever will be. (For two hours after an outage of
 * ours the window is wider by its length. The window is the one that the database names now; before the tenant's last change
 * it may have been wider, so that instant counts too. A default window that is widened must reach queriers before
 * distributors, and one that is narrowed distributors first.) With it
 *
 * 1. a range is **committed** if ingesters noted that everything acknowledged before `settled` is in blocks
 *    (`BlockStore.noteCommitted`): neither the log nor an ingester is asked, and a querier that was started while both
 *    are unreachable answers;
 * 2. end offsets that were asked for at `settled` or later will do, however old they are: ingesters that are up
 *    answer while the log is unreachable; what may come still is deletions, whose offsets the database has;
 * 3. any other range waits for end offsets asked for after the read came, and is refused if the log is unreachable.
 */
export class ReadHorizon {
  readonly #options: ReadHorizonOptions;

  constructor(options: ReadHorizonOptions) {
    this.#options = options;
  }

  /** What a read goes by, the database's commits looked at first: all else must be of a database that has these. */
  async plan(
    tenant: string,
    endMs: number,
    arrival: number | undefined,
  ): Promise<Pick<Scope, 'minOffsets' | 'commits'>> {
    const commits = await this.#options.blocks.lastCommits();
    return { commits, minOffsets: await this.minOffsets(tenant, endMs, arrival) };
  }

  /**
   * What ingesters must have applied for a read of a tenant's data up to `endMs` (inclusive), of each partition that is to be
   * read: 0 if nothing is waited for. Undefined if blocks hold all of it.
   * `arrival`: the read's, see `EndOffsets`; absent: an eventual read, which waits for nothing.
   * @throws UnavailableError if that can't be known
   */
  async minOffsets(tenant: string, endMs: number, arrival: number | undefined): Promise<Offsets | undefined> {
    const { offsets, clock, partitionsOf } = this.#options;
    const partitions = await partitionsOf(tenant);
    if (arrival === undefined) return Object.fromEntries(partitions.map((partition) => [partition, 0]));
    const marginMs = WRITE_TIMEOUT_MS + 2 * this.#options.maxClockSkewMs;
    if (endMs + marginMs < clock()) {
      const known = await this.#ofSettled(tenant, partitions, endMs, marginMs);
      if (known === 'committed') return undefined;
      if (known !== undefined) return known;
    }
    try {
      return await offsets.after(arrival, partitions);
    } catch (error) {
      const cause = knownFailure(error);
      if (cause === undefined) throw error;
      throw new UnavailableError(`what was written last cannot be known: ${cause}`, { cause: error });
    }
  }

  async #ofSettled(
    tenant: string,
    partitions: readonly number[],
    endMs: number,
    marginMs: number,
  ): Promise<Offsets | 'committed' | undefined> {
    const { blocks, clock, latenessOf, offsets } = this.#options;
    const [{ windowMs, changedMs, outages }, committed] = await Promise.all([
      latenessOf(tenant),
      blocks.committedUntil(),
    ]);
    let lastAcceptedMs = Math.max(endMs + windowMs, changedMs);
    for (const outage of outages) {
      const laterMs = endMs + windowMs + outage.endMs - outage.startMs;
      // Before the outage was over nothing came later than usual.
      if (laterMs < outage.endMs) continue;
      lastAcceptedMs = Math.max(lastAcceptedMs, Math.min(laterMs, outage.endMs + CATCH_UP_MS));
    }
    const settledMs = lastAcceptedMs + marginMs;
    if (settledMs > clock()) return undefined;
    if (partitions.every((partition) => (committed.get(partition) ?? 0) >= settledMs)) return 'committed';
    const known = offsets.knownSince(settledMs, partitions);
    return known && this.#behindDeletions(tenant, endMs, known);
  }

  /** The offsets, or those behind the last deletion of each partition. */
  async #behindDeletions(tenant: string, endMs: number, known: Offsets): Promise<Offsets> {
    const behind = { ...known };
    const deletions = await this.#options.blocks.tombstones(tenant, Number.MIN_SAFE_INTEGER, endMs);
    for (const { partition, logOffset } of deletions)
      if (partition in behind) behind[partition] = Math.max(behind[partition], logOffset + 1);
    return behind;
  }
}
