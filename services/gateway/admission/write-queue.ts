import type { Refusal } from '../refusals/refusal.ts';

export interface WriteQueueOptions {
  /** A write that has waited for this long is refused. */
  readonly maxWaitMs: number;
  /** Monotonic, ms. */
  readonly clock: () => number;
  /** The refusal of a write that would wait, or has waited, too long. */
  readonly refusal: () => Refusal;
}

/** Writes running at the beginning, and at the fewest and the most, whatever they take. */
const FIRST_AT_WORK = 64;
const LEAST_AT_WORK = 16;
const MOST_AT_WORK = 1_024;
/** How long a write should be running at most, those running with it included. */
const WORK_MS = 100;
/** A service that takes its time when it has nothing else to do may take a multiple of it. */
const WORK_OF_IDLE = 2;
const MAX_WORK_MS = 400;
/** As many running tell how long a write takes by itself. */
const IDLE_AT_WORK = 4;
/** How often it is decided how many may be running. */
const WINDOW_MS = 100;
const GROWTH = 1.1;
const SHRINKAGE = 0.9;
/** Weight of the newest time in an average. */
const NEWEST = 0.05;

/**
 * Writes before a service: this many of them are given to it at once that it is busy and still answers soon; the others wait here,
 * a bounded time, tenants in turn. So an admitted write is answered soon, however much is offered, and a tenant that sends little
 * waits for no other one.
 *
 * How many are running follows from how long they take, as with TCP: a window in which even the quickest took long has too many;
 * one in which they were quick, and all places taken, may have more. The quickest, since a standing queue makes all slow, a
 * stalled disk only some (Nichols, Jacobson: Controlling Queue Delay, ACM Queue 10/5, 2012).
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
  /** Average time running, and the same of those that had the service to themselves. */
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

  /** How many may be running. */
  get places(): number {
    return this.#places;
  }

  /** Whether one more of the tenant would wait too long. Half of the time that it may wait: how long the others take is a guess. */
  isFull(tenant: string): boolean {
    if (this.#atWork < this.#places) return false;
    const own = this.#waiting.get(tenant);
    const tenants = this.#waiting.size + (own === undefined ? 1 : 0);
    const before = Math.min(this.#waitingCount, (own?.length ?? 0) * tenants);
    return (before / this.#places) * this.#workMs > this.#maxWaitMs / 2;
  }

  /**
   * Waits for a place, to be left when the write is done.
   * @throws Refusal if that takes too long
   * @throws the reason of `left`, when it is aborted
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
      // To the end, if it has more: tenants take turns.
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

/** A write's place running. */
export interface WritePlace {
  leave(): void;
}

interface Waiter {
  /** Its place is taken for it already. */
  callIn(): void;
}
