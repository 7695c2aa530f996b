import { joinKey } from '../keys.ts';
import type { RedisClient } from './redis-client.ts';
import { TALLY_KEYS, TALLY_PUT, TALLY_TOTALS } from './redis-scripts.ts';

/** Who puts a number into a tally: of those of one group the largest counts. */
export interface TallyMember {
  readonly group: string;
  readonly id: string;
}

export interface TallyTotal {
  readonly total: number;
  /** When Redis said so. */
  readonly atMs: number;
}

/** Totals remembered for the times when Redis is unreachable. */
const MAX_KNOWN = 100_000;

/**
 * Numbers by tenant that members put in again and again, and their totals. A member that is silent for the time to live
 * counts no more. One hash a tenant, one field a member: a tenant costs what it is used, not how large the cluster is.
 */
export class RedisTally {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #ttlMs: number;
  readonly #now: () => number;
  /** What each member has put in last. */
  readonly #lastPut = new Map<string, ReadonlySet<string>>();
  /** The longest not asked for first. */
  readonly #known = new Map<string, TallyTotal>();

  constructor(client: RedisClient, prefix: string, ttlMs: number, now: () => number) {
    this.#client = client;
    this.#prefix = prefix;
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  /** Puts a member's numbers in place of its former ones. Rejects with `ClusterError` `unavailable`. */
  async put({ group, id }: TallyMember, numbers: ReadonlyMap<string, number>): Promise<void> {
    const field = joinKey([group, id]);
    const values = new Map<string, number>();
    for (const tenant of this.#lastPut.get(field) ?? []) values.set(tenant, 0);
    for (const [tenant, number] of numbers) values.set(tenant, number);
    // A put that fails half-way has put in some of the new ones, and has yet to take out some of the old.
    this.#lastPut.set(field, new Set(values.keys()));
    for (const tenants of chunksOf([...values.keys()])) {
      const numbersOf = tenants.map((tenant) => values.get(tenant) ?? 0);
      await this.#client.run(TALLY_PUT, this.#keysOf(tenants), [this.#ttlMs, field, ...numbersOf]);
    }
    this.#lastPut.set(field, new Set(numbers.keys()));
  }

  /** Totals as of now. Rejects with `ClusterError` `unavailable`; what came before that is known. */
  async totals(tenants: readonly string[]): Promise<Map<string, TallyTotal>> {
    const totals = new Map<string, TallyTotal>();
    for (const chunk of chunksOf(tenants)) {
      const answer = await this.#client.run(TALLY_TOTALS, this.#keysOf(chunk), [this.#ttlMs]);
      const [young, ...texts] = answer as [number, ...string[]];
      const atMs = this.#now();
      for (const [i, tenant] of chunk.entries()) {
        const known = young === 1 ? (this.#known.get(tenant)?.total ?? 0) : 0;
        const total = { total: Math.max(known, Number(texts[i])), atMs };
        this.#remember(tenant, total);
        totals.set(tenant, total);
      }
    }
    return totals;
  }

  /** The last total Redis has given for a tenant. */
  known(tenant: string): TallyTotal | undefined {
    return this.#known.get(tenant);
  }

  #remember(tenant: string, total: TallyTotal): void {
    this.#known.delete(tenant);
    this.#known.set(tenant, total);
    if (this.#known.size <= MAX_KNOWN) return;
    for (const [oldest] of this.#known) {
      this.#known.delete(oldest);
      return;
    }
  }

  #keysOf(tenants: readonly string[]): string[] {
    return [`${this.#prefix}:since`, ...tenants.map((tenant) => `${this.#prefix}:of:${joinKey([tenant])}`)];
  }
}

function* chunksOf(tenants: readonly string[]): Generator<string[]> {
  for (let i = 0; i < tenants.length; i += TALLY_KEYS) yield tenants.slice(i, i + TALLY_KEYS);
}
