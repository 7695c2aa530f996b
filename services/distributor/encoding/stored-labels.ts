import { ByteWriter } from '@xscaler/encoding';
import { CACHED_MAX_BYTES, LabelCache } from '@xscaler/wire/otlp';
import type { Admission } from '../series/admission.ts';
import type { SeriesLabels } from '../series/label-rules.ts';

/**
 * Label sets of series that are not stored with the label bytes received: those in another order, rewritten by a tenant's rules, or
 * with a replica's name removed. Kept by series id, which determines them.
 */
export class StoredLabels {
  /** The label set shown last, until the next `show`. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  readonly #cache: LabelCache;
  readonly #writer = new ByteWriter(1024);
  readonly #key = { h0: 0, h1: 0, h2: 0, h3: 0 };

  /** @param maxBytes bound on the label sets and their index */
  constructor(maxBytes: number) {
    this.#cache = new LabelCache(maxBytes);
  }

  /** Shows the stored labels of the series whose id is at `words[at …]`, received with `labels`. */
  show(words: Int32Array, at: number, admission: Admission, labels: SeriesLabels): void {
    const cache = this.#cache;
    const key = this.#key;
    key.h0 = words[at];
    key.h1 = words[at + 1];
    key.h2 = words[at + 2];
    key.h3 = words[at + 3];
    if (!cache.find(key)) {
      const writer = this.#writer;
      writer.reset();
      admission.writeLabels(labels, writer);
      if (writer.length > CACHED_MAX_BYTES) {
        this.bytes = writer.bytes;
        this.start = 0;
        this.end = writer.length;
        return;
      }
      cache.add(key, writer.bytes, 0, writer.length);
    }
    this.bytes = cache.bytes;
    this.start = cache.start;
    this.end = cache.end;
  }
}
