import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { EventQueue, type TimedEvent } from './event-queue.ts';

/** The runtime's own, kept before virtual timers take its place. */
const realTurn = setImmediate;

/** A process of the simulated cluster: what runs in its name stops with it. */
export interface Actor {
  readonly name: string;
  isAlive: boolean;
  isPaused: boolean;
  /** How far its wall clock is ahead, ms. */
  skewMs: number;
}

interface ActorEvent extends TimedEvent {
  /** In whose name it runs; nobody's: the network's, the servers', the script's. */
  readonly actor: Actor | undefined;
}

const actors = new AsyncLocalStorage<Actor | undefined>();

/** The actor in whose name the code runs. */
export function currentActor(): Actor | undefined {
  return actors.getStore();
}

/**
 * Time that passes only from event to event. Whatever follows an event without waiting for another (microtasks) is
 * done before the next one, so that a seed decides all that happens. Events of a dead actor never happen, those of a
 * paused one wait until it goes on.
 */
export class VirtualTime {
  nowMs: number;
  eventCount = 0;
  readonly #random: () => number;
  readonly #queue = new EventQueue<ActorEvent>();
  readonly #held = new Map<Actor, ActorEvent[]>();

  /** `random` decides the order of events of one time. */
  constructor(startMs: number, random: () => number) {
    this.nowMs = startMs;
    this.#random = random;
  }

  /** Runs `run` in `delayMs`, in the name of the actor (where absent: of who calls). */
  schedule(delayMs: number, run: () => void, actor: Actor | undefined = currentActor()): ActorEvent {
    const atMs = this.nowMs + Math.max(0, delayMs);
    const event = { atMs, order: this.#random(), run, actor, isCancelled: false };
    if (actor?.isAlive !== false) this.#queue.push(event);
    return event;
  }

  /** Runs `run` now, in the name of the actor; nobody's where undefined. */
  runAs<T>(actor: Actor | undefined, run: () => T): T {
    return actors.run(actor, run);
  }

  /** Lets time pass until `done` says so, at the latest until `untilMs`; whether it was done. */
  async run(untilMs: number, done: () => boolean = () => false): Promise<boolean> {
    await realTurn();
    while (!done()) {
      const next = this.#queue.peek();
      if (next === undefined || next.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs);
        return done();
      }
      this.#queue.pop();
      await this.#happen(next);
    }
    return true;
  }

  async #happen(event: ActorEvent): Promise<void> {
    const { actor } = event;
    if (event.isCancelled || actor?.isAlive === false) return;
    if (actor?.isPaused) {
      const held = this.#held.get(actor);
      if (held) held.push(event);
      else this.#held.set(actor, [event]);
      return;
    }
    this.nowMs = Math.max(this.nowMs, event.atMs);
    this.eventCount++;
    actors.run(actor, event.run);
    // Every microtask is done when the next turn of the real event loop begins.
    await realTurn();
  }

  pause(actor: Actor): void {
    actor.isPaused = true;
  }

  /** What should have happened in the meantime happens now. */
  resume(actor: Actor): void {
    actor.isPaused = false;
    const held = this.#held.get(actor) ?? [];
    this.#held.delete(actor);
    for (const event of held) this.#queue.push({ ...event, atMs: Math.max(event.atMs, this.nowMs) });
  }

  kill(actor: Actor): void {
    actor.isAlive = false;
    this.#held.delete(actor);
  }
}
