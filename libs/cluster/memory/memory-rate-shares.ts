import { DEFAULT_TTL_MS } from '../cluster.ts';
import { checkDemands, type RateShares, shareOf } from '../rate-shares.ts';

interface Exchange {
  readonly demands: ReadonlyMap<string, number>;
  readonly atMs: number;
}

/** Where the members of one process tell each other their demands. */
export class MemoryRateBoard {
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #exchanges = new Map<string, Exchange>();

  /** `now` is a clock in ms. */
  constructor(ttlMs = DEFAULT_TTL_MS, now: () => number = Date.now) {
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  sharesOf(memberId: string): RateShares {
    return new MemoryRateShares(this, memberId);
  }

  /** Puts a member's demands up; returns everybody's. */
  exchange(memberId: string, demands: ReadonlyMap<string, number>): readonly ReadonlyMap<string, number>[] {
    const nowMs = this.#now();
    this.#exchanges.set(memberId, { demands: new Map(demands), atMs: nowMs });
    for (const [id, { atMs }] of this.#exchanges) {
      if (atMs <= nowMs - this.#ttlMs) this.#exchanges.delete(id);
    }
    return [...this.#exchanges.values()].map((exchange) => exchange.demands);
  }

  leave(memberId: string): void {
    this.#exchanges.delete(memberId);
  }
}

class MemoryRateShares implements RateShares {
  readonly #board: MemoryRateBoard;
  readonly #memberId: string;
  #shares = new Map<string, number>();
  #members = 1;

  constructor(board: MemoryRateBoard, memberId: string) {
    this.#board = board;
    this.#memberId = memberId;
  }

  async exchange(demands: ReadonlyMap<string, number>): Promise<boolean> {
    checkDemands(demands.size);
    const everybodys = this.#board.exchange(this.#memberId, demands);
    this.#members = everybodys.length;
    this.#shares = new Map();
    for (const [tenant, own] of demands) {
      let total = 0;
      for (const theirs of everybodys) total += theirs.get(tenant) ?? 0;
      this.#shares.set(tenant, shareOf(own, total, this.#members));
    }
    return true;
  }

  share(tenant: string): number {
    return this.#shares.get(tenant) ?? 1 / this.#members;
  }

  get members(): number {
    return this.#members;
  }

  async leave(): Promise<boolean> {
    this.#board.leave(this.#memberId);
    return true;
  }
}
