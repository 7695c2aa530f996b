import type { Random } from '@xscaler/e2e/harness';
import type { Actor, VirtualTime } from './virtual-time.ts';

/** How badly the network behaves now; chances are of each call. */
export interface NetworkFaults {
  maxDelayMs: number;
  /** A call that never arrives. */
  lostCalls: number;
  /** A call that does its work and whose answer never arrives. */
  lostAnswers: number;
}

/** Who answers calls: a server or a process. Calls to one that is unreachable fail. */
export interface Callee {
  readonly isAway: boolean;
  /** In whose name calls run; nobody's for a server that is not a process of ours. */
  readonly actor: Actor | undefined;
}

/** Who called gives up after this, ms. */
const CALL_TIMEOUT_MS = 10_000;
const RESET_MS = 3;

/** Calls between processes, with the network's faults between them. */
export class Network {
  readonly faults: NetworkFaults = { maxDelayMs: 5, lostCalls: 0, lostAnswers: 0 };
  readonly #time: VirtualTime;
  readonly #random: Random;

  constructor(time: VirtualTime, random: Random) {
    this.#time = time;
    this.#random = random;
  }

  /**
   * Calls `work` at the callee. A caller that dies never hears; one whose answer is lost, or who waits for a
   * process that died or sleeps, gets `lost()` thrown.
   */
  call<T>(caller: Actor | undefined, callee: Callee, work: () => Promise<T>, lost: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      // What a dead process had begun goes on in microtasks; it must not reach anyone.
      if (caller?.isAlive === false) return;
      const time = this.#time;
      let isOver = false;
      const answer = (delayMs: number, settle: () => void) => {
        const arrive = () => {
          if (isOver) return;
          isOver = true;
          giveUp.isCancelled = true;
          settle();
        };
        // Nobody's event: it waits for no process but the caller, who may be dead or asleep itself.
        time.schedule(delayMs, arrive, caller);
      };
      const giveUp = time.schedule(CALL_TIMEOUT_MS, () => answer(0, () => reject(lost())), undefined);
      if (this.#random.next() < this.faults.lostCalls) return answer(this.#delayMs(), () => reject(lost()));
      const arrived = () => {
        if (callee.isAway) return answer(RESET_MS, () => reject(lost()));
        const isLost = this.#random.next() < this.faults.lostAnswers;
        work().then(
          (value) => answer(this.#delayMs(), () => (isLost ? reject(lost()) : resolve(value))),
          (error) => answer(this.#delayMs(), () => reject(isLost ? lost() : error)),
        );
      };
      if (callee.actor?.isAlive === false) answer(RESET_MS, () => reject(lost()));
      else time.schedule(this.#delayMs(), arrived, callee.actor ?? NOBODY);
    });
  }

  /** Tells a process something that it waits for. */
  notify(actor: Actor | undefined, wake: () => void): void {
    this.#time.schedule(this.#delayMs(), wake, actor ?? NOBODY);
  }

  #delayMs(): number {
    return this.#random.next() * this.faults.maxDelayMs;
  }
}

/** Servers that are not processes of ours: they are unreachable, but don't die. */
const NOBODY: Actor = { name: 'server', isAlive: true, isPaused: false, skewMs: 0 };
