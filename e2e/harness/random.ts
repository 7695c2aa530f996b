/** Seeded random numbers, so that what a test did can be done again (mulberry32, Tommy Ettinger). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The seed in the environment, or a new one; it is printed, to be repeated. */
  static seeded(): Random {
    const seed = Number(process.env.XSCALER_E2E_SEED ?? Math.trunc(Math.random() * 2 ** 31));
    console.log(`XSCALER_E2E_SEED=${seed}`);
    return new Random(seed);
  }

  /** 0 ≤ x < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number with low ≤ x < high. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low));
  }
}
