interface Bucket {
  tokens: number;
  atMs: number;
}

/** Above this many keys, idle buckets are dropped: a full bucket is equal to a new one. */
const SWEEP_AT = 10_000;

/** A token bucket for each key: `rate` tokens a second, with a burst of one second's tokens, at least one. */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>();
  #sweepAt = SWEEP_AT;

  /** Takes a token and returns 0, or returns the ms until the next token. A rate of 0 means no limit. */
  take(key: string, rate: number, nowMs: number): number {
    if (rate <= 0) return 0;
    const burst = Math.max(1, rate);
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#sweepAt) this.#sweep(nowMs);
      bucket = { tokens: burst, atMs: nowMs };
      this.#buckets.set(key, bucket);
    }
    const elapsedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs * rate) / 1000);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return ((1 - bucket.tokens) * 1000) / rate;
    bucket.tokens--;
    return 0;
  }

  /** A bucket unused for a minute is full again, unless its rate is below one a minute. */
  #sweep(nowMs: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (nowMs - bucket.atMs >= 60_000) this.#buckets.delete(key);
    }
    this.#sweepAt = Math.max(SWEEP_AT, this.#buckets.size * 2);
  }
}
