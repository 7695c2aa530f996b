export interface CircuitOptions {
  /** Failures in a row after which an address is skipped for a while. Default 2. */
  readonly failuresToOpen?: number;
  /** How long, at first; doubled by each further failure. Default 500. */
  readonly coolDownMs?: number;
  /** Default 15,000. */
  readonly maxCoolDownMs?: number;
  /** Monotonic, ms. */
  readonly clock?: () => number;
  /** [0, 1). */
  readonly random?: () => number;
}

/**
 * A circuit breaker for an address. After several failures in a row the address is skipped for a cool-down, plus or minus a
 * quarter so that callers don't return all at once. After that the next failure opens the circuit again at once, for twice
 * as long; a success closes it.
 */
export class AddressHealth {
  readonly #failuresToOpen: number;
  readonly #coolDownMs: number;
  readonly #maxCoolDownMs: number;
  readonly #clock: () => number;
  readonly #random: () => number;
  #failures = 0;
  #coolUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: CircuitOptions = {}) {
    this.#failuresToOpen = options.failuresToOpen ?? 2;
    this.#coolDownMs = options.coolDownMs ?? 500;
    this.#maxCoolDownMs = options.maxCoolDownMs ?? 15_000;
    this.#clock = options.clock ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
  }

  get isCooling(): boolean {
    return this.#clock() < this.#coolUntilMs;
  }

  /** When it may be asked again; in the past for one that may be asked now. */
  get coolUntilMs(): number {
    return this.#coolUntilMs;
  }

  get failures(): number {
    return this.#failures;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#coolUntilMs = Number.NEGATIVE_INFINITY;
  }

  failed(): void {
    // Failures of requests in flight when the circuit opened are not counted again.
    if (this.isCooling) return;
    this.#failures++;
    if (this.#failures < this.#failuresToOpen) return;
    const doublings = Math.min(this.#failures - this.#failuresToOpen, 30);
    const coolDownMs = Math.min(this.#coolDownMs * 2 ** doublings, this.#maxCoolDownMs);
    this.#coolUntilMs = this.#clock() + coolDownMs * (0.75 + this.#random() / 2);
  }
}
