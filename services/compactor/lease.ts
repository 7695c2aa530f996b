import type { CompactionJob, CompactionStore } from '@xscaler/database';

/** Keeps a job while it is worked on. `signal` aborts once it is somebody else's, or when `stopping` does. */
export class Lease implements Disposable {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  readonly #lost = new AbortController();

  constructor(store: CompactionStore, job: CompactionJob, leaseMs: number, stopping: AbortSignal) {
    this.signal = AbortSignal.any([stopping, this.#lost.signal]);
    let renewedMs = performance.now();
    this.#timer = setInterval(() => {
      const askedMs = performance.now();
      store.renew(job, leaseMs).then(
        (isOurs) => {
          if (isOurs) renewedMs = askedMs;
          else this.#lose();
        },
        // A database that is unreachable for longer than the lease has given the job to another, for all we know.
        () => {
          if (performance.now() - renewedMs > leaseMs) this.#lose();
        },
      );
    }, leaseMs / 3);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #lose(): void {
    this.#lost.abort(new Error('the job is another compactor’s now'));
  }
}
