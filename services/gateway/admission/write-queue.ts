import type { Refusal } from '../refusals/refusal.ts';

export interface WriteQueueOptions {
  /** A write that has waited for this long is refused. */
  readonly maxWaitMs: number;
  /** Monotonic, ms. */
  readonly clock: () => number;
  /** The error for a write that would wait, or has waited, too long. */
  readonly refusal: () => Refusal;
}

/** Initial, least and greatest number of writes in flight. */
const FIRST_AT_WORK = 64;
const LEAST_AT_WORK = 16;
const MOST_AT_WORK = 1_024;
/** Target for a write's time in flight, ms. */
const WORK_MS = 100;
/** For a slow service, the target is this multiple of its time when idle. */
const WORK_OF_IDLE = 2;
const MAX_WORK_MS = 400;
/** With fewer other writes in flight, the service counts as idle. */
const IDLE_AT_WORK = 4;
/** Interval between changes of the limit. */
const WINDOW_MS = 100;
const GROWTH = 1.1;
const SHRINKAGE = 0.9;
/** Weight of the newest time in an average. */
const NEWEST = 0.05;

/**
 * Limits the writes in flight to a service, so that it is busy but still answers soon. Other writes wait here for a bounded
 * time, and tenants take turns. So an admitted write is answered soon under any load, and a tenant that sends little does
 * not wait for one that sends much.
 *
 * The limit follows the time that writes take, as in TCP. It shrinks after a window in which even the quickest write was
 * slow, and grows after a window of quick writes that used all places. The quickest counts because a standing queue slows
 * all writes, a stalled disk only some (Nichols, Jacobson: Controlling Queue Delay, ACM Queue 10/5, 2012).
 */
export class WriteQueue {
  readonly #maxWaitMs: number;
  readonly #clock: () => number;
  readonly #refusal: () => Refusal;
  /** By tenant, the next one first. */
  readonly #waiting = new Map<string, Waiter[]>();
  #waitingCount = 0;
  #atWork = 0;
  #places = FIRST_AT_WORK;
  /** Average time in flight: of all writes, and of those that found the service idle. */
  #workMs = 0;
  #idleWorkMs = 0;
  #windowStartMs: number;
  #quickestMs = Number.POSITIVE_INFINITY;
  #wereAllTaken = false;

  constructor({ maxWaitMs, clock, refusal }: WriteQueueOptions) {
    this.#maxWaitMs = maxWaitMs;
    this.#clock = clock;
    this.#refusal = refusal;
    this.#windowStartMs = clock();
  }

  get atWork(): number {
    return this.#atWork;
  }

  get waiting(): number {
    return this.#waitingCount;
  }

  /** Current limit on writes in flight. */
  get places(): number {
    return this.#places;
  }

  /** Whether another write of the tenant would wait too long: over half the allowed time, since the estimate is rough. */
  isFull(tenant: string): boolean {
    if (this.#atWork < this.#places) return false;
    const own = this.#waiting.get(tenant);
    const tenants = this.#waiting.size + (own === undefined ? 1 : 0);
    const before = Math.min(this.#waitingCount, (own?.length ?? 0) * tenants);
    return (before / this.#places) * this.#workMs > this.#maxWaitMs / 2;
  }

  /**
   * Waits for a place; the caller leaves it when the write is done.
   * @throws Refusal if that takes too long
   * @throws the reason of `left` if it is aborted
   */
  async enter(tenant: string, left: AbortSignal): Promise<WritePlace> {
    left.throwIfAborted();
    if (this.#atWork >= this.#places) {
      this.#wereAllTaken = true;
      if (this.isFull(tenant)) throw this.#refusal();
      await this.#turn(tenant, left);
    } else {
      this.#atWork++;
    }
    return this.#place();
  }

  #place(): WritePlace {
    const startMs = this.#clock();
    const besides = this.#atWork - 1;
    return {
      leave: () => {
        const tookMs = this.#clock() - startMs;
        this.#note(tookMs, besides);
        this.#atWork--;
        this.#callIn();
      },
    };
  }

  #turn(tenant: string, left: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void) => {
        clearTimeout(timer);
        left.removeEventListener('abort', onLeft);
        this.#waitingCount--;
        outcome();
      };
      const withdraw = (reason: unknown) => {
        this.#remove(tenant, waiter);
        settle(() => reject(reason));
      };
      const onLeft = () => withdraw(left.reason);
      const timer = setTimeout(() => withdraw(this.#refusal()), this.#maxWaitMs);
      left.addEventListener('abort', onLeft);
      const waiter: Waiter = { callIn: () => settle(resolve) };
      const own = this.#waiting.get(tenant);
      if (own === undefined) this.#waiting.set(tenant, [waiter]);
      else own.push(waiter);
      this.#waitingCount++;
    });
  }

  #callIn(): void {
    while (this.#atWork < this.#places) {
      const next = this.#waiting.entries().next();
      if (next.done) return;
      const [tenant, own] = next.value;
      const waiter = own.shift();
      // A tenant with more writes goes to the end: tenants take turns.
      this.#waiting.delete(tenant);
      if (own.length > 0) this.#waiting.set(tenant, own);
      this.#atWork++;
      waiter?.callIn();
    }
  }

  #remove(tenant: string, waiter: Waiter): void {
    const own = this.#waiting.get(tenant);
    if (own === undefined) return;
    own.splice(own.indexOf(waiter), 1);
    if (own.length === 0) this.#waiting.delete(tenant);
  }

  #note(tookMs: number, besides: number): void {
    this.#workMs += NEWEST * (tookMs - this.#workMs);
    if (besides < IDLE_AT_WORK) this.#idleWorkMs += NEWEST * (tookMs - this.#idleWorkMs);
    this.#quickestMs = Math.min(this.#quickestMs, tookMs);
    const nowMs = this.#clock();
    if (nowMs - this.#windowStartMs < WINDOW_MS) return;
    const workMs = Math.min(MAX_WORK_MS, Math.max(WORK_MS, WORK_OF_IDLE * this.#idleWorkMs));
    if (this.#quickestMs > workMs) {
      this.#places = Math.max(LEAST_AT_WORK, Math.floor(this.#places * SHRINKAGE));
    } else if (this.#wereAllTaken) {
      this.#places = Math.min(MOST_AT_WORK, Math.ceil(this.#places * GROWTH));
    }
    this.#windowStartMs = nowMs;
    this.#quickestMs = Number.POSITIVE_INFINITY;
    this.#wereAllTaken = this.#waitingCount > 0;
  }
}

/** A write in flight. */
export interface WritePlace {
  leave(): void;
}

interface Waiter {
  /** Called after the queue has counted the write as in flight. */
  callIn(): void;
}
