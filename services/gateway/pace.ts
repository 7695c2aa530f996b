/** The least that has to move in every window; the rest may move as it likes. */
export interface MinPace {
  readonly windowMs: number;
  readonly bytesPerSecond: number;
}

/** Watches that something gets on: ends with `onSlow` after the first window in which too few bytes were moved. */
export class Pace {
  readonly #movedBytes: () => number;
  readonly #timer: NodeJS.Timeout;
  #before: number;

  /** @param movedBytes in all, up to now */
  constructor(
    { windowMs, bytesPerSecond }: MinPace,
    movedBytes: () => number,
    onSlow: (moved: number) => void,
  ) {
    this.#movedBytes = movedBytes;
    this.#before = movedBytes();
    this.#timer = setInterval(() => {
      const moved = movedBytes() - this.#before;
      this.#before += moved;
      if (moved * 1000 >= bytesPerSecond * windowMs) return;
      this.stop();
      onSlow(moved);
    }, windowMs);
  }

  /** A new window begins: for a time it was not the other side that was waited for. */
  restart(): void {
    this.#before = this.#movedBytes();
    this.#timer.refresh();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
