import type { Gauge } from 'prom-client';

const MAX_IN_FLIGHT_BYTES = 128 * 1024 * 1024;

/** Bytes of requests in flight, and of their records until the log has them. */
export class InFlightBytes {
  readonly #gauge: Gauge;
  readonly #max: number;
  #bytes = 0;

  constructor(gauge: Gauge, max = MAX_IN_FLIGHT_BYTES) {
    this.#gauge = gauge;
    this.#max = max;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#max;
  }

  /** Runs `action` while `bytes` more are in flight. */
  async during<T>(bytes: number, action: () => Promise<T>): Promise<T> {
    this.#add(bytes);
    try {
      return await action();
    } finally {
      this.#add(-bytes);
    }
  }

  #add(bytes: number): void {
    this.#bytes += bytes;
    this.#gauge.set(this.#bytes);
  }
}
