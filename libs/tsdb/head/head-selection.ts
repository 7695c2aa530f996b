import { ID_WORDS } from '@xscaler/model';
import type { ChunkView } from '../chunk/chunk.ts';
import { SeriesFrameWriter } from '../frame/series-frame.ts';
import type { Head } from './head.ts';
import type { ChunkMark } from './head-chunks.ts';

/** Words noted of a slot: the slot, then its `ChunkMark`. */
const NOTE_WORDS = 5;

const FRAME_BYTES = 1024 * 1024;

/** A head's series as they were when it was made, whatever is appended later. */
export class HeadSelection implements Disposable {
  readonly #head: Head;
  readonly #notes: Int32Array;
  readonly #late = new Map<number, readonly ChunkView[]>();
  readonly #startMs: number;
  readonly #endMs: number;
  readonly seriesCount: number;
  /** Samples of the selected series, those outside the bounds included. */
  readonly sampleCount: number;
  #closed = false;

  /** Made by `Head.select`. */
  constructor(head: Head, slots: Uint32Array, startMs: number, endMs: number) {
    this.#head = head;
    this.#startMs = startMs;
    this.#endMs = endMs;
    this.#notes = new Int32Array(slots.length * NOTE_WORDS);
    let noted = 0;
    let sampleCount = 0;
    if (startMs <= head.maxTimeMs && endMs >= head.minTimeMs) {
      const mark: ChunkMark = { link: 0, openCount: 0, openBits: 0, openTime: 0 };
      for (const slot of slots) {
        head.chunks.mark(slot, mark);
        if (mark.openCount === 0) continue;
        const lateCount = head.chunks.lateCount(slot);
        if (lateCount > 0) this.#late.set(slot, head.chunks.lateChunks(slot, startMs, endMs));
        this.#notes.set([slot, mark.link, mark.openCount, mark.openBits, mark.openTime], noted * NOTE_WORDS);
        sampleCount += head.chunks.markedSamples(mark) + lateCount;
        noted++;
      }
    }
    this.seriesCount = noted;
    this.sampleCount = sampleCount;
    head.pin();
  }

  /** Series frames of about `maxBytes`, each alone in its ArrayBuffer; none if nothing matches. */
  *frames(maxBytes: number = FRAME_BYTES): Generator<Uint8Array<ArrayBuffer>, void, void> {
    const writer = new SeriesFrameWriter(this.#head.partition, this.#head.fromOffset);
    for (let i = 0; i < this.seriesCount; i++) {
      if (this.#closed) throw new Error('the selection was closed');
      const chunks = this.#chunks(i * NOTE_WORDS);
      if (chunks.length === 0) continue;
      this.#addSeries(writer, this.#notes[i * NOTE_WORDS], chunks);
      if (writer.byteLength >= maxBytes) yield writer.take();
    }
    if (writer.seriesCount > 0) yield writer.take();
  }

  /** Unpins the head; idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#head.unpin();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The chunks within the bounds: in-order ones first, since they stand if times are equal. */
  #chunks(at: number): ChunkView[] {
    const slot = this.#notes[at];
    const mark: ChunkMark = {
      link: this.#notes[at + 1],
      openCount: this.#notes[at + 2],
      openBits: this.#notes[at + 3],
      openTime: this.#notes[at + 4],
    };
    const chunks = this.#head.chunks.chunks(slot, mark).concat(this.#late.get(slot) ?? []);
    return chunks.filter((chunk) => chunk.minTimeMs <= this.#endMs && chunk.maxTimeMs >= this.#startMs);
  }

  #addSeries(writer: SeriesFrameWriter, slot: number, chunks: readonly ChunkView[]): void {
    const table = this.#head.table;
    const pairs = table.pairsOf(slot);
    for (const pair of pairs)
      if (!writer.hasPair(pair)) writer.definePair(pair, table.pairName(pair), table.pairValue(pair));
    writer.addSeries(table.ids, slot * ID_WORDS, pairs.length);
    for (const pair of pairs) writer.addLabel(pair);
    writer.beginChunks(chunks.length);
    for (const chunk of chunks) writer.addChunk(chunk);
  }
}
