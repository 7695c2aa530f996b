import { Heartbeat, type RateShares } from '@xscaler/cluster';
import type { RateDivision as SampleRates } from '@xscaler/distributor';
import type { RateDivision as RequestRates } from '@xscaler/gateway';

/** How often gateways, or distributors, tell each other what their tenants ask for. */
const EXCHANGE_MS = 1_000;
/** Of this many tenants demand is counted within one interval; the rest gets an even share. */
const MAX_TENANTS = 50_000;

/**
 * A tenant's rate divided among those that live, by what each is asked for: of requests among gateways, of samples
 * among distributors.
 */
export class SharedRates implements RequestRates, SampleRates {
  readonly #shares: RateShares;
  readonly #clock: () => number;
  readonly #heartbeat: Heartbeat;
  #offered = new Map<string, number>();
  #sinceMs: number;

  /** `clock`: monotonic, ms. */
  constructor(shares: RateShares, clock: () => number) {
    this.#shares = shares;
    this.#clock = clock;
    this.#sinceMs = clock();
    this.#heartbeat = new Heartbeat(() => this.exchange(), EXCHANGE_MS);
  }

  offered(tenant: string, amount = 1): void {
    const before = this.#offered.get(tenant);
    if (before === undefined && this.#offered.size >= MAX_TENANTS) return;
    this.#offered.set(tenant, (before ?? 0) + amount);
  }

  share(tenant: string): number {
    return this.#shares.share(tenant);
  }

  /** Those that share, this one included. */
  get members(): number {
    return this.#shares.members;
  }

  start(): Promise<void> {
    return this.#heartbeat.start();
  }

  async stop(): Promise<void> {
    await this.#heartbeat.stop();
    await this.#shares.leave();
  }

  /** Tells the others of the demand since the last time, in requests or samples a second. */
  async exchange(): Promise<void> {
    const nowMs = this.#clock();
    const seconds = Math.max(1, nowMs - this.#sinceMs) / 1_000;
    const demands = new Map([...this.#offered].map(([tenant, amount]) => [tenant, amount / seconds]));
    this.#offered = new Map();
    this.#sinceMs = nowMs;
    await this.#shares.exchange(demands);
  }
}
