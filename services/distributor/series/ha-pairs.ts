import type { Leases } from '@xscaler/cluster';
import type { Question } from '../outcome/question.ts';
import { HaPair, type HaPairOptions } from './ha-pair.ts';

/** Limit on a tenant's replicas over all pairs; replicas that are pods change their names. */
const MAX_REPLICAS = 65_536;
/** Limit on a tenant's pairs if the tenant sets none. */
const MAX_PAIRS = 10_000;
/** A pair without samples for this long may be forgotten. */
const IDLE_MS = 3_600_000;

interface Replica {
  readonly pair: HaPair;
  readonly name: string;
}

export interface HaPairsOptions {
  readonly tenant: string;
  readonly leases?: Leases | undefined;
  readonly onElected: HaPairOptions['onElected'];
}

/** A tenant's HA pairs. Facts about a series have the number of the replica that sends it. */
export class HaPairs {
  readonly #options: HaPairsOptions;
  #pairs = new Map<string, HaPair>();
  #replicas: Replica[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(options: HaPairsOptions) {
    this.#options = options;
  }

  /**
   * The number of a replica, from 1; 0 if the pair is a new one above `maxPairs` (0: no limit).
   * @param onForget is called when all earlier numbers become invalid
   */
  numberOf(cluster: string, replica: string, maxPairs: number, nowMs: number, onForget: () => void): number {
    const key = JSON.stringify([cluster, replica]);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const max = maxPairs === 0 ? MAX_PAIRS : maxPairs;
    const isTooMany = !this.#pairs.has(cluster) && this.#pairs.size >= max;
    if (isTooMany || this.#replicas.length >= MAX_REPLICAS) {
      if (isTooMany && !this.#hasIdle(nowMs)) return 0;
      this.#forgetIdle(nowMs);
      onForget();
    }
    const pair = this.#pairs.get(cluster) ?? this.#newPair(cluster, nowMs);
    const number = this.#replicas.push({ pair, name: replica });
    this.#numbers.set(key, number);
    return number;
  }

  /** Whether samples of a replica, the youngest at `timeMs`, are stored. While that is undecided they are. */
  accepts(number: number, timeMs: number, nowMs: number, questions: Set<Question>): boolean {
    const { pair, name } = this.#replicas[number - 1];
    const answer = pair.accepts(name, timeMs, nowMs);
    if (answer === undefined) questions.add(pair);
    else if (answer) pair.renew(nowMs);
    return answer !== false;
  }

  all(): Iterable<HaPair> {
    return this.#pairs.values();
  }

  #newPair(cluster: string, nowMs: number): HaPair {
    const { tenant, leases, onElected } = this.#options;
    const pair = new HaPair({ key: [tenant, cluster], leases, onElected });
    pair.seenMs = nowMs;
    this.#pairs.set(cluster, pair);
    return pair;
  }

  #hasIdle(nowMs: number): boolean {
    for (const { seenMs } of this.#pairs.values()) if (nowMs - seenMs > IDLE_MS) return true;
    return false;
  }

  #forgetIdle(nowMs: number): void {
    this.#pairs = new Map([...this.#pairs].filter(([, { seenMs }]) => nowMs - seenMs <= IDLE_MS));
    this.#replicas = [];
    this.#numbers.clear();
  }
}
