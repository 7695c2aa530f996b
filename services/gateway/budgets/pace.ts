/** The least rate, averaged over each window. */
export interface MinPace {
  readonly windowMs: number;
  readonly bytesPerSecond: number;
}

/** Checks per window for windows that are over. */
const LOOKS = 10;

/**
 * Ends bodies or answers that make too little progress: each one in the first window in which too few of its bytes moved.
 * All share one timer, since a timer per request would cost more than the rest of this class.
 */
export class PaceWatch {
  readonly minPace: MinPace;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor(minPace: MinPace) {
    this.minPace = minPace;
  }

  /**
   * @param movedBytes in total until now
   * @param onSlow called once, with the bytes moved in the window
   */
  watch(movedBytes: () => number, onSlow: (movedBytes: number) => void): Pace {
    const watched: Watched = { movedBytes, onSlow, before: movedBytes(), sinceMs: performance.now() };
    this.#watched.add(watched);
    this.#timer ??= setInterval(() => this.#look(), this.minPace.windowMs / LOOKS).unref();
    return {
      restart: () => restart(watched, performance.now()),
      stop: () => this.#watched.delete(watched),
    };
  }

  #look(): void {
    if (this.#watched.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const { windowMs, bytesPerSecond } = this.minPace;
    const nowMs = performance.now();
    for (const watched of this.#watched) {
      if (nowMs - watched.sinceMs < windowMs) continue;
      const moved = watched.movedBytes() - watched.before;
      restart(watched, nowMs);
      if (moved * 1000 >= bytesPerSecond * windowMs) continue;
      this.#watched.delete(watched);
      watched.onSlow(moved);
    }
  }
}

export interface Pace {
  /** Begins a new window, after a time in which the delay was not the other side's. */
  restart(): void;
  stop(): void;
}

interface Watched {
  readonly movedBytes: () => number;
  readonly onSlow: (movedBytes: number) => void;
  before: number;
  sinceMs: number;
}

function restart(watched: Watched, nowMs: number): void {
  watched.before = watched.movedBytes();
  watched.sinceMs = nowMs;
}
