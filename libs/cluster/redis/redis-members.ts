import type { RedisClient } from './redis-client.ts';
import { ANNOUNCE, LEAVE, MEMBERS } from './redis-scripts.ts';

/** Processes that announce themselves, each with a text, and go when they are silent for the time to live. */
export class RedisMembers {
  readonly #client: RedisClient;
  readonly #ttlMs: number;
  readonly #keys: readonly string[];

  /** `prefix` is theirs alone. */
  constructor(client: RedisClient, prefix: string, ttlMs: number) {
    this.#client = client;
    this.#ttlMs = ttlMs;
    this.#keys = ['seen', 'texts', 'since'].map((name) => `${prefix}:${name}`);
  }

  /** `isYoung`: there may be more members than `count`, who will announce themselves within a time to live. */
  async announce(id: string, text: string): Promise<{ isYoung: boolean; count: number }> {
    const answer = await this.#client.run(ANNOUNCE, this.#keys, [this.#ttlMs, id, text]);
    const [young, count] = answer as [number, number];
    return { isYoung: young === 1, count };
  }

  async leave(id: string): Promise<void> {
    await this.#client.run(LEAVE, this.#keys.slice(0, 2), [id]);
  }

  async texts(): Promise<{ isYoung: boolean; texts: string[] }> {
    const answer = await this.#client.run(MEMBERS, this.#keys, [this.#ttlMs]);
    const [young, ...texts] = answer as [number, ...(string | null)[]];
    return { isYoung: young === 1, texts: texts.filter((text) => text !== null) };
  }
}
