/** Runs `beat` after `delayMs`; returns what cancels it. */
export type Schedule = (beat: () => void, delayMs: number) => () => void;

/** Does the same thing again and again, one at a time: what a process tells its cluster. */
export class Heartbeat {
  readonly #beat: () => Promise<unknown>;
  readonly #intervalMs: number;
  readonly #schedule: Schedule;
  readonly #onFault: (error: unknown) => void;
  #cancel: (() => void) | undefined;
  #underWay: Promise<void> = Promise.resolve();
  #isStopped = false;

  /** `beat` isn't expected to reject; if it does `onFault` is told and the beat goes on. */
  constructor(
    beat: () => Promise<unknown>,
    intervalMs: number,
    onFault: (error: unknown) => void = () => {},
    schedule: Schedule = scheduleByTimer,
  ) {
    this.#beat = beat;
    this.#intervalMs = intervalMs;
    this.#onFault = onFault;
    this.#schedule = schedule;
  }

  /** The first beat is at once; resolves when it is done. */
  start(): Promise<void> {
    this.#underWay = this.#run();
    return this.#underWay;
  }

  /** Resolves when no beat is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#underWay;
  }

  async #run(): Promise<void> {
    try {
      await this.#beat();
    } catch (error) {
      this.#onFault(error);
    }
    if (this.#isStopped) return;
    this.#cancel = this.#schedule(() => {
      this.#underWay = this.#run();
    }, this.#intervalMs);
  }
}

function scheduleByTimer(beat: () => void, delayMs: number): () => void {
  const timer = setTimeout(beat, delayMs);
  return () => clearTimeout(timer);
}
