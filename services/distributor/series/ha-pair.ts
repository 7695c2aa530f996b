import type { Leases } from '@xscaler/cluster';
import { decodeElection, type Election, encodeElection } from './ha-lease.ts';

/** An elected replica may be replaced if it has sent no sample for longer than this, in sample time. */
const FAILOVER_MS = 30_000;
/** The elected replica's sample time is written to the lease this often, */
const RENEW_MS = 1_000;
/** or when it has advanced by this much: a backlog covers minutes within a second. */
const RENEW_STEP_MS = 5_000;
/** An election is forgotten after its replica was silent for this long. */
const LEASE_TTL_MS = 3_600_000;
/** Attempts at a claim while other distributors claim as well. */
const MAX_CLAIMS = 4;

export interface HaPairOptions {
  /** Tenant and cluster. */
  readonly key: readonly [tenant: string, cluster: string];
  /** Absent if there is no other distributor. */
  readonly leases?: Leases | undefined;
  readonly onElected: (pair: HaPair, before: Election | undefined) => void;
}

/**
 * The replicas of one of a tenant's clusters. The elected one's samples are stored, those of the others are left out. The first to
 * send is elected. Another one replaces it with a sample more than 30 s younger than the elected one's youngest. So sample time
 * decides, whenever samples arrive.
 *
 * All distributors agree by a lease. It is read if something must be decided: a pair that isn't known here, a failover, or an
 * elected replica that returns after a silence. The elected one's time is written to it once a second, or every five seconds of sample
 * time. While leases are unreachable the last known election holds, and decisions are made here; the first distributor to write the lease
 * afterwards decides for all. Until then two replicas may be stored. No sample is left out for lack of an election.
 */
export class HaPair {
  readonly #options: HaPairOptions;
  #election: Election | undefined;
  /** The lease's value when it was last read or written here. */
  #written: string | undefined;
  #renewedMs = Number.NEGATIVE_INFINITY;
  /** When the lease last agreed with what is known here. */
  #confirmedMs = Number.NEGATIVE_INFINITY;
  /** Sample time last written to the lease. */
  #toldMs = Number.NEGATIVE_INFINITY;
  #renewing: Promise<void> | undefined;
  #claiming: Promise<void> | undefined;
  #candidate = '';
  #candidateMs = 0;
  /** When the last sample arrived, by the wall clock, ms. */
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
   * Whether samples of a replica, the youngest at `timeMs`, are stored, as far as is known here; undefined if `decide` must
   * decide that first.
   */
  accepts(replica: string, timeMs: number, nowMs: number): boolean | undefined {
    this.seenMs = nowMs;
    const election = this.#election;
    const isElected = election?.replica === replica;
    if (election === undefined || timeMs - election.latestMs > FAILOVER_MS) {
      // An elected replica that was silent may have been replaced.
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

  /** Decides what `accepts` left open. Never rejects: if leases are unreachable it decides alone. */
  decide(nowMs: number): Promise<void> {
    this.#claiming ??= this.#claim(this.#candidate, this.#candidateMs, nowMs).finally(() => {
      this.#claiming = undefined;
    });
    return this.#claiming;
  }

  /** Writes the elected replica's time to the lease if that is due. In the background; never rejects. */
  renew(nowMs: number): Promise<void> | undefined {
    const { leases } = this.#options;
    const election = this.#election;
    if (leases === undefined || election === undefined || this.#renewing !== undefined) return undefined;
    const isDue = nowMs - this.#renewedMs >= RENEW_MS || election.latestMs - this.#toldMs >= RENEW_STEP_MS;
    if (!isDue || encodeElection(election) === this.#written) return undefined;
    this.#toldMs = election.latestMs;
    this.#renewing = this.#renew(leases, election, nowMs)
      // Unreachable: the next renewal writes a later time.
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
      // Unreachable.
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

  /** Takes over the election that others agreed on. An absent lease changes nothing. */
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
