import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers';
import { EventQueue, type TimedEvent } from './event-queue.ts';

/** The runtime's own, kept before virtual timers take its place. */
const runtimeImmediate = setImmediate;
/** This many events share one turn of the runtime's event loop, which costs more than most of them. */
const EVENTS_A_TURN = 128;

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

  /** Runs `run` in `delayMs`, in the name of the actor (if absent: of who calls). */
  schedule(delayMs: number, run: () => void, actor: Actor | undefined = currentActor()): ActorEvent {
    const atMs = this.nowMs + Math.max(0, delayMs);
    const event = { atMs, order: this.#random(), run, actor, isCancelled: false };
    if (actor?.isAlive !== false) this.#queue.push(event);
    return event;
  }

  /** Runs `run` now, in the name of the actor; nobody's if undefined. */
  runAs<T>(actor: Actor | undefined, run: () => T): T {
    return actors.run(actor, run);
  }

  /** Lets time pass until `done` says so, at the latest until `untilMs`; whether it was done. */
  run(untilMs: number, done: () => boolean = () => false): Promise<boolean> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      // Between two immediates of one turn every microtask is done, and every rejection that nobody caught ends the process.
      const step = () => {
        if (isOver) return;
        try {
          isOver = done() || !this.#passOne(untilMs);
          if (isOver) resolve(done());
        } catch (error) {
          isOver = true;
          reject(error);
        }
      };
      const turn = () => {
        if (isOver) return;
        for (let i = 0; i < EVENTS_A_TURN; i++) runtimeImmediate(step);
        runtimeImmediate(turn);
      };
      turn();
    });
  }

  /** Lets the next event happen; false if there is none until then, and time goes there. */
  #passOne(untilMs: number): boolean {
    for (;;) {
      const next = this.#queue.peek();
      if (next === undefined || next.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs);
        return false;
      }
      this.#queue.pop();
      if (this.#happen(next)) return true;
    }
  }

  /** False if it doesn't happen, or not now. */
  #happen(event: ActorEvent): boolean {
    const { actor } = event;
    if (event.isCancelled || actor?.isAlive === false) return false;
    if (actor?.isPaused) {
      const held = this.#held.get(actor);
      if (held) held.push(event);
      else this.#held.set(actor, [event]);
      return false;
    }
    this.nowMs = Math.max(this.nowMs, event.atMs);
    this.eventCount++;
    actors.run(actor, event.run);
    return true;
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
