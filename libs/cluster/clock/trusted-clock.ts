import type { OwnClock, ReferenceTime } from './reference-time.ts';

/**
 * Whether the local clock can be gone by, looked at whenever it is asked: one that has jumped since it was compared is
 * noticed at once, and one that was set right again too.
 */
export class TrustedClock {
  readonly #own: OwnClock;
  readonly #maxSkewMs: number;
  #reference: ReferenceTime | undefined;

  /** `maxSkewMs`: how far it may be from what most clocks say. */
  constructor(own: OwnClock, maxSkewMs: number) {
    this.#own = own;
    this.#maxSkewMs = maxSkewMs;
  }

  get maxSkewMs(): number {
    return this.#maxSkewMs;
  }

  /** What it was compared with last. */
  get reference(): ReferenceTime | undefined {
    return this.#reference;
  }

  set reference(reference: ReferenceTime | undefined) {
    this.#reference = reference;
  }

  /** Why nothing may go by the local clock; undefined if it is right. */
  fault(): string | undefined {
    const reference = this.#reference;
    if (reference === undefined) return 'the local clock has not been compared with other clocks yet';
    const { baseMs, uncertaintyMs, witnesses } = reference;
    const aheadMs = this.#own.wall() - this.#own.monotonic() - baseMs;
    if (Math.abs(aheadMs) + uncertaintyMs <= this.#maxSkewMs) return undefined;
    const direction = aheadMs > 0 ? 'ahead of' : 'behind';
    const others = witnesses.map((name) => NAMES[name] ?? name).join(' and ') || 'the others';
    return (
      `the local clock is ${spanText(aheadMs)} ${direction} the clock of ${others}; ` +
      `cluster.max_clock_skew is ${spanText(this.#maxSkewMs)}`
    );
  }
}

/** As people write them. */
const NAMES: Readonly<Record<string, string>> = { postgresql: 'PostgreSQL', kafka: 'Kafka', redis: 'Redis' };

/** `3h 0m 2s`, or seconds with a decimal below a minute. */
export function spanText(ms: number): string {
  const seconds = Math.abs(ms) / 1_000;
  if (seconds < 60) return `${Number(seconds.toFixed(1))}s`;
  const whole = Math.round(seconds);
  const parts = [`${Math.floor((whole % 3_600) / 60)}m`, `${whole % 60}s`];
  return (whole >= 3_600 ? [`${Math.floor(whole / 3_600)}h`, ...parts] : parts).join(' ');
}
