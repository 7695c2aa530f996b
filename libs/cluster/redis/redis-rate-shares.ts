import { checkDemands, type RateShares, shareOf } from '../rate-shares.ts';
import type { RedisMembers } from './redis-members.ts';
import { isDone } from './redis-owner-registry.ts';
import type { RedisTally } from './redis-tally.ts';

export interface RedisRateSharesOptions {
  readonly memberId: string;
  readonly registry: RedisMembers;
  readonly tally: RedisTally;
  readonly ttlMs: number;
  readonly now: () => number;
}

/** `RateShares` by Redis. */
export class RedisRateShares implements RateShares {
  readonly #options: RedisRateSharesOptions;
  #shares: ReadonlyMap<string, number> = new Map();
  #exchangedMs = Number.NEGATIVE_INFINITY;
  #members = 1;

  constructor(options: RedisRateSharesOptions) {
    this.#options = options;
  }

  async exchange(demands: ReadonlyMap<string, number>): Promise<boolean> {
    checkDemands(demands.size);
    return isDone(this.#exchange(demands));
  }

  share(tenant: string): number {
    const { ttlMs, now } = this.#options;
    const share = now() - this.#exchangedMs < ttlMs ? this.#shares.get(tenant) : undefined;
    return share ?? 1 / this.#members;
  }

  get members(): number {
    return this.#members;
  }

  async leave(): Promise<boolean> {
    const { memberId, registry, tally } = this.#options;
    return isDone(Promise.all([registry.leave(memberId), tally.put({ group: memberId, id: '' }, new Map())]));
  }

  async #exchange(demands: ReadonlyMap<string, number>): Promise<void> {
    const { memberId, registry, tally, now } = this.#options;
    const { isYoung, count } = await registry.announce(memberId, '');
    this.#members = isYoung ? Math.max(this.#members, count) : count;
    await tally.put({ group: memberId, id: '' }, demands);
    const totals = await tally.totals([...demands.keys()]);
    const shares = new Map<string, number>();
    for (const [tenant, own] of demands) {
      shares.set(tenant, shareOf(own, totals.get(tenant)?.total ?? own, this.#members));
    }
    this.#shares = shares;
    this.#exchangedMs = now();
  }
}
