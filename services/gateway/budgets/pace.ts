/** The least that has to move in every window; the rest may move as it likes. */
export interface MinPace {
  readonly windowMs: number;
  readonly bytesPerSecond: number;
}

/** How often it is looked whose window is over: so often in a window. */
const LOOKS = 10;

/**
 * Watches that bodies or answers get on: each one ends with the first window in which too few bytes of it were moved. All of
 * them share a timer, since one for each request would cost more than all the rest of this.
 */
export class PaceWatch {
  readonly minPace: MinPace;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor(minPace: MinPace) {
    this.minPace = minPace;
  }

  /**
   * @param movedBytes in all, up to now
   * @param onSlow told once, with what was moved in the window
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
  /** A new window begins: for a time it was not the other side that was waited for. */
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
