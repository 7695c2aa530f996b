import { SampleColumns } from '@xscaler/model';
import { type ChunkView, ENCODING_XOR } from '../chunk/chunk.ts';
import { ChunkDecoder } from '../chunk/chunk-decoder.ts';
import { XorWriter } from '../chunk/xor-chunk.ts';
import type { LateNotes } from './late-notes.ts';

/** Late samples to chunks and back, with the buffers for it. Times are milliseconds since the window's start. */
export class LateCodec {
  readonly #windowStartMs: number;
  readonly #writer = new XorWriter();
  readonly #decoder = new ChunkDecoder();
  readonly #columns = new SampleColumns();

  constructor(windowStartMs: number) {
    this.#windowStartMs = windowStartMs;
  }

  /** Chunks of the first `length` samples, each with bytes of its own. */
  encode(times: Int32Array, words: Int32Array, length: number, notes: LateNotes | undefined): ChunkView[] {
    const chunks: ChunkView[] = [];
    const writer = this.#writer;
    for (let i = 0; i < length; ) {
      const first = i;
      writer.start(times[i], words[2 * i], words[2 * i + 1]);
      i++;
      while (i < length && writer.append(times[i], words[2 * i], words[2 * i + 1])) i++;
      const chunk: ChunkView = {
        encoding: ENCODING_XOR,
        bytes: writer.bytes.slice(0, writer.byteLength),
        start: 0,
        end: writer.byteLength,
        minTimeMs: this.#windowStartMs + times[first],
        maxTimeMs: this.#windowStartMs + times[i - 1],
        count: i - first,
      };
      const noted = notes?.notes.lateChunk(chunk, times, first, i, notes.starts, notes.entries);
      chunks.push(noted ?? chunk);
    }
    return chunks;
  }

  /** The samples of `encode`'s chunks, which fit `times` and `words`. */
  decodeInto(times: Int32Array, words: Int32Array, chunks: readonly ChunkView[]): void {
    const columns = this.#columns;
    columns.reset();
    for (const chunk of chunks) this.#decoder.decodeInto(columns, chunk, -Infinity, Infinity);
    const { length, timestamps, valueWords } = columns;
    for (let i = 0; i < length; i++) times[i] = timestamps[i] - this.#windowStartMs;
    words.set(valueWords.subarray(0, 2 * length));
  }
}
