interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Reads that wait until a partition has applied everything below an offset. */
export class OffsetWaiters {
  readonly #waiting = new Set<Waiter>();

  wait(offset: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter);
        signal.removeEventListener('abort', abort);
      };
      const waiter: Waiter = {
        offset,
        resolve: () => {
          leave();
          resolve();
        },
        reject: (reason) => {
          leave();
          reject(reason);
        },
      };
      const abort = () => waiter.reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.add(waiter);
    });
  }

  reached(nextOffset: number): void {
    for (const waiter of this.#waiting) if (waiter.offset <= nextOffset) waiter.resolve();
  }

  fail(reason: Error): void {
    for (const waiter of this.#waiting) waiter.reject(reason);
  }
}
