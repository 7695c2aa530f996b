const SILENT_MS = 60_000;
/** Warnings known at once; one more, and all may be written again. */
const MAX_KNOWN = 1_000;

interface Known {
  readonly writtenMs: number;
  /** Since it was written. */
  repeats: number;
}

/**
 * Which warnings are written, of those that come again and again while something is unreachable: the first, then one a minute,
 * with how many were not written in between. Warnings are the same if their text and partition are.
 */
export class RepeatedWarnings {
  readonly #clock: () => number;
  readonly #known = new Map<string, Known>();

  /** `clock` in ms. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** How many were not written since the last one that was; undefined if this one isn't to be written. */
  repeats(text: string, partition: unknown): number | undefined {
    const key = `${partition} ${text}`;
    const nowMs = this.#clock();
    const known = this.#known.get(key);
    if (known !== undefined && nowMs - known.writtenMs < SILENT_MS) {
      known.repeats++;
      return undefined;
    }
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(key, { writtenMs: nowMs, repeats: 0 });
    return known?.repeats ?? 0;
  }
}
