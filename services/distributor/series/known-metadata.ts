import type { ContentHash } from '@xscaler/encoding';
import { LAST_SEEN, SeriesTable } from './series-table.ts';

/** Metadata that a sender repeats with every request is stored again after this long. */
const REPEAT_MINUTES = 10;
const MAX_ENTRIES = 100_000;

/**
 * Hashes of metadata stored a short while ago. Senders of remote write 2.0 and OTLP repeat it with every request; it goes
 * into the log once in ten minutes.
 */
export class KnownMetadata {
  readonly #entries: SeriesTable;

  constructor(seed: number) {
    this.#entries = new SeriesTable({
      ownWords: 0,
      maxEntries: MAX_ENTRIES,
      staleAfterMinutes: REPEAT_MINUTES,
      seed,
    });
  }

  /** Whether it is known. It is from now on. */
  knows({ h0, h1, h2, h3 }: ContentHash, nowMinute: number): boolean {
    const entries = this.#entries;
    const at = entries.find(h0, h1, h2, h3);
    if (at < 0) {
      entries.insert(h0, h1, h2, h3, nowMinute);
      return false;
    }
    if (nowMinute - entries.words[at + LAST_SEEN] < REPEAT_MINUTES) return true;
    entries.words[at + LAST_SEEN] = nowMinute;
    return false;
  }

  sweep(nowMinute: number): void {
    this.#entries.sweep(nowMinute);
  }

  /** Forgets everything, since the latest metadata may not have been stored. */
  clear(): void {
    this.#entries.clear();
  }
}
