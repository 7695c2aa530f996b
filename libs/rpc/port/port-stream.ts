/** Takes what comes back for one id. */
export interface ReplySink {
  /** Whether one value is all that comes. */
  readonly single: boolean;
  value(value: unknown): void;
  end(): void;
  fail(error: Error): void;
}

/** What a stream needs of the connection that it runs over. */
export interface StreamCaller {
  /** Starts a stream whose answers go to `sink`; returns its id. */
  open(method: string, request: unknown, sink: ReplySink): number;
  cancel(id: number): void;
  credit(id: number, count: number): void;
}

interface Waiter {
  readonly resolve: (step: IteratorResult<unknown, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * The reading end of a stream. Nothing is sent before the first `next()`. At most `window` values lie here
 * unread; credits go back in halves of a window, so that a reader who keeps up never waits for a round trip.
 */
export class PortStream implements AsyncIterator<unknown, undefined>, ReplySink {
  readonly single = false;
  readonly #client: StreamCaller;
  readonly #method: string;
  readonly #signal: AbortSignal | undefined;
  readonly #window: number;
  readonly #values: unknown[] = [];
  readonly #waiters: Waiter[] = [];
  #request: unknown;
  #id = -1;
  #consumed = 0;
  #over = false;
  #fault: { readonly error: unknown } | undefined;

  constructor(
    client: StreamCaller,
    method: string,
    request: unknown,
    signal: AbortSignal | undefined,
    window: number,
  ) {
    this.#client = client;
    this.#method = method;
    this.#request = request;
    this.#signal = signal;
    this.#window = window;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#id === -1 && !this.#over) this.#open();
    if (this.#values.length > 0) {
      const value = this.#values.shift();
      this.#consume();
      return { done: false, value };
    }
    if (this.#fault !== undefined) {
      const { error } = this.#fault;
      this.#fault = undefined;
      throw error;
    }
    if (this.#over) return DONE;
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    if (!this.#over) {
      if (this.#id !== -1) this.#client.cancel(this.#id);
      this.#finish(undefined);
    }
    this.#values.length = 0;
    this.#fault = undefined;
    return DONE;
  }

  value(value: unknown): void {
    if (this.#over) return;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#values.push(value);
      return;
    }
    this.#consume();
    waiter.resolve({ done: false, value });
  }

  end(): void {
    if (!this.#over) this.#finish(undefined);
  }

  fail(error: Error): void {
    if (!this.#over) this.#finish({ error });
  }

  #open(): void {
    this.#signal?.throwIfAborted();
    this.#id = this.#client.open(this.#method, this.#request, this);
    this.#request = undefined;
    this.#signal?.addEventListener('abort', this.#abort);
  }

  readonly #abort = () => {
    this.#client.cancel(this.#id);
    this.#values.length = 0;
    this.#finish({ error: this.#signal?.reason });
  };

  #consume(): void {
    this.#consumed++;
    if (this.#over || this.#consumed * 2 < this.#window) return;
    this.#client.credit(this.#id, this.#consumed);
    this.#consumed = 0;
  }

  /** Values that came before a fault or the end are still handed out; waiters exist only if there are none. */
  #finish(fault: { readonly error: unknown } | undefined): void {
    this.#over = true;
    this.#signal?.removeEventListener('abort', this.#abort);
    const waiters = this.#waiters.splice(0);
    this.#fault = fault;
    for (const waiter of waiters) {
      if (this.#fault === undefined) waiter.resolve(DONE);
      else waiter.reject(this.#fault.error);
      this.#fault = undefined;
    }
  }
}
