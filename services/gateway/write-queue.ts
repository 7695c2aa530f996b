/** Writes under way below which nobody is turned away: too few to wait for each other. */
const ALWAYS_ADMITTED = 32;
/** How often it is counted how fast writes come to their end. */
const SLOT_MS = 250;
/** Weight of the newest count. */
const NEWEST = 0.5;

/**
 * Turns writes away that would wait too long for those before them, so that what is accepted is answered soon however much is
 * offered: by Little's law the last of n writes waits n / rate. The rate is that at which writes come to their end while so many
 * are under way that it is all that can be done; whether it is the processor or a log that makes them wait is the same.
 */
export class WriteQueue {
  readonly #maxWaitMs: number;
  readonly #clock: () => number;
  #underWay = 0;
  #capacityPerMs = Number.POSITIVE_INFINITY;
  #slotStartMs: number;
  #ended = 0;
  #fewest = 0;

  /** `clock`: monotonic, ms. */
  constructor(maxWaitMs: number, clock: () => number) {
    this.#maxWaitMs = maxWaitMs;
    this.#clock = clock;
    this.#slotStartMs = clock();
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Whether one more would wait too long. */
  get isFull(): boolean {
    this.#measure();
    return this.#underWay >= Math.max(ALWAYS_ADMITTED, this.#capacityPerMs * this.#maxWaitMs);
  }

  enter(): void {
    this.#measure();
    this.#underWay++;
  }

  leave(): void {
    this.#measure();
    this.#underWay--;
    this.#ended++;
    this.#fewest = Math.min(this.#fewest, this.#underWay);
  }

  #measure(): void {
    const nowMs = this.#clock();
    const elapsedMs = nowMs - this.#slotStartMs;
    if (elapsedMs < SLOT_MS) return;
    // Where there were few at any time, others could have been done as well: that says nothing of what can be.
    if (this.#fewest >= ALWAYS_ADMITTED / 2) {
      const rate = this.#ended / elapsedMs;
      const known = Number.isFinite(this.#capacityPerMs) ? this.#capacityPerMs : rate;
      this.#capacityPerMs = NEWEST * rate + (1 - NEWEST) * known;
    }
    this.#slotStartMs = nowMs;
    this.#ended = 0;
    this.#fewest = this.#underWay;
  }
}
