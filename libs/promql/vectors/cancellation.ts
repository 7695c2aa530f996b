import { QueryCancelledError, QueryTimeoutError } from '../syntax/errors.ts';

/**
 * How a synchronous evaluation learns that nobody waits for it any more. Loops look at it every
 * `CANCELLATION_SAMPLES` samples.
 */
export interface Cancellation {
  /** @throws QueryCancelledError | QueryTimeoutError once the query is given up */
  throwIfCancelled(): void;
}

/** Samples handled between two looks at the cancellation. */
export const CANCELLATION_SAMPLES = 65_536;

/** Sample i of a long row is one to look at where `i & LOOK_MASK` is 0. */
export const LOOK_MASK = CANCELLATION_SAMPLES - 1;

const RUNNING = 0;
const CANCELLED = 1;
const TIMED_OUT = 2;

/**
 * One 32-bit cell shared between the thread that owns the connection and the one that evaluates:
 * 0 running, 1 cancelled, 2 timed out. The first verdict stands.
 */
export class SharedCancellation implements Cancellation {
  readonly buffer: SharedArrayBuffer;
  readonly #cell: Int32Array;

  /** @param buffer at least 4 bytes, as another `SharedCancellation` made it; absent for a new query */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.buffer = buffer;
    this.#cell = new Int32Array(buffer);
  }

  cancel(): void {
    Atomics.compareExchange(this.#cell, 0, RUNNING, CANCELLED);
  }

  timeOut(): void {
    Atomics.compareExchange(this.#cell, 0, RUNNING, TIMED_OUT);
  }

  throwIfCancelled(): void {
    const state = Atomics.load(this.#cell, 0);
    if (state === CANCELLED) throw new QueryCancelledError();
    if (state === TIMED_OUT) throw new QueryTimeoutError();
  }
}
