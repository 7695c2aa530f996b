/**
 * A token bucket in samples. It may go into debt by one request: a request is let through when the bucket
 * holds a full burst or as much as the request wants, so that one larger than the burst passes eventually
 * instead of being retried for ever.
 */
export class TokenBucket {
  #tokens = Number.POSITIVE_INFINITY;
  #filledMs = 0;

  /**
   * Takes `wanted` tokens: 0 if they were available, else how many ms to wait before trying again.
   * `burst` 0 means one second's worth. Rate and burst may differ from call to call.
   */
  take(wanted: number, ratePerSecond: number, burst: number, nowMs: number): number {
    const capacity = burst > 0 ? burst : ratePerSecond;
    const elapsedMs = Math.max(0, nowMs - this.#filledMs);
    this.#filledMs = nowMs;
    this.#tokens = Math.min(capacity, this.#tokens + (elapsedMs * ratePerSecond) / 1000);
    const missing = Math.min(wanted, capacity) - this.#tokens;
    if (missing > 0) return Math.ceil((missing * 1000) / ratePerSecond);
    this.#tokens -= wanted;
    return 0;
  }
}
