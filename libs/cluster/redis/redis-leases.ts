import { joinKey } from '../keys.ts';
import { checkLease, type LeaseOutcome, type Leases } from '../leases.ts';
import type { RedisClient } from './redis-client.ts';
import { COMPARE_AND_SET } from './redis-scripts.ts';

/** `Leases` in Redis. */
export class RedisLeases implements Leases {
  readonly #client: RedisClient;
  readonly #prefix: string;

  constructor(client: RedisClient, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
  }

  async get(key: readonly string[]): Promise<string | undefined> {
    return (await this.#client.get(this.#nameOf(key))) ?? undefined;
  }

  async compareAndSet(
    key: readonly string[],
    expected: string | undefined,
    value: string,
    ttlMs: number,
  ): Promise<LeaseOutcome> {
    checkLease(value, ttlMs);
    const args = expected === undefined ? [value, ttlMs] : [value, ttlMs, expected];
    const answer = await this.#client.run(COMPARE_AND_SET, [this.#nameOf(key)], args);
    const [isSet, current] = answer as [number, (string | null)?];
    return isSet === 1 ? { isSet: true } : { isSet: false, current: current ?? undefined };
  }

  #nameOf(key: readonly string[]): string {
    return `${this.#prefix}:${joinKey(key)}`;
  }
}
