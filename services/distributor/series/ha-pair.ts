import type { Leases } from '@xscaler/cluster';
import { decodeElection, type Election, encodeElection } from './ha-lease.ts';

/** An elected replica of which no sample came for longer, in sample time, may be replaced. */
export const FAILOVER_MS = 30_000;
/** The elected replica's sample time is told to the others so often, */
const RENEW_MS = 1_000;
/** or when it is this much further: a backlog covers minutes within a second. */
const RENEW_STEP_MS = 5_000;
/** An election is forgotten when its replica was silent for this long. */
const LEASE_TTL_MS = 3_600_000;
/** How often a claim is tried if others claim as well. */
const MAX_CLAIMS = 4;

export interface HaPairOptions {
  /** Tenant and cluster. */
  readonly key: readonly [tenant: string, cluster: string];
  /** Where distributors agree; absent if there is but one. */
  readonly leases?: Leases | undefined;
  readonly onElected: (pair: HaPair, before: Election | undefined) => void;
}

/**
 * The replicas of one cluster of one tenant, of which one is elected: its samples are stored, those of the others are left
 * out. Elected is who comes first; another one takes its place when it has a sample that is more than 30 s younger than the
 * elected one's youngest. So it is sample time that decides, whenever samples arrive.
 *
 * All distributors agree by a lease. It is asked if something is to be decided (a pair that isn't known here, a
 * failover, an elected one that comes back after a silence), and the elected one's time is written into it once
 * a second, or in five seconds of sample time. Where it is unreachable the last known election goes on; what is to be decided is decided here
 * alone, and the first to write the lease when it is back decides for all. Until then two replicas may be
 * stored; none is left out for the lack of an election.
 */
export class HaPair {
  readonly #options: HaPairOptions;
  #election: Election | undefined;
  /** The lease's value when it was last read or written here. */
  #written: string | undefined;
  #renewedMs = Number.NEGATIVE_INFINITY;
  /** When the lease was last found to say what is known here. */
  #confirmedMs = Number.NEGATIVE_INFINITY;
  /** Sample time that others were told last. */
  #toldMs = Number.NEGATIVE_INFINITY;
  #renewing: Promise<void> | undefined;
  #claiming: Promise<void> | undefined;
  #candidate = '';
  #candidateMs = 0;
  /** When a sample came last, by the wall clock, ms. */
  seenMs = 0;

  constructor(options: HaPairOptions) {
    this.#options = options;
  }

  get cluster(): string {
    return this.#options.key[1];
  }

  get election(): Election | undefined {
    return this.#election;
  }

  /**
   * Whether samples of a replica, the youngest at `timeMs`, are to be stored, as far as is known here; undefined if that
   * has to be decided by `decide` first.
   */
  accepts(replica: string, timeMs: number, nowMs: number): boolean | undefined {
    this.seenMs = nowMs;
    const election = this.#election;
    const isElected = election?.replica === replica;
    if (election === undefined || timeMs - election.latestMs > FAILOVER_MS) {
      // An elected one that was silent may have been replaced meanwhile.
      if (!isElected || !this.#isConfirmed(nowMs)) {
        this.#candidate = replica;
        this.#candidateMs = timeMs;
        return undefined;
      }
    }
    if (!isElected) return false;
    if (timeMs > election.latestMs) this.#election = { ...election, latestMs: timeMs };
    return true;
  }

  /** Decides what `accepts` left open. Never rejects: if the others can't be asked it is decided here. */
  decide(nowMs: number): Promise<void> {
    this.#claiming ??= this.#claim(this.#candidate, this.#candidateMs, nowMs).finally(() => {
      this.#claiming = undefined;
    });
    return this.#claiming;
  }

  /** Tells the others, now and then, how far the elected replica is. In the background; never rejects. */
  renew(nowMs: number): Promise<void> | undefined {
    const { leases } = this.#options;
    const election = this.#election;
    if (leases === undefined || election === undefined || this.#renewing !== undefined) return undefined;
    const isDue = nowMs - this.#renewedMs >= RENEW_MS || election.latestMs - this.#toldMs >= RENEW_STEP_MS;
    if (!isDue || encodeElection(election) === this.#written) return undefined;
    this.#toldMs = election.latestMs;
    this.#renewing = this.#renew(leases, election, nowMs)
      // Away: the next one tells them more.
      .catch(() => undefined)
      .finally(() => {
        this.#renewing = undefined;
        this.#renewedMs = nowMs;
      });
    return this.#renewing;
  }

  #isConfirmed(nowMs: number): boolean {
    return this.#options.leases === undefined || nowMs - this.#confirmedMs < RENEW_MS;
  }

  async #claim(replica: string, timeMs: number, nowMs: number): Promise<void> {
    const claimed: Election = { replica, latestMs: timeMs, sinceMs: timeMs };
    const { leases, key } = this.#options;
    try {
      let current = leases === undefined ? this.#written : await leases.get(key);
      for (let i = 0; leases !== undefined && i < MAX_CLAIMS; i++) {
        this.#adopt(current);
        const election = this.#election;
        if (election !== undefined && current !== undefined) {
          this.#confirmedMs = nowMs;
          if (election.replica === replica) break;
          if (timeMs - election.latestMs <= FAILOVER_MS) return;
        }
        const value = encodeElection(claimed);
        const outcome = await leases.compareAndSet(key, current, value, LEASE_TTL_MS);
        if (outcome.isSet) {
          this.#written = value;
          this.#confirmedMs = nowMs;
          break;
        }
        current = outcome.current;
      }
    } catch {
      // Away.
    }
    if (this.#election?.replica === replica) {
      const latestMs = Math.max(timeMs, this.#election.latestMs);
      this.#elect({ ...this.#election, latestMs });
    } else {
      this.#elect(claimed);
    }
  }

  async #renew(leases: Leases, told: Election, nowMs: number): Promise<void> {
    const { key } = this.#options;
    const value = encodeElection(told);
    const outcome = await leases.compareAndSet(key, this.#written, value, LEASE_TTL_MS);
    if (outcome.isSet) this.#written = value;
    else this.#adopt(outcome.current);
    this.#confirmedMs = nowMs;
  }

  /** Takes over what the others have agreed on; what nobody has written leaves things unchanged. */
  #adopt(value: string | undefined): void {
    this.#written = value;
    const theirs = value === undefined ? undefined : decodeElection(value);
    if (theirs === undefined) return;
    const ours = this.#election;
    const isSame = ours?.replica === theirs.replica;
    this.#elect(isSame && ours.latestMs > theirs.latestMs ? { ...theirs, latestMs: ours.latestMs } : theirs);
  }

  #elect(election: Election): void {
    const before = this.#election;
    this.#election = election;
    if (before?.replica !== election.replica) this.#options.onElected(this, before);
  }
}
