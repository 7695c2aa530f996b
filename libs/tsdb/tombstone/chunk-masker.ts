import { ByteWriter } from '@xscaler/encoding';
import { SampleColumns } from '@xscaler/model';
import { type ChunkView, newChunkView } from '../chunk/chunk.ts';
import { ChunkDecoder } from '../chunk/chunk-decoder.ts';
import { ChunkEncoder } from '../chunk/chunk-encoder.ts';
import { type Hole, isWithinHole, touchesHole } from './tombstones.ts';

/** Takes samples out of chunks; its buffers are reused. */
export class ChunkMasker {
  readonly #decoder = new ChunkDecoder();
  readonly #encoder = new ChunkEncoder();
  readonly #columns = new SampleColumns();
  readonly #bytes = new ByteWriter(4096);

  /**
   * What joined holes leave of a chunk, in time: the chunk itself if they don't touch it, nothing if one covers it,
   * and otherwise its other samples, encoded again. @throws DecodeError
   */
  mask(chunk: ChunkView, holes: readonly Hole[]): readonly ChunkView[] {
    const { minTimeMs, maxTimeMs } = chunk;
    if (!touchesHole(holes, minTimeMs, maxTimeMs)) return [chunk];
    if (isWithinHole(holes, minTimeMs, maxTimeMs)) return [];
    const columns = this.#columns;
    columns.reset();
    let fromMs = Number.NEGATIVE_INFINITY;
    for (const { startMs, endMs } of holes) {
      this.#decoder.decodeInto(columns, chunk, fromMs, startMs - 1);
      fromMs = endMs + 1;
    }
    this.#decoder.decodeInto(columns, chunk, fromMs, Number.POSITIVE_INFINITY);
    return this.#encoded();
  }

  #encoded(): ChunkView[] {
    const { timestamps, length } = this.#columns;
    const chunks: ChunkView[] = [];
    for (let from = 0; from < length; ) {
      this.#bytes.reset();
      const to = this.#encoder.encode(this.#bytes, this.#columns, from);
      const bytes = this.#bytes.take();
      const chunk = newChunkView();
      chunk.encoding = this.#encoder.encoding;
      chunk.bytes = bytes;
      chunk.end = bytes.length;
      chunk.minTimeMs = timestamps[from];
      chunk.maxTimeMs = timestamps[to - 1];
      chunk.count = to - from;
      chunks.push(chunk);
      from = to;
    }
    return chunks;
  }
}
